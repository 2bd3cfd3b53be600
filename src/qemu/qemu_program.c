/*
 * qemu_program.c: the devices that a QEMU program supports
 *
 * The output of --version is one string in the program. The search takes 1 ms in the section of
 * constants, and 10 ms in the whole file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_program.h"

#include "gettext.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define _(s) gettext(s)

#define BANNER "QEMU emulator version "

/* Parses a number of at most three digits between *TEXT and END, and moves *TEXT after it. */
static gboolean
readNumber(const char **text,
           const char *end,
           guint *number)
{
    guint digits;

    *number = 0;
    for (digits = 0; *text < end && digits < 3 && g_ascii_isdigit(**text); digits++)
        *number = *number * 10 + (*(*text)++ - '0');
    return digits > 0;
}


/* Parses MAJOR.MINOR in the LEFT bytes at TEXT. */
static gboolean
readVersion(QEMUProgram *qemu,
            const char *text,
            size_t left)
{
    const char *const end = text + left;
    guint major;
    guint minor;

    if (!readNumber(&text, end, &major) || text == end || *text++ != '.' ||
        !readNumber(&text, end, &minor))
        return FALSE;

    qemu->major = major;
    qemu->minor = minor;
    return TRUE;
}


gboolean
qemuProgramRead(QEMUProgram *qemu,
                const char *data,
                size_t size)
{
    static const char driver[] = QEMU_PROGRAM_PROXY;
    static const char vfioUser[] = QEMU_PROGRAM_VFIO_USER;
    const char *const end = data + size;
    const char *at = data;

    *qemu = (QEMUProgram) { 0 };
    do {
        at = memmem(at, end - at, BANNER, strlen(BANNER));
        if (!at)
            return FALSE;
        at += strlen(BANNER);
    } while (!readVersion(qemu, at, end - at));

    /* The NUL is compared, too, so that the name is complete. */
    qemu->known = TRUE;
    qemu->proxy = memmem(data, size, driver, sizeof(driver)) != NULL;
    qemu->vfioUser = memmem(data, size, vfioUser, sizeof(vfioUser)) != NULL;
    return TRUE;
}


/* Limits *DATA and *SIZE, a program for this host's architecture, to its section of constants.
 * They are unchanged if it is not found. */
static void
findConstants(const char **data,
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
qemuProgramReadBinary(QEMUProgram *qemu,
                      const char *data,
                      size_t size)
{
    const char *constants = data;
    size_t length = size;

    findConstants(&constants, &length);
    return qemuProgramRead(qemu, constants, length) || qemuProgramRead(qemu, data, size);
}


gboolean
qemuProgramReadFile(QEMUProgram *qemu,
                    const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    void *data = MAP_FAILED;
    gboolean found = FALSE;

    if (fd < 0)
        return FALSE;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data != MAP_FAILED) {
        found = qemuProgramReadBinary(qemu, data, st.st_size);
        munmap(data, st.st_size);
    }
    close(fd);
    return found;
}


gboolean
qemuProgramIsSince(const QEMUProgram *qemu,
                   int major,
                   int minor)
{
    return qemu->major > major || (qemu->major == major && qemu->minor >= minor);
}


/* Returns whether a machine with x-pci-proxy-dev can run. */
static gboolean
checkProxy(const QEMUProgram *qemu,
           const char *program,
           gboolean kvm,
           GError **err)
{
    if (qemu->major < 6 || (qemu->known && !qemu->proxy)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU %1$d.%2$d ('%3$s') does not support device '%4$s', which emulated PCI devices require: QEMU 6.0 or newer, built with KVM, is required"),
                               qemu->major, qemu->minor, program, QEMU_PROGRAM_PROXY);
        return FALSE;
    }

    if (!kvm && qemuProgramIsSince(qemu, 8, 2)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices require KVM with QEMU %1$d.%2$d ('%3$s'): since 8.2, QEMU crashes if a machine that may run without KVM has a '%4$s'; use <domain type='kvm'>, QEMU 6.0 to 8.1, or a QEMU that supports '%5$s'"),
                               qemu->major, qemu->minor, program, QEMU_PROGRAM_PROXY,
                               QEMU_PROGRAM_VFIO_USER);
        return FALSE;
    }
    return TRUE;
}


gboolean
qemuProgramMachineAborts(const char *machine)
{
    return machine && (strcmp(machine, "pseries") == 0 || g_str_has_prefix(machine, "pseries-"));
}


EmulatedPCIVersion
qemuProgramChoose(const QEMUProgram *qemu,
                  const char *program,
                  const char *machine,
                  gboolean kvm,
                  EmulatedPCIVersion wanted,
                  GError **err)
{
    const gboolean aborts = qemuProgramMachineAborts(machine);

    if (aborts && qemu->vfioUser &&
        (wanted == EMULATED_PCI_VERSION_VFIO_USER || (wanted == EMULATED_PCI_VERSION_NONE && !kvm))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU %1$d.%2$d ('%3$s') aborts if a machine of type '%4$s' has a '%5$s', which emulated PCI devices require; use <domain type='kvm'> with version '%6$s'"),
                               qemu->major, qemu->minor, program, machine, QEMU_PROGRAM_VFIO_USER,
                               emulatedPCIVersionToString(EMULATED_PCI_VERSION_MPQEMU));
        return EMULATED_PCI_VERSION_NONE;
    }

    if (wanted == EMULATED_PCI_VERSION_NONE)
        wanted = qemu->vfioUser && !aborts ?
            EMULATED_PCI_VERSION_VFIO_USER : EMULATED_PCI_VERSION_MPQEMU;

    if (wanted == EMULATED_PCI_VERSION_MPQEMU)
        return checkProxy(qemu, program, kvm, err) ? wanted : EMULATED_PCI_VERSION_NONE;

    if (!qemu->vfioUser) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU %1$d.%2$d ('%3$s') does not support device '%4$s', which emulators of version '%5$s' require: QEMU 10.1 or newer is required"),
                               qemu->major, qemu->minor, program, QEMU_PROGRAM_VFIO_USER,
                               emulatedPCIVersionToString(wanted));
        return EMULATED_PCI_VERSION_NONE;
    }
    return wanted;
}
