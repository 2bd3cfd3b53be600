/*
 * emulatedpcidrivertest.c: which devices of a domain share an emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_driver.h"
#include "testutils.h"

#include <stdlib.h>
#include <string.h>

#define DRIVERS_MAX 8

/* Returns a driver from "ATTRIBUTE=VALUE …", of which "arg" may occur repeatedly; NULL for "". */
static EmulatedPCIDriver *
makeDriver(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    EmulatedPCIDriver *driver;
    gsize i;

    if (*text == '\0')
        return NULL;

    driver = emulatedPCIDriverNew();
    for (i = 0; words[i]; i++) {
        char *value = strchr(words[i], '=');

        *value++ = '\0';
        if (strcmp(words[i], "arg") == 0)
            g_assert_true(emulatedPCIDriverSetArg(driver, emulatedPCIDriverCountArgs(driver),
                                                  value, NULL));
        else
            g_assert_true(emulatedPCIDriverSet(driver, emulatedPCIDriverAttrFromString(words[i]),
                                               value, NULL));
    }
    g_assert_true(emulatedPCIDriverValidate(driver, NULL));
    return driver;
}


/* Returns the groups of devices with the drivers TEXTS, as "0,2:1", with the device that describes
 * each group in brackets; or the error. */
static char *
group(const char *const *texts)
{
    static const char *const names[DRIVERS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    EmulatedPCIDriver *drivers[DRIVERS_MAX] = { NULL };
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) groups = NULL;
    GString *result = g_string_new(NULL);
    gsize n;
    guint i;
    guint j;

    for (n = 0; texts[n]; n++)
        drivers[n] = makeDriver(texts[n]);

    groups = emulatedPCIDriverGroupAll((const EmulatedPCIDriver *const *) drivers, names, n, &err);
    for (i = 0; groups && i < groups->len; i++) {
        const EmulatedPCIDriverGroup *g = g_ptr_array_index(groups, i);

        g_string_append(result, i ? ":" : "");
        for (j = 0; j < g->devices->len; j++) {
            const gsize device = g_array_index(g->devices, gsize, j);

            g_string_append_printf(result, "%s%zu", j ? "," : "", device);
            if (g->driver && g->driver == drivers[device])
                g_string_append_c(result, '*');
        }
    }
    if (!groups) {
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_string_append(result, err->message);
    }
    for (n = 0; n < DRIVERS_MAX; n++)
        emulatedPCIDriverFree(drivers[n]);
    return g_string_free(result, FALSE);
}


static const struct {
    const char *drivers[DRIVERS_MAX + 1];
    const char *result;
} groups[] = {
    { { NULL }, "" },
    { { "", "" }, "0,1" },
    { { "emulator=x" }, "0*" },
    { { "", "emulator=x", "", "emulator=y", "emulator=x" }, "0,2:1*,4:3*" },
    { { "emulator=x", "emulator=x model=/m", "emulator=x model=/m" }, "0,1*,2" },
    { { "", "model=/m", "stubdomain=no model=/m", "" }, "0,1*,2,3" },
    { { "pid=1", "emulator=1", "pid=2", "pid=1", "" }, "0*,3:1*:2*:4" },
    { { "socket=/1", "pid=1", "socket=/2 version=vfio-user", "" }, "0*:1*:2*:3" },
    { { "", "socket=/run/x", "socket=//run/./x" },
      "devices 2 ('b') and 3 ('c') have the same 'socket', '//run/./x': "
      "only one device is allowed for each socket" },
    { { "emulator=x version=mpqemu", "emulator=x version=vfio-user" },
      "devices 1 ('a') and 2 ('b') have different 'version' for emulator 'x': "
      "the values must be equal, or specified for only one device" },
    { { "emulator=x model=/m", "emulator=x", "emulator=x stubdomain=yes model=/m" },
      "devices 1 ('a') and 3 ('c') have different 'stubdomain' for emulator 'x': "
      "the values must be equal, or specified for only one device" },
    { { "", "model=/m arg=1 arg=2", "", "model=/m arg=1" },
      "devices 2 ('b') and 4 ('d') have different 'arg' for the domain's default emulator: "
      "the values must be equal, or <driver> specified for only one device" },
    { { "emulator=x model=/m arg=1", "emulator=x model=/n arg=2" },
      "devices 1 ('a') and 2 ('b') have different 'model' for emulator 'x': "
      "the values must be equal, or specified for only one device" },
};


static void
testGroups(void)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(groups); i++) {
        g_autofree char *result = group(groups[i].drivers);

        g_assert_cmpstr(result, ==, groups[i].result);
    }
}


/* Every attribute has a name, and Get returns the value that was passed to Set. */
static void
testAttributes(void)
{
    static const char *const values[EMULATED_PCI_DRIVER_LAST] = {
        "net", "vfio-user", "yes", "/usr/bin/x", "4194304", "/run/x"
    };
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    g_autoptr(EmulatedPCIDriver) copy = NULL;
    int i;

    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        g_autoptr(GError) err = NULL;

        g_assert_cmpint(emulatedPCIDriverAttrFromString(emulatedPCIDriverAttrToString(i)), ==, i);
        g_assert_null(emulatedPCIDriverGet(driver, i));
        g_assert_true(emulatedPCIDriverSet(driver, i, values[i], NULL));
        g_assert_false(emulatedPCIDriverSet(driver, i, values[i], &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
    }
    g_assert_cmpint(emulatedPCIDriverAttrFromString("arg"), ==, -1);

    g_assert_true(emulatedPCIDriverSetArg(driver, 1, "b", NULL));
    g_assert_cmpuint(emulatedPCIDriverCountArgs(driver), ==, 0);
    g_assert_true(emulatedPCIDriverSetArg(driver, 0, "a", NULL));
    g_assert_cmpuint(emulatedPCIDriverCountArgs(driver), ==, 2);

    copy = emulatedPCIDriverCopy(driver);
    g_clear_pointer(&driver, emulatedPCIDriverFree);
    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        g_autofree char *value = emulatedPCIDriverGet(copy, i);

        g_assert_cmpstr(value, ==, values[i]);
    }
    g_assert_cmpstr(copy->args[1], ==, "b");
}


/* pid cannot be combined with other attributes. */
static void
testPid(void)
{
    int i;

    for (i = 0; i <= EMULATED_PCI_DRIVER_PID; i++) {
        static const char *const values[] = { "net", "mpqemu", "no", "/x" };
        g_autoptr(EmulatedPCIDriver) driver = makeDriver("pid=1");

        if (i < EMULATED_PCI_DRIVER_PID)
            g_assert_true(emulatedPCIDriverSet(driver, i, values[i], NULL));
        else
            g_assert_true(emulatedPCIDriverSetArg(driver, 0, "", NULL));
        g_assert_false(emulatedPCIDriverValidate(driver, NULL));
    }
}


/* socket cannot be combined with other attributes, except for its version. */
static void
testSocket(void)
{
    int i;

    for (i = 0; i <= EMULATED_PCI_DRIVER_SOCKET; i++) {
        static const char *const values[] = { "net", "mpqemu", "no", "/x", "1" };
        g_autoptr(EmulatedPCIDriver) driver = makeDriver("socket=/x");

        g_assert_true(emulatedPCIDriverValidate(driver, NULL));
        g_assert_cmpint(emulatedPCIDriverGetVersion(driver), ==, EMULATED_PCI_VERSION_VFIO_USER);
        if (i < EMULATED_PCI_DRIVER_SOCKET)
            g_assert_true(emulatedPCIDriverSet(driver, i, values[i], NULL));
        else
            g_assert_true(emulatedPCIDriverSetArg(driver, 0, "", NULL));
        g_assert_false(emulatedPCIDriverValidate(driver, NULL));
    }
}


/* The maximum length is that of a socket's address. */
static void
testSocketLength(void)
{
    g_autofree char *longest = g_strnfill(EMULATED_PCI_DRIVER_SOCKET_MAX, '/');
    g_autofree char *tooLong = g_strnfill(EMULATED_PCI_DRIVER_SOCKET_MAX + 1, '/');
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();

    g_assert_false(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_SOCKET, tooLong, NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_SOCKET, longest, NULL));
}


static void
testLimits(void)
{
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    g_autofree char *longest = g_strnfill(EMULATED_PCI_DRIVER_TEXT_MAX, 'a');
    g_autofree char *tooLong = g_strnfill(EMULATED_PCI_DRIVER_TEXT_MAX + 1, 'a');
    g_autoptr(GError) err = NULL;
    gsize i;

    g_assert_false(emulatedPCIDriverSetArg(driver, 0, tooLong, NULL));
    g_assert_false(emulatedPCIDriverSetArg(driver, 0, "\xff", NULL));
    for (i = 0; i < EMULATED_PCI_DRIVER_ARGS_MAX; i++)
        g_assert_true(emulatedPCIDriverSetArg(driver, i, longest, NULL));
    g_assert_false(emulatedPCIDriverSetArg(driver, i, "", &err));
    g_assert_cmpstr(err->message, ==,
                    "too many arguments of an emulator: at most 32 are allowed");
    g_assert_cmpuint(emulatedPCIDriverCountArgs(driver), ==, EMULATED_PCI_DRIVER_ARGS_MAX);
    g_assert_true(emulatedPCIDriverValidate(driver, NULL));
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/emulatedpcidriver/groups", testGroups);
    g_test_add_func("/emulatedpcidriver/attributes", testAttributes);
    g_test_add_func("/emulatedpcidriver/pid", testPid);
    g_test_add_func("/emulatedpcidriver/socket", testSocket);
    g_test_add_func("/emulatedpcidriver/socket-length", testSocketLength);
    g_test_add_func("/emulatedpcidriver/limits", testLimits);
    return g_test_run();
}
