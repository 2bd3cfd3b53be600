/*
 * qemumachinetest.c: the versions of QEMU's machine types
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_machine.h"
#include "testutils.h"

static const struct {
    const char *machine;
    unsigned int major;     /* 0 with minor 0: no version */
    unsigned int minor;
    gboolean old;           /* older than 6.0 */
    const char *family;
    const char *newest;
} machines[] = {
    { "pc-i440fx-5.2", 5, 2, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-2.12", 2, 12, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-1.5-qemu-kvm", 1, 5, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-6.0", 6, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx-10.0", 10, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-q35-4.0.1", 4, 0, TRUE, "pc-q35", "q35" },
    { "pc-q35-7.2", 7, 2, FALSE, "pc-q35", "q35" },
    { "pc-0.12", 0, 12, TRUE, "pc-i440fx", "pc" },
    { "pc-1.3", 1, 3, TRUE, "pc-i440fx", "pc" },
    { "rhel6.6.0", 0, 12, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-rhel7.6.0", 2, 12, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-rhel7.0.0", 1, 5, TRUE, "pc-i440fx", "pc" },
    { "pc-q35-rhel8.4.0", 5, 2, TRUE, "pc-q35", "q35" },
    { "pc-q35-rhel8.5.0", 6, 0, FALSE, "pc-q35", "q35" },
    { "pc-q35-rhel9.0.0", 6, 2, FALSE, "pc-q35", "q35" },
    { "pc-q35-rhel10.1.0", 8, 2, FALSE, "pc-q35", "q35" },
    { "pc-i440fx-trusty", 2, 0, TRUE, "pc-i440fx", "pc" },
    { "pc-q35-focal", 4, 2, TRUE, "pc-q35", "q35" },
    { "pc-q35-focal-hpb", 4, 2, TRUE, "pc-q35", "q35" },
    { "pc-i440fx-hirsute", 5, 2, TRUE, "pc-i440fx", "pc" },
    { "pc-i440fx-impish", 6, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-q35-noble-v2", 8, 2, FALSE, "pc-q35", "q35" },
    { "pseries-5.2", 5, 2, TRUE, "pseries", "pseries" },
    { "pseries-2.12-sxxm", 2, 12, TRUE, "pseries", "pseries" },
    { "pseries-focal", 4, 2, TRUE, "pseries", "pseries" },
    { "pseries-rhel8.5.0", 6, 0, FALSE, "pseries", "pseries" },
    { "virt-5.2", 5, 2, TRUE, "virt", "virt" },
    { "virt-6.0", 6, 0, FALSE, "virt", "virt" },
    { "virt-rhel8.2.0", 4, 2, TRUE, "virt", "virt" },

    /* the newest, and those without a version */
    { "pc", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "q35", 0, 0, FALSE, "pc-q35", "q35" },
    { "pseries", 0, 0, FALSE, "pseries", "pseries" },
    { "virt", 0, 0, FALSE, "virt", "virt" },
    { "isapc", 0, 0, FALSE, NULL, NULL },
    { "microvm", 0, 0, FALSE, NULL, NULL },
    { "malta", 0, 0, FALSE, NULL, NULL },
    { "ubuntu", 0, 0, FALSE, NULL, NULL },
    { "", 0, 0, FALSE, NULL, NULL },

    /* invalid and unknown versions */
    { "pc-i440fx-", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx-5", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx-5.", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx-5.2x", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx--5.2", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-i440fx-99999999999999999999.2", 0, 0, FALSE, "pc-i440fx", "pc" },
    { "pc-q35-foc", 0, 0, FALSE, "pc-q35", "q35" },
    { "pc-q35-focalx", 0, 0, FALSE, "pc-q35", "q35" },
    { "pc-q35-zebra", 0, 0, FALSE, "pc-q35", "q35" },
    { "pc-q35-rhel", 0, 0, FALSE, "pc-q35", "q35" },
};


static void
testMachine(gconstpointer opaque)
{
    static const QEMUMachineVersion six = { 6, 0 };
    const gsize i = GPOINTER_TO_SIZE(opaque);
    const char *newest = NULL;
    QEMUMachineVersion version = { 0, 0 };
    gboolean known = qemuMachineVersion(machines[i].machine, &version);

    g_assert_cmpint(known, ==, machines[i].major > 0 || machines[i].minor > 0);
    if (known) {
        g_assert_cmpuint(version.major, ==, machines[i].major);
        g_assert_cmpuint(version.minor, ==, machines[i].minor);
        g_assert_false(qemuMachineIsBelow(machines[i].machine, &version));
        version.minor++;
        g_assert_true(qemuMachineIsBelow(machines[i].machine, &version));
    }
    g_assert_cmpint(qemuMachineIsBelow(machines[i].machine, &six), ==, machines[i].old);
    g_assert_cmpstr(qemuMachineFamily(machines[i].machine, &newest), ==, machines[i].family);
    g_assert_cmpstr(newest, ==, machines[i].newest);
}


static void
testVersion(void)
{
    static const char *const wrong[] = {
        "", "6", "6.", ".0", "6.0.0", "6.0-x", " 6.0", "6.0 ", "+6.0", "0x6.0", "6,0", "99999.0",
    };
    QEMUMachineVersion version;
    gsize i;

    g_assert_true(qemuMachineVersionParse("6.0", &version));
    g_assert_cmpuint(version.major, ==, 6);
    g_assert_cmpuint(version.minor, ==, 0);
    g_assert_true(qemuMachineVersionParse("10.12", &version));
    g_assert_cmpuint(version.major, ==, 10);
    g_assert_cmpuint(version.minor, ==, 12);

    for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
        if (qemuMachineVersionParse(wrong[i], &version))
            g_error("%s", wrong[i]);
    }
}


int
main(int argc, char **argv)
{
    gsize i;

    testInit(&argc, &argv);
    g_test_add_func("/qemu/machine-version", testVersion);
    for (i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *path = g_strdup_printf("/qemu/machine/%s%s", machines[i].machine,
                                                *machines[i].machine ? "" : "(empty)");

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testMachine);
    }
    return g_test_run();
}
