/*
 * launcherunittest.c: parts of the launcher that need no neighbours
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_accel.h"
#include "launcher_args.h"
#include "launcher_emulator.h"
#include "launcher_fds.h"
#include "launcher_qemu.h"
#include "testutils.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

    /* Cut anywhere, it is no more than read. */
    for (i = 0; i < sizeof(good); i++) {
        g_autofree char *cut = g_memdup2(good, i + 1);

        if (qemuProgramRead(&qemu, cut, i))
            g_assert_cmpint(qemu.major, ==, 8);
    }
    g_assert_false(qemuProgramRead(&qemu, "QEMU emulator version x.1", 25));
    g_assert_false(qemuProgramRead(&qemu, "", 0));
}


/* This test is a program too: cut or damaged anywhere, it is no more than
 * read, and what is found in it is what is in it. */
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


/* What each way of closing leaves open, seen in a child. */
static void
testCloseExcept(void)
{
    gboolean (*const functions[])(const int *, size_t) = {
        launcherFdsCloseExcept, launcherFdsCloseExceptSlowly,
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


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/launcher/accel", testAccel);
    g_test_add_func("/launcher/qemu-read", testQEMURead);
    g_test_add_func("/launcher/qemu-read-program", testQEMUReadProgram);
    g_test_add_func("/launcher/close-except", testCloseExcept);

    return g_test_run();
}
