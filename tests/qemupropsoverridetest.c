/*
 * qemupropsoverridetest.c: the device's properties as libvirt's override
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_override.h"
#include "testutils.h"

#include <string.h>

static const guint32 values[EMULATED_PCI_FIELD_LAST] = {
    0, 22611, 49152, 7, 16, 1, 16744448, 128, 1, 65535, 255, 0
};


static void
testFormat(void)
{
    QEMUProps props = { .fields.devicename = "citrix-pv-bus", .definition = (char *) "def.1" };
    g_autoptr(GString) buf = g_string_new("x");

    memcpy(props.fields.value, values, sizeof(values));
    qemuPropsOverrideFormat(&props, "qemu:", "\n ", buf);
    g_assert_cmpstr(buf->str, ==,
                    "x\n <qemu:property name='driver' type='string' value='emulated-pci'/>"
                    "\n <qemu:property name='devicename' type='string' value='citrix-pv-bus'/>"
                    "\n <qemu:property name='vendorid' type='unsigned' value='22611'/>"
                    "\n <qemu:property name='deviceid' type='unsigned' value='49152'/>"
                    "\n <qemu:property name='command' type='unsigned' value='7'/>"
                    "\n <qemu:property name='status' type='unsigned' value='16'/>"
                    "\n <qemu:property name='revision' type='unsigned' value='1'/>"
                    "\n <qemu:property name='classcode' type='unsigned' value='16744448'/>"
                    "\n <qemu:property name='headertype' type='unsigned' value='128'/>"
                    "\n <qemu:property name='subvendorid' type='unsigned' value='1'/>"
                    "\n <qemu:property name='subsystemid' type='unsigned' value='65535'/>"
                    "\n <qemu:property name='interruptline' type='unsigned' value='255'/>"
                    "\n <qemu:property name='interruptpin' type='unsigned' value='0'/>"
                    "\n <qemu:property name='definition' type='string' value='def.1'/>");

    g_string_truncate(buf, 0);
    props.definition = NULL;
    qemuPropsOverrideFormat(&props, "", "", buf);
    g_assert_true(g_str_has_prefix(buf->str, "<property name='driver' type='string'"));
    g_assert_null(strstr(buf->str, "definition"));
}


static void
testFormatDriver(void)
{
    QEMUProps props = { .fields.devicename = "a" };
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    g_autoptr(GString) buf = g_string_new(NULL);
    const char *found;

    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_EMULATOR, "net", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_VERSION, "mpqemu", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_STUBDOMAIN, "yes", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_MODEL, "/a'b", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 0, "<\"&>", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 1, "", NULL));
    props.driver = driver;
    qemuPropsOverrideFormat(&props, "", "\n", buf);
    found = strstr(buf->str, "\n<property name='emulator'");
    g_assert_cmpstr(found, ==,
                    "\n<property name='emulator' type='string' value='net'/>"
                    "\n<property name='version' type='string' value='mpqemu'/>"
                    "\n<property name='stubdomain' type='string' value='yes'/>"
                    "\n<property name='model' type='string' value='/a&apos;b'/>"
                    "\n<property name='arg0' type='string' value='&lt;&quot;&amp;&gt;'/>"
                    "\n<property name='arg1' type='string' value=''/>");
}


static void
testPid(void)
{
    QEMUProps props = { .fields.devicename = "a" };
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    g_autoptr(GString) buf = g_string_new(NULL);

    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_PID, "0x10", NULL));
    props.driver = driver;
    qemuPropsOverrideFormat(&props, "", "", buf);
    g_assert_true(g_str_has_suffix(buf->str, "<property name='pid' type='unsigned' value='16'/>"));
}


/* For the device of a server, only the fields that are given are set, and these are ones that QEMU
 * can override. */
static void
testServer(void)
{
    static const struct {
        const char *name;
        gboolean complete;
    } fields[] = {
        { NULL, TRUE }, { "vendorid", TRUE }, { "subsystemid", TRUE }, { "command", FALSE },
        { "interruptpin", FALSE },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(fields); i++) {
        QEMUPropsOverride props = { 0 };

        g_assert_true(qemuPropsOverrideRead(&props, "driver", "string", "emulated-pci"));
        g_assert_true(qemuPropsOverrideRead(&props, "devicename", "string", "a"));
        if (fields[i].name)
            g_assert_true(qemuPropsOverrideRead(&props, fields[i].name, "unsigned", "1"));
        g_assert_false(qemuPropsOverrideIsComplete(&props));
        g_assert_true(qemuPropsOverrideRead(&props, "socket", "string", "/x"));
        g_assert_cmpint(qemuPropsOverrideIsComplete(&props), ==, fields[i].complete);
        qemuPropsOverrideClear(&props);
    }
}


/* Gives PROPS all properties except SKIP (a field, or -1 for the driver). */
static void
readAllBut(QEMUPropsOverride *props,
           int skip)
{
    int i;

    if (skip != -1)
        g_assert_true(qemuPropsOverrideRead(props, "driver", "string", "emulated-pci"));
    if (skip != EMULATED_PCI_FIELD_DEVICENAME)
        g_assert_true(qemuPropsOverrideRead(props, "devicename", "string", "a"));

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        g_autofree char *value = g_strdup_printf("%u", values[i]);

        if (i != skip)
            g_assert_true(qemuPropsOverrideRead(props, emulatedPCIFieldGetInfo(i)->name,
                                                "unsigned", value));
    }
}


static void
testComplete(void)
{
    QEMUPropsOverride props = { 0 };
    int skip;

    readAllBut(&props, EMULATED_PCI_FIELD_LAST);
    g_assert_true(qemuPropsOverrideIsComplete(&props));
    g_assert_cmpstr(props.fields.devicename, ==, "a");
    g_assert_cmpstr(props.definition, ==, "");
    g_assert_cmpmem(props.fields.value + 1, sizeof(values) - sizeof(values[0]),
                    values + 1, sizeof(values) - sizeof(values[0]));

    g_assert_true(qemuPropsOverrideRead(&props, "definition", "string", "d"));
    g_assert_true(qemuPropsOverrideIsComplete(&props));
    g_assert_cmpstr(props.definition, ==, "d");

    g_assert_true(qemuPropsOverrideRead(&props, "emulator", "string", "net"));
    g_assert_true(qemuPropsOverrideRead(&props, "arg0", "string", "'"));
    g_assert_true(qemuPropsOverrideRead(&props, "arg1", "string", ""));
    g_assert_true(qemuPropsOverrideIsComplete(&props));
    g_assert_cmpstr(props.driver->emulator, ==, "net");
    g_assert_cmpstr(props.driver->args[0], ==, "'");
    g_assert_cmpstr(props.driver->args[1], ==, "");
    g_assert_null(props.driver->args[2]);

    /* Properties that cannot be combined. */
    g_assert_true(qemuPropsOverrideRead(&props, "pid", "unsigned", "1"));
    g_assert_false(qemuPropsOverrideIsComplete(&props));
    qemuPropsOverrideClear(&props);
    g_assert_null(props.driver);

    for (skip = -1; skip < EMULATED_PCI_FIELD_LAST; skip++) {
        QEMUPropsOverride part = { 0 };

        readAllBut(&part, skip);
        g_assert_false(qemuPropsOverrideIsComplete(&part));
    }
}


static void
testRefused(void)
{
    static const char *const cases[][3] = {
        { "driver", "string", "lsi53c895a" },
        { "driver", "unsigned", "emulated-pci" },
        { "driver", "string", "" },
        { "devicename", "string", "" },
        { "devicename", "string", "a b" },
        { "devicename", "string", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        { "devicename", "unsigned", "1" },
        { "vendorid", "string", "22611" },
        { "vendorid", "unsigned", "" },
        { "vendorid", "unsigned", "65536" },
        { "vendorid", "unsigned", "0x5853" },
        { "vendorid", "unsigned", "022611" },
        { "vendorid", "unsigned", "-1" },
        { "vendorid", "unsigned", "+1" },
        { "vendorid", "unsigned", " 1" },
        { "vendorid", "unsigned", "1 " },
        { "vendorid", "remove", "" },
        { "classcode", "unsigned", "16777216" },
        { "interruptpin", "unsigned", "256" },
        { "interruptpin", "signed", "1" },
        { "definition", "string", "" },
        { "definition", "unsigned", "1" },
        { "emulator", "string", "" },
        { "emulator", "unsigned", "1" },
        { "version", "string", "3" },
        { "stubdomain", "bool", "yes" },
        { "stubdomain", "string", "true" },
        { "model", "string", "x" },
        { "pid", "string", "1" },
        { "pid", "unsigned", "0" },
        { "pid", "unsigned", "0x1" },
        { "pid", "unsigned", "4194305" },
        { "arg1", "string", "a" },
        { "arg00", "string", "a" },
        { "arg", "string", "a" },
        { "arg0", "unsigned", "1" },
        { "arg0", "string", "\001" },
        { "args0", "string", "a" },
        { "Driver", "string", "emulated-pci" },
        { "bus", "string", "pci.0" },
        { "", "string", "" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        QEMUPropsOverride props = { 0 };

        if (qemuPropsOverrideRead(&props, cases[i][0], cases[i][1], cases[i][2])) {
            g_test_message("%s %s %s was taken", cases[i][0], cases[i][1], cases[i][2]);
            g_test_fail();
        }
        qemuPropsOverrideClear(&props);
    }
}


static void
testTwice(void)
{
    static const char *const cases[][3] = {
        { "driver", "string", "emulated-pci" },
        { "devicename", "string", "a" },
        { "vendorid", "unsigned", "1" },
        { "interruptpin", "unsigned", "0" },
        { "definition", "string", "d" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        QEMUPropsOverride props = { 0 };

        g_assert_true(qemuPropsOverrideRead(&props, cases[i][0], cases[i][1], cases[i][2]));
        g_assert_false(qemuPropsOverrideRead(&props, cases[i][0], cases[i][1], cases[i][2]));
    }
}


static void
testLength(void)
{
    QEMUPropsOverride props = { 0 };
    g_autofree char *longest = g_strnfill(QEMU_EMULATED_PCI_DEFINITION_MAX, 'd');
    g_autofree char *tooLong = g_strnfill(QEMU_EMULATED_PCI_DEFINITION_MAX + 1, 'd');

    g_assert_false(qemuPropsOverrideRead(&props, "definition", "string", tooLong));
    memset(&props, 0, sizeof(props));
    g_assert_true(qemuPropsOverrideRead(&props, "definition", "string", longest));
    g_assert_cmpstr(props.definition, ==, longest);
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/qemupropsoverride/format", testFormat);
    g_test_add_func("/qemupropsoverride/format-driver", testFormatDriver);
    g_test_add_func("/qemupropsoverride/pid", testPid);
    g_test_add_func("/qemupropsoverride/server", testServer);
    g_test_add_func("/qemupropsoverride/complete", testComplete);
    g_test_add_func("/qemupropsoverride/refused", testRefused);
    g_test_add_func("/qemupropsoverride/twice", testTwice);
    g_test_add_func("/qemupropsoverride/length", testLength);
    return g_test_run();
}
