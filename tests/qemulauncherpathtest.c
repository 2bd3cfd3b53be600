/*
 * qemulauncherpathtest.c: conversion between launcher paths and QEMU paths
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_launcher_path.h"
#include "testutils.h"

#include <string.h>

static const struct {
    const char *qemu;
    const char *name;       /* NULL: this QEMU has no name */
} pairs[] = {
    { "/usr/bin/qemu-system-x86_64", "qemu-system-x86_64" },
    { "/usr/bin/qemu-system-sh4eb", "qemu-system-sh4eb" },
    { "/usr/bin/kvm", "usr-bin-kvm" },
    { "/usr/bin/qemu-system-x86_64-spice",
      "usr-bin-qemu\\x2dsystem\\x2dx86_64\\x2dspice" },
    { "/usr/bin/qemu-system-", "usr-bin-qemu\\x2dsystem\\x2d" },
    { "/usr//bin/qemu-system-x86_64", "usr--bin-qemu\\x2dsystem\\x2dx86_64" },
    { "//usr/bin/x", "-usr-bin-x" },
    { "/usr/bin/a/qemu-system-x86_64", "usr-bin-a-qemu\\x2dsystem\\x2dx86_64" },
    { "/opt/q 1/bin/qemu-system-x86_64",
      "opt-q\\x201-bin-qemu\\x2dsystem\\x2dx86_64" },
    { "/.q/x", "\\x2eq-x" },
    { "/q/.x", "q-.x" },
    { "/a\\x2db", "a\\x5cx2db" },
    { "/\xc3\xa4/q", "\\xc3\\xa4-q" },
    { "/\n/q", "\\x0a-q" },
    /* names that would have another meaning */
    { "/qemu/system/x86_64", "\\x71emu-system-x86_64" },
    { "/qemu/system/x86_64/a", "qemu-system-x86_64-a" },
    { "/emulatedpci/launcher", "\\x65mulatedpci-launcher" },
    { "/", NULL },
    { "", NULL },
    { "/a/", NULL },
    { "qemu-system-x86_64", NULL },
    { "./qemu", NULL },
};

/* Names that are not the name of any path. */
static const char *const strangers[] = {
    "", "emulatedpci-launcher", "qemu-system-", "a\\x2Db", "a\\x6", "a\\", "a\\n", "\\x61",
    ".q-x", "a-", "-", "a b", "\\x00", "a\\x00b", "\\x71emu", "qemu-system-x86_64 ", "a/b",
    "\xc3\xa4",
};


static void
testPairs(void)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *path = qemuLauncherPathFromQEMU("/l", "/usr/bin", pairs[i].qemu);
        g_autofree char *want = NULL;
        g_autofree char *back = NULL;

        if (!pairs[i].name) {
            g_assert_null(path);
            continue;
        }
        want = g_strdup_printf("/l/%s", pairs[i].name);
        g_assert_cmpstr(path, ==, want);
        back = qemuLauncherPathToQEMU("/l", "/usr/bin", path);
        g_assert_cmpstr(back, ==, pairs[i].qemu);
    }
}


static void
testStrangers(void)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(strangers); i++)
        g_assert_null(qemuLauncherNameToQEMU("/usr/bin", strangers[i]));
}


static void
testDirectories(void)
{
    g_autofree char *defaults = qemuLauncherPathFromQEMU(NULL, NULL, QEMU_DIR "/qemu-system-arm");
    g_autofree char *back = qemuLauncherPathToQEMU(NULL, NULL, LAUNCH_DIR "/qemu-system-arm");
    g_autofree char *slashes = qemuLauncherPathFromQEMU("/l//", "/q/", "/q/qemu-system-arm");
    g_autofree char *slashesBack = qemuLauncherPathToQEMU("/l/", "/q//", "/l/qemu-system-arm");
    g_autofree char *root = qemuLauncherPathFromQEMU("/", "/", "/qemu-system-arm");

    g_assert_cmpstr(defaults, ==, LAUNCH_DIR "/qemu-system-arm");
    g_assert_cmpstr(back, ==, QEMU_DIR "/qemu-system-arm");
    g_assert_cmpstr(slashes, ==, "/l/qemu-system-arm");
    g_assert_cmpstr(slashesBack, ==, "/q/qemu-system-arm");
    g_assert_cmpstr(root, ==, "/qemu-system-arm");

    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", "/m/qemu-system-arm"));
    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", "/lx/qemu-system-arm"));
    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", "/l/a/qemu-system-arm"));
    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", "/l"));
    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", "qemu-system-arm"));
    g_assert_null(qemuLauncherPathToQEMU("/l", "/q", ""));
}


/* A file name of the maximum length is a name, a longer one is not. */
static void
testLength(void)
{
    char qemu[300] = "/";
    g_autofree char *longest = NULL;

    memset(qemu + 1, 'a', 255);
    longest = qemuLauncherNameFromQEMU("/usr/bin", qemu);
    g_assert_cmpuint(strlen(longest), ==, 255);

    qemu[256] = 'a';
    g_assert_null(qemuLauncherNameFromQEMU("/usr/bin", qemu));
}


/* Two paths never have the same name, and each name can be converted back to its path. */
static void
testRandom(void)
{
    static const char bytes[] = "/-\\x.qem2d_:a\xff ";
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    int n;

    for (n = 0; n < 20000; n++) {
        char qemu[12] = "/";
        int len = g_test_rand_int_range(1, 10);
        g_autofree char *name = NULL;
        g_autofree char *back = NULL;
        const char *other;
        int i;

        for (i = 1; i <= len; i++)
            qemu[i] = bytes[g_test_rand_int_range(0, sizeof(bytes) - 1)];

        name = qemuLauncherNameFromQEMU("/", qemu);
        if (qemu[len] == '/') {
            g_assert_null(name);
            continue;
        }
        g_assert_nonnull(name);
        g_assert_null(strchr(name, '/'));
        back = qemuLauncherNameToQEMU("/", name);
        g_assert_cmpstr(back, ==, qemu);

        other = g_hash_table_lookup(seen, name);
        if (other)
            g_assert_cmpstr(other, ==, qemu);
        g_hash_table_insert(seen, g_steal_pointer(&name), g_strdup(qemu));
    }
}


/* Messages of libvirt that name a launcher. */
static void
testReplace(void)
{
    static const struct {
        const char *text;
        const char *expected;   /* NULL: the text is unchanged */
    } cases[] = {
        { "Emulator '/l/qemu-system-x86_64' does not support virt type 'kvm'",
          "Emulator '/q/qemu-system-x86_64' does not support virt type 'kvm'" },
        { "Cannot check QEMU binary /l/opt-a\\x2db: No such file",
          "Cannot check QEMU binary /opt/a-b: No such file" },
        { "/l/qemu-system-arm.", "/q/qemu-system-arm." },
        { "/l/a and /l/qemu-system-arm", "/a and /q/qemu-system-arm" },
        { "/l/ is a directory", NULL },
        { "/l/emulatedpci-launcher failed", NULL },
        { "/x/qemu-system-arm", NULL },
        { "", NULL },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *result = qemuLauncherReplacePaths("/l", "/q", cases[i].text);

        g_assert_cmpstr(result, ==, cases[i].expected);
    }
}


static void
testMissing(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "Cannot check QEMU binary /l/qemu-system-x86_64: No such file or directory",
          "a domain with emulated PCI devices requires '/l/qemu-system-x86_64', "
          "the launcher of libvirt-emulatedpci: No such file or directory" },
        { "Cannot check QEMU binary /l/a.",
          "a domain with emulated PCI devices requires '/l/a', the launcher of libvirt-emulatedpci." },
        { "Cannot check QEMU binary /usr/bin/qemu-system-x86_64: No such file or directory", NULL },
        { "/l/qemu-system-x86_64 failed", NULL },
        { "", NULL },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *result = qemuLauncherExplainMissing("/l", cases[i].text);

        g_assert_cmpstr(result, ==, cases[i].expected);
    }
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/qemulauncherpath/pairs", testPairs);
    g_test_add_func("/qemulauncherpath/strangers", testStrangers);
    g_test_add_func("/qemulauncherpath/directories", testDirectories);
    g_test_add_func("/qemulauncherpath/length", testLength);
    g_test_add_func("/qemulauncherpath/random", testRandom);

    g_test_add_func("/qemulauncherpath/replace", testReplace);
    g_test_add_func("/qemulauncherpath/missing", testMissing);
    return g_test_run();
}
