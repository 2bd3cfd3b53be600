/*
 * qemuunmovabletest.c: why a guest cannot be saved or migrated
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_unmovable.h"
#include "testutils.h"

#include <string.h>


static void
testNode(void)
{
    static const char longest[] = "ua-0123456789-0123456789-0123456789";
    int i;

    for (i = 0; i < QEMU_UNMOVABLE_LAST; i++) {
        g_autofree char *node = qemuUnmovableFormatNode(i, longest);
        g_autofree char *none = qemuUnmovableFormatNode(i, NULL);

        g_assert_cmpuint(strlen(node), <=, QEMU_UNMOVABLE_NODE_MAX);
        g_assert_cmpstr(none, ==, "emulated-pci-device-registers");
        g_assert_cmpint(strstr(node, "-of-ua-0123") != NULL, ==, i != QEMU_UNMOVABLE_OTHER);
    }
}


/* The explanation contains the reason, and the device in the name. */
static void
testRoundTrip(void)
{
    static const char *const expected[QEMU_UNMOVABLE_LAST] = {
        [QEMU_UNMOVABLE_OTHER] = "the domain's log tells the reason",
        [QEMU_UNMOVABLE_MODEL] = "'ua-first' ('model' of <driver>) does not save its registers",
        [QEMU_UNMOVABLE_PID] = "'ua-first' ('pid' of <driver>) does not save its registers",
        [QEMU_UNMOVABLE_SOCKET] = "'ua-first' ('socket' of <driver>) cannot save its registers",
        [QEMU_UNMOVABLE_MPQEMU] = "'ua-first' because of version 'mpqemu'",
    };
    int i;

    for (i = 0; i < QEMU_UNMOVABLE_LAST; i++) {
        g_autofree char *node = qemuUnmovableFormatNode(i, "ua-first");
        g_autofree char *text =
            g_strdup_printf("cannot migrate: The vdi format used by node '%s' does not support live migration, no",
                            node);
        g_autofree char *explained = qemuUnmovableExplain(text);

        g_assert_nonnull(explained);
        g_assert_true(g_str_has_prefix(explained, "cannot migrate: "));
        g_assert_true(g_str_has_suffix(explained, ", no"));
        g_assert_nonnull(strstr(explained, expected[i]));
        g_assert_null(strstr(explained, "vdi"));
    }
}


static void
testExplain(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        { "x-pci-proxy-dev does not support migration",
          "x-pci-proxy-dev does not support migration: 'vfio-user-pci' of QEMU 10.1 or newer is required" },
        { "no: x-pci-proxy-dev does not support migration; x-pci-proxy-dev does not support migration; more",
          "no: x-pci-proxy-dev does not support migration: 'vfio-user-pci' of QEMU 10.1 or newer is required; more" },
        { "The vdi format used by node 'libvirt-1-format' does not support live migration", NULL },
        { "The vdi format used by node 'model-of-ua-first", NULL },
        { "The vdi format used by node 'models' does not support live migration", NULL },
        { "no", NULL },
        { "", NULL },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *explained = qemuUnmovableExplain(cases[i].text);

        g_assert_cmpstr(explained, ==, cases[i].expected);
    }
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/qemuunmovable/node", testNode);
    g_test_add_func("/qemuunmovable/round-trip", testRoundTrip);
    g_test_add_func("/qemuunmovable/explain", testExplain);
    return g_test_run();
}
