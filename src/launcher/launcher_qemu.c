/*
 * launcher_qemu.c: what a QEMU program is able to do for us
 *
 * Running QEMU only to hear its version takes 10 to 50 ms, most of it for
 * loading its many libraries. What --version prints stands in the program as
 * one string; finding that among its constants takes 1 ms, in the whole file
 * 10 ms.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_qemu.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define _(s) gettext(s)

#define LAUNCHER_QEMU_BANNER "QEMU emulator version "

/* QEMU says its version within the first hundred bytes, and a device's name
 * before its properties. */
#define LAUNCHER_QEMU_OUTPUT_MAX 512
#define LAUNCHER_QEMU_TIMEOUT 10000


/* Reads MAJOR.MINOR at TEXT, of which LEFT bytes are there. */
static gboolean
launcherQEMUReadVersion(LauncherQEMU *qemu,
                        const char *text,
                        size_t left)
{
    char version[16];
    size_t len = MIN(left, sizeof(version) - 1);
    unsigned int major;
    unsigned int minor;

    memcpy(version, text, len);
    version[len] = '\0';
    if (sscanf(version, "%3u.%3u", &major, &minor) != 2)
        return FALSE;

    qemu->major = major;
    qemu->minor = minor;
    return TRUE;
}


gboolean
launcherQEMURead(LauncherQEMU *qemu,
                 const char *data,
                 size_t size)
{
    static const char driver[] = LAUNCHER_QEMU_DRIVER;
    static const char vfioUser[] = LAUNCHER_QEMU_VFIO_USER;
    const char *const end = data + size;
    const char *at = data;

    *qemu = (LauncherQEMU) { 0 };
    do {
        at = memmem(at, end - at, LAUNCHER_QEMU_BANNER, strlen(LAUNCHER_QEMU_BANNER));
        if (!at)
            return FALSE;
        at += strlen(LAUNCHER_QEMU_BANNER);
    } while (!launcherQEMUReadVersion(qemu, at, end - at));

    /* With the NUL: the whole name. */
    qemu->known = TRUE;
    qemu->proxy = memmem(data, size, driver, sizeof(driver)) != NULL;
    qemu->vfioUser = memmem(data, size, vfioUser, sizeof(vfioUser)) != NULL;
    return TRUE;
}


/* Narrows *DATA and *SIZE, a program of this machine's kind, down to its
 * section of constants. Leaves them alone if that is not to be found. */
static void
launcherQEMUFindConstants(const char **data,
                          size_t *size)
{
    const char *const file = *data;
    const size_t total = *size;
    ElfW(Ehdr) header;
    ElfW(Shdr) section;
    ElfW(Shdr) names;
    size_t i;

    if (total < sizeof(header))
        return;
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_shentsize != sizeof(section) ||
        header.e_shstrndx >= header.e_shnum || header.e_shoff > total ||
        header.e_shnum > (total - header.e_shoff) / sizeof(section))
        return;

    memcpy(&names, file + header.e_shoff + header.e_shstrndx * sizeof(names), sizeof(names));
    if (names.sh_offset > total || names.sh_size > total - names.sh_offset)
        return;

    for (i = 0; i < header.e_shnum; i++) {
        static const char rodata[] = ".rodata";

        memcpy(&section, file + header.e_shoff + i * sizeof(section), sizeof(section));
        if (section.sh_name >= names.sh_size || names.sh_size - section.sh_name < sizeof(rodata) ||
            memcmp(file + names.sh_offset + section.sh_name, rodata, sizeof(rodata)) != 0 ||
            section.sh_offset > total || section.sh_size > total - section.sh_offset)
            continue;
        *data = file + section.sh_offset;
        *size = section.sh_size;
        return;
    }
}


gboolean
launcherQEMUReadProgram(LauncherQEMU *qemu,
                        const char *data,
                        size_t size)
{
    const char *constants = data;
    size_t length = size;

    launcherQEMUFindConstants(&constants, &length);
    return launcherQEMURead(qemu, constants, length) || launcherQEMURead(qemu, data, size);
}


/* FALSE if PROGRAM, whatever the reason, does not tell. */
static gboolean
launcherQEMUReadFile(LauncherQEMU *qemu,
                     const char *program)
{
    int fd = open(program, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    void *data = MAP_FAILED;
    gboolean found = FALSE;

    if (fd < 0)
        return FALSE;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data != MAP_FAILED) {
        found = launcherQEMUReadProgram(qemu, data, st.st_size);
        munmap(data, st.st_size);
    }
    close(fd);
    return found;
}


/* The first bytes that PROGRAM prints when it gets OPTION and VALUE (or
 * NULL), in BUF. */
static gboolean
launcherQEMURun(const char *program,
                const char *option,
                const char *value,
                char *buf,
                size_t size)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_QEMU_TIMEOUT * INT64_C(1000);
    int fds[2];
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    if (!launcherFdsPipe(fds))
        return FALSE;

    pid = launcherChildFork();
    if (pid == 0) {
        if (launcherChildSetStdio(fds[1]) && launcherFdsCloseExcept(NULL, 0))
            execl(program, program, option, value, NULL);
        _exit(EXIT_FAILURE);
    }
    launcherFdsClose(&fds[1]);

    if (pid > 0) {
        while (len < size - 1 &&
               (got = launcherChildRead(fds[0], buf + len, size - 1 - len, deadline)) > 0)
            len += got;
        /* Whatever else it is at, nobody waits for that. */
        kill(pid, SIGKILL);
    }
    buf[len] = '\0';
    launcherFdsClose(&fds[0]);
    if (pid > 0)
        launcherChildReap(pid);
    return len > 0;
}


static gboolean
launcherQEMUIsSince(const LauncherQEMU *qemu,
                    int major,
                    int minor)
{
    return qemu->major > major || (qemu->major == major && qemu->minor >= minor);
}


gboolean
launcherQEMUInspect(LauncherQEMU *qemu,
                    const char *program,
                    GError **err)
{
    char output[LAUNCHER_QEMU_OUTPUT_MAX];

    if (launcherQEMUReadFile(qemu, program))
        return TRUE;

    if (!launcherQEMURun(program, "--version", NULL, output, sizeof(output)) ||
        !launcherQEMURead(qemu, output, strlen(output))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot find out the version of '%1$s': it does not print one with --version"),
                               program);
        return FALSE;
    }
    qemu->known = FALSE;
    qemu->vfioUser = launcherQEMUIsSince(qemu, 10, 1) &&
        launcherQEMURun(program, "-device", LAUNCHER_QEMU_VFIO_USER ",help",
                        output, sizeof(output)) &&
        strstr(output, LAUNCHER_QEMU_VFIO_USER " options") != NULL;
    return TRUE;
}


/* Whether a machine with x-pci-proxy-dev can run. */
static gboolean
launcherQEMUCheckProxy(const LauncherQEMU *qemu,
                       const char *program,
                       gboolean kvm,
                       GError **err)
{
    if (qemu->major < 6 || (qemu->known && !qemu->proxy)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU %1$d.%2$d ('%3$s') has no device '%4$s', which emulated PCI devices need: it came with QEMU 6.0, in programs that are built with KVM"),
                               qemu->major, qemu->minor, program, LAUNCHER_QEMU_DRIVER);
        return FALSE;
    }

    if (!kvm && launcherQEMUIsSince(qemu, 8, 2)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices need KVM with QEMU %1$d.%2$d ('%3$s'): from 8.2 on QEMU crashes when a machine that may run without KVM gets a '%4$s'; use <domain type='kvm'>, or a QEMU from 6.0 to 8.1, or one that has '%5$s'"),
                               qemu->major, qemu->minor, program, LAUNCHER_QEMU_DRIVER,
                               LAUNCHER_QEMU_VFIO_USER);
        return FALSE;
    }
    return TRUE;
}


EmulatedPCIVersion
launcherQEMUChoose(const LauncherQEMU *qemu,
                   const char *program,
                   gboolean kvm,
                   EmulatedPCIVersion wanted,
                   GError **err)
{
    if (wanted == EMULATED_PCI_VERSION_NONE)
        wanted = qemu->vfioUser ? EMULATED_PCI_VERSION_VFIO_USER : EMULATED_PCI_VERSION_MPQEMU;

    if (wanted == EMULATED_PCI_VERSION_MPQEMU)
        return launcherQEMUCheckProxy(qemu, program, kvm, err) ? wanted : EMULATED_PCI_VERSION_NONE;

    if (!qemu->vfioUser) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU %1$d.%2$d ('%3$s') has no device '%4$s', which emulators of version '%5$s' need: it came with QEMU 10.1"),
                               qemu->major, qemu->minor, program, LAUNCHER_QEMU_VFIO_USER,
                               emulatedPCIVersionToString(wanted));
        return EMULATED_PCI_VERSION_NONE;
    }
    return wanted;
}
