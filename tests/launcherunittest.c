/*
 * launcherunittest.c: parts of the launcher that require no other program
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "close_descriptors.h"
#include "launcher_accel.h"
#include "launcher_args.h"
#include "launcher_blocker.h"
#include "launcher_child.h"
#include "launcher_emulator.h"
#include "launcher_fds.h"
#include "launcher_machine.h"
#include "launcher_process.h"
#include "launcher_qemu.h"
#include "pass_descriptors.h"
#include "testutils.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>


static void
testAccel(void)
{
    static const struct {
        const char *args;
        gboolean kvm;
    } cases[] = {
        { "qemu", FALSE },
        { "qemu -accel kvm", TRUE },
        { "qemu --accel kvm", TRUE },
        { "qemu -accel kvm,kernel-irqchip=split", TRUE },
        { "qemu -accel accel=kvm", TRUE },
        { "qemu -accel tcg", FALSE },
        { "qemu -accel kvm -accel tcg", FALSE },
        { "qemu -accel tcg -accel kvm", FALSE },
        { "qemu -accel", FALSE },
        { "qemu -enable-kvm", TRUE },
        { "qemu -machine pc,accel=kvm,usb=off", TRUE },
        { "qemu -M accel=kvm", TRUE },
        { "qemu -M pc,accel=kvm:tcg", FALSE },
        { "qemu -M pc,accel=tcg -enable-kvm", FALSE },
        { "qemu -M kvm", FALSE },
        { "qemu -name accel=kvm -machine pc", FALSE },
        { "qemu -machine pc-accel=kvm", FALSE },
        { "qemu -accel xen", FALSE },
        { "qemu accel kvm", FALSE },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) argv = g_strsplit(cases[i].args, " ", -1);

        if (launcherAccelIsKVM(g_strv_length(argv), argv) != cases[i].kvm)
            g_error("%s", cases[i].args);
    }
}


static void
testMachine(void)
{
    static const struct {
        const char *args;
        const char *type;
    } cases[] = {
        { "qemu", NULL },
        { "qemu -machine", NULL },
        { "qemu -machine pc", "pc" },
        { "qemu -machine pc,accel=kvm", "pc" },
        { "qemu --machine accel=kvm,type=q35", "q35" },
        { "qemu -M type=virt,x=y", "virt" },
        { "qemu -M accel=kvm", NULL },
        { "qemu -machine pc -machine usb=off", "pc" },
        { "qemu -machine pc -M q35", "q35" },
        { "qemu -machines virt machine pc", NULL },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) argv = g_strsplit(cases[i].args, " ", -1);
        g_autofree char *type = launcherMachineGetType(g_strv_length(argv), argv);

        g_assert_cmpstr(type, ==, cases[i].type);
    }
}


static guint32
imageGet(const guint8 *image,
         gsize offset)
{
    guint32 value;

    memcpy(&value, image + offset, sizeof(value));
    return GUINT32_FROM_LE(value);
}


/* The fields that QEMU's driver for the format checks. */
static void
testBlockerImage(void)
{
    guint8 image[LAUNCHER_BLOCKER_SIZE];

    launcherBlockerFillImage(image);
    g_assert_cmphex(imageGet(image, 0x40), ==, 0xbeda107f);
    g_assert_cmphex(imageGet(image, 0x44), ==, 0x00010001);
    g_assert_cmpuint(imageGet(image, 0x154) % 512, ==, 0);
    g_assert_cmpuint(imageGet(image, 0x158), ==, sizeof(image));
    g_assert_cmpuint(imageGet(image, 0x168), ==, 512);
    g_assert_cmpuint(imageGet(image, 0x170), ==, 1 << 20);
    g_assert_cmpuint(imageGet(image, 0x178), ==, 1 << 20);
    g_assert_cmpuint(imageGet(image, 0x17c), ==, 0);
    g_assert_cmpuint(imageGet(image, 0x180), ==, 1);
    g_assert_cmphex(imageGet(image, imageGet(image, 0x154)), ==, G_MAXUINT32);
}


/* The options refer to a file that cannot be changed any more. */
static void
testBlockerAdd(void)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) err = NULL;
    guint8 wanted[LAUNCHER_BLOCKER_SIZE];
    guint8 image[LAUNCHER_BLOCKER_SIZE + 1];
    g_autofree char *path = NULL;
    int writable;
    int fd;

    g_assert_true(launcherBlockerAdd(args, QEMU_UNMOVABLE_MODEL, "ua-first", &err));
    g_assert_no_error(err);
    g_assert_cmpuint(args->len, ==, 4);
    g_assert_cmpstr(args->pdata[0], ==, "-add-fd");
    g_assert_true(g_str_has_prefix(args->pdata[1], "fd="));
    fd = strtol((char *) args->pdata[1] + strlen("fd="), NULL, 10);
    g_assert_cmpint(fd, >, STDERR_FILENO);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, 0);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    g_assert_cmpstr(args->pdata[2], ==, "-blockdev");
    g_assert_nonnull(strstr(args->pdata[3], "\"node-name\":\"model-of-ua-first\""));

    launcherBlockerFillImage(wanted);
    g_assert_cmpint(pread(fd, image, sizeof(image), 0), ==, sizeof(wanted));
    g_assert_cmpmem(image, sizeof(wanted), wanted, sizeof(wanted));

    /* Not even through a descriptor for writing. */
    path = g_strdup_printf("/proc/self/fd/%d", fd);
    writable = open(path, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(writable, >=, 0);
    g_assert_cmpint(write(writable, image, 1), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    close(writable);
    close(fd);
}


static void
testQEMURead(void)
{
    static const char good[] = "\177ELF QEMU emulator version 8.1.50 (x)\n\0y\0x-pci-proxy-dev\0";
    static const char bare[] = "QEMU emulator version 10.2\0x-pci-proxy-device";
    QEMUProgram qemu;
    gsize i;

    g_assert_true(qemuProgramRead(&qemu, good, sizeof(good)));
    g_assert_cmpint(qemu.major, ==, 8);
    g_assert_cmpint(qemu.minor, ==, 1);
    g_assert_true(qemu.proxy);

    g_assert_true(qemuProgramRead(&qemu, bare, sizeof(bare)));
    g_assert_cmpint(qemu.major, ==, 10);
    g_assert_cmpint(qemu.minor, ==, 2);
    g_assert_false(qemu.proxy);

    /* A truncated program is read without an error beyond its end. */
    for (i = 0; i < sizeof(good); i++) {
        g_autofree char *cut = g_memdup2(good, i + 1);

        if (qemuProgramRead(&qemu, cut, i))
            g_assert_cmpint(qemu.major, ==, 8);
    }
    g_assert_false(qemuProgramRead(&qemu, "QEMU emulator version x.1", 25));
    g_assert_false(qemuProgramRead(&qemu, "", 0));
}


/* This test is a program, too. Truncated or damaged at any place, it is read without an error
 * beyond its end, and a version that is found is correct. */
static void
testQEMUReadProgram(void)
{
    static const char *volatile const constant = "QEMU emulator version 8.1.50 (unit test)";
    g_autofree char *data = NULL;
    QEMUProgram qemu;
    gsize size;
    int i;

    g_assert_nonnull(constant);
    data = testReadFile("/proc/self/exe", &size);
    g_assert_true(qemuProgramReadBinary(&qemu, data, size));
    g_assert_cmpint(qemu.major * 100 + qemu.minor, >=, 801);
    g_assert_true(qemu.proxy);

    for (i = 0; i < 300; i++) {
        gsize cut = i < 100 ? i : g_test_rand_int_range(0, size);
        g_autofree char *copy = g_memdup2(data, cut + 1);

        qemuProgramReadBinary(&qemu, copy, cut);
        copy[g_test_rand_int_range(0, MIN(cut + 1, 64))] ^= 0xff;
        qemuProgramReadBinary(&qemu, copy, cut);
    }
}


/* Checks in a child process that each function keeps only the given descriptors open. */
static void
testCloseExcept(void)
{
    bool (*const functions[])(const int *, size_t) = {
        closeDescriptorsExcept, closeDescriptorsExceptSlowly,
    };
    static const int keep[] = { 5, 6, 40 };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(functions); i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            int fd;

            for (fd = 3; fd < 50; fd++) {
                if (dup2(STDERR_FILENO, fd) < 0)
                    _exit(2);
            }
            if (!functions[i](keep, G_N_ELEMENTS(keep)))
                _exit(3);
            for (fd = 0; fd < 50; fd++) {
                gboolean open = fcntl(fd, F_GETFD) >= 0;

                if (open != (fd < 3 || fd == 5 || fd == 6 || fd == 40))
                    _exit(100 + fd);
            }
            _exit(0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    }
}


/* Sends SENT descriptors, and receives them with up to MAX. The receiver's ones must be open, and
 * none may be left. */
static void
passSome(gsize sent,
         gsize max)
{
    int pair[2];
    int fds[PASS_DESCRIPTORS_MAX + 1];
    gsize n = max;
    char text[8];
    int next;
    gsize i;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), ==, 0);
    for (i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = STDERR_FILENO;
    next = dup(STDERR_FILENO);
    close(next);

    g_assert_cmpint(passDescriptorsSend(pair[0], "data", 4, fds, sent, MSG_DONTWAIT), ==, 4);
    g_assert_cmpint(passDescriptorsReceive(pair[1], text, 2, fds, &n, MSG_TRUNC), ==, 4);
    g_assert_cmpmem(text, 2, "da", 2);
    g_assert_cmpuint(n, ==, sent <= max ? sent : 0);
    for (i = 0; i < n; i++) {
        g_assert_cmpint(fcntl(fds[i], F_GETFD), ==, FD_CLOEXEC);
        close(fds[i]);
    }
    g_assert_cmpint(dup(STDERR_FILENO), ==, next);
    close(next);

    close(pair[0]);
    n = max;
    g_assert_cmpint(passDescriptorsReceive(pair[1], text, sizeof(text), fds, &n, 0), ==, 0);
    g_assert_cmpuint(n, ==, 0);
    close(pair[1]);
}


static void
testPassDescriptors(void)
{
    const int fds[PASS_DESCRIPTORS_MAX + 1] = { 0 };

    passSome(0, 0);
    passSome(0, 1);
    passSome(1, 1);
    passSome(PASS_DESCRIPTORS_MAX, PASS_DESCRIPTORS_MAX);
    passSome(1, 0);
    passSome(2, 1);
    passSome(5, 4);
    g_assert_cmpint(passDescriptorsSend(-1, "", 1, fds, G_N_ELEMENTS(fds), 0), ==, -1);
    g_assert_cmpint(errno, ==, EINVAL);
}


/* A program that ends at once while SIGCHLD is ignored, so that only launcherProcessStart() keeps
 * its process id: the descriptor is always valid, and reports the end. */
static void
testProcess(void)
{
    const char *ends[] = { "/bin/true", NULL };
    const char *missing[] = { "/does/not/exist", NULL };
    LauncherProcessError error;
    int pidfd = launcherChildOpen(getpid());
    int i;

    if (pidfd < 0) {
        g_test_skip("there are no pidfds: Linux before 5.3, or valgrind");
        return;
    }
    close(pidfd);

    signal(SIGCHLD, SIG_IGN);
    for (i = 0; i < 50; i++) {
        struct pollfd p;

        g_assert_true(launcherProcessStart((char **) ends, NULL, 0, -1, &pidfd, &error));
        g_assert_cmpint(pidfd, >=, 0);
        p = (struct pollfd) { .fd = pidfd, .events = POLLIN };
        g_assert_cmpint(poll(&p, 1, 60000), ==, 1);
        close(pidfd);
    }

    g_assert_false(launcherProcessStart((char **) missing, NULL, 0, -1, &pidfd, &error));
    g_assert_cmpint(error.kind, ==, LAUNCHER_PROCESS_EXEC);
    g_assert_cmpint(error.number, ==, ENOENT);
    launcherFdsClose(&pidfd);
    signal(SIGCHLD, SIG_DFL);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/launcher/accel", testAccel);
    g_test_add_func("/launcher/machine", testMachine);
    g_test_add_func("/launcher/blocker/image", testBlockerImage);
    g_test_add_func("/launcher/blocker/add", testBlockerAdd);
    g_test_add_func("/launcher/qemu-read", testQEMURead);
    g_test_add_func("/launcher/qemu-read-program", testQEMUReadProgram);
    g_test_add_func("/launcher/close-except", testCloseExcept);
    g_test_add_func("/launcher/pass-descriptors", testPassDescriptors);
    g_test_add_func("/launcher/process", testProcess);

    return g_test_run();
}
