/*
 * qemupropstest.c: properties of the emulated-pci device, both forms
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props.h"
#include "testutils.h"

#include <json.h>
#include <string.h>

#define JSON_FIELDS \
    "\"devicename\":\"citrix-pv-bus\",\"vendorid\":22611,\"deviceid\":49152,\"command\":7," \
    "\"status\":65535,\"revision\":1,\"classcode\":16744448,\"headertype\":128," \
    "\"subvendorid\":22612,\"subsystemid\":49153,\"interruptline\":255,\"interruptpin\":9"
#define KV_FIELDS \
    "devicename=citrix-pv-bus,vendorid=22611,deviceid=49152,command=7," \
    "status=65535,revision=1,classcode=16744448,headertype=128," \
    "subvendorid=22612,subsystemid=49153,interruptline=255,interruptpin=9"

static const guint32 expected[EMULATED_PCI_FIELD_LAST] = {
    0, 0x5853, 0xc000, 7, 0xffff, 1, 0xff8000, 0x80, 0x5854, 0xc001, 0xff, 9,
};


static void
testAssertExpected(const QEMUProps *props)
{
    int i;

    g_assert_cmpstr(props->fields.devicename, ==, "citrix-pv-bus");
    for (i = 1; i < EMULATED_PCI_FIELD_LAST; i++)
        g_assert_cmpuint(props->fields.value[i], ==, expected[i]);
}


static void
testParse(void)
{
    static const char *const args[] = {
        "{\"driver\":\"emulated-pci\"," JSON_FIELDS "}",
        "{" JSON_FIELDS ",\"id\":\"ua-x\",\"driver\":\"emulated-pci\",\"bus\":{\"a\":[1,2]}}",
        "{\n \"driver\" : \"emulated-pci\" , " JSON_FIELDS " }\r\n",
        "emulated-pci," KV_FIELDS,
        "driver=emulated-pci," KV_FIELDS,
        "id=ua-x," KV_FIELDS ",driver=emulated-pci",
        "virtio-rng-pci," KV_FIELDS ",driver=emulated-pci",
        "emulated-pci," KV_FIELDS ",multifunction,id=a,,b=c",
        "emulated-pci," KV_FIELDS ",",
        "emulated-pci,devicename=citrix-pv-bus,vendorid=0x5853,deviceid=0xC000,command=0x7,"
        "status=0xffff,revision=0x01,classcode=0xff8000,headertype=0x80,subvendorid=0x5854,"
        "subsystemid=0xc001,interruptline=0xff,interruptpin=0x9",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(args); i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(QEMUProps) props = NULL;

        g_assert_true(qemuPropsIsEmulatedPCI(args[i]));
        props = qemuPropsParse(args[i], &err);
        g_assert_no_error(err);
        testAssertExpected(props);
        g_assert_null(props->definition);
    }
}


/* Format and Parse are inverses in both forms. */
static void
testFormat(void)
{
    QEMUProps props = { .fields.devicename = "citrix-pv-bus" };
    g_autofree char *json = NULL;
    g_autofree char *keyvalue = NULL;
    int form;

    memcpy(props.fields.value, expected, sizeof(expected));
    json = qemuPropsFormat(&props, QEMU_PROPS_FORM_JSON);
    g_assert_cmpstr(json, ==, "{\"driver\":\"emulated-pci\"," JSON_FIELDS "}");
    keyvalue = qemuPropsFormat(&props, QEMU_PROPS_FORM_KEYVALUE);
    g_assert_cmpstr(keyvalue, ==, "emulated-pci," KV_FIELDS);

    props.definition = (char *) "emulatedpci_a.b-C";
    for (form = QEMU_PROPS_FORM_JSON; form <= QEMU_PROPS_FORM_KEYVALUE; form++) {
        g_autofree char *arg = qemuPropsFormat(&props, form);
        g_autoptr(QEMUProps) back = qemuPropsParse(arg, NULL);

        g_assert_nonnull(back);
        testAssertExpected(back);
        g_assert_cmpstr(back->definition, ==, "emulatedpci_a.b-C");
    }
}


/* The emulator's properties, in both forms and as libvirt writes them. */
static void
testDriver(void)
{
    QEMUProps props = { .fields.devicename = "citrix-pv-bus" };
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    int form;

    memcpy(props.fields.value, expected, sizeof(expected));
    props.driver = driver;
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_EMULATOR, "net", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_VERSION, "vfio-user", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_STUBDOMAIN, "yes", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_MODEL, "/a,b", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 0, "a,,b=\"\\\303\244", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 1, "", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 2, "\360\237\226\245\357\277\275", NULL));

    for (form = QEMU_PROPS_FORM_JSON; form <= QEMU_PROPS_FORM_KEYVALUE; form++) {
        g_autoptr(GError) err = NULL;
        g_autofree char *arg = qemuPropsFormat(&props, form);
        g_autofree char *replaced = qemuPropsReplaceDriver(arg, "x-pci-proxy-dev", 17, NULL);
        g_autoptr(QEMUProps) back = qemuPropsParse(arg, &err);

        g_assert_no_error(err);
        testAssertExpected(back);
        g_assert_cmpstr(back->driver->emulator, ==, "net");
        g_assert_cmpint(back->driver->version, ==, EMULATED_PCI_VERSION_VFIO_USER);
        g_assert_cmpint(back->driver->stubdomain, ==, 1);
        g_assert_cmpstr(back->driver->model, ==, "/a,b");
        g_assert_cmpstr(back->driver->args[0], ==, "a,,b=\"\\\303\244");
        g_assert_cmpstr(back->driver->args[1], ==, "");
        g_assert_cmpstr(back->driver->args[2], ==, "\360\237\226\245\357\277\275");
        g_assert_null(back->driver->args[3]);
        g_assert_cmpstr(replaced, ==, form == QEMU_PROPS_FORM_JSON ?
                        "{\"driver\":\"x-pci-proxy-dev\",\"fd\":\"17\"}" :
                        "x-pci-proxy-dev,fd=17");
    }
}


/* Tests the device of a server in both formats, and the argument for QEMU. */
static void
testServer(void)
{
    static const char json[] =
        "{\"driver\":\"emulated-pci\",\"devicename\":\"nvme\",\"vendorid\":19535,\"classcode\":67586,"
        "\"socket\":\"/run/x\"}";
    static const char keyvalue[] =
        "emulated-pci,devicename=nvme,vendorid=19535,classcode=67586,socket=/run/x";
    static const char placed[] =
        "{\"driver\":\"emulated-pci\",\"devicename\":\"nvme\",\"vendorid\":19535,\"classcode\":67586,"
        "\"socket\":\"/run/x\",\"id\":\"ua-a\",\"bus\":\"pci.0\"}";
    g_autoptr(QEMUProps) props = qemuPropsParse(json, NULL);
    g_autoptr(QEMUProps) other = qemuPropsParse(keyvalue, NULL);
    g_autofree char *back = NULL;
    g_autofree char *otherBack = NULL;
    g_autofree char *replaced = NULL;

    g_assert_nonnull(props);
    g_assert_nonnull(other);
    back = qemuPropsFormat(props, QEMU_PROPS_FORM_JSON);
    otherBack = qemuPropsFormat(props, QEMU_PROPS_FORM_KEYVALUE);
    g_assert_cmpstr(back, ==, json);
    g_assert_cmpstr(otherBack, ==, keyvalue);

    replaced = qemuPropsReplaceDriverPath(placed, "vfio-user-pci", "/run/x", NULL);
    g_assert_cmpstr(replaced, ==,
                    "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"/run/x\"},"
                    "\"x-pci-vendor-id\":19535,\"x-pci-class-code\":67586,"
                    "\"id\":\"ua-a\",\"bus\":\"pci.0\"}");
}


static void
testDriverRefused(void)
{
    static const struct {
        const char *json;
        const char *keyvalue;
        const char *message;
    } cases[] = {
        { "\"pid\":0", "pid=0", "invalid value '0' for attribute 'pid': a number from 1 to 4194304 is expected" },
        { "\"pid\":\"1\"", NULL,
          "invalid value '\"1\"' for property 'pid': must be a number from 1 to 4194304" },
        { "\"pid\":-1", "pid=-1", NULL },
        { "\"pid\":1,\"emulator\":\"a\"", "pid=1,emulator=a", NULL },
        { "\"emulator\":1", "emulator=", NULL },
        { "\"stubdomain\":true", "stubdomain", NULL },
        { "\"version\":\"x\"", "version=x", NULL },
        { "\"model\":\"x\"", "model", NULL },
        { "\"arg1\":\"x\"", "arg1=x", "argument 1 of an emulator is missing: it has 2 arguments" },
        { "\"arg32\":\"x\"", "arg32=x", "too many arguments of an emulator: at most 32 are allowed" },
        { "\"arg99999999999999999999\":\"x\"", "arg99999999999999999999=x", NULL },
        { "\"arg0\":\"\\u0001\"", "arg0=\001", NULL },
        { "\"arg0\":\"\\u0000\"", "arg0=a,arg0=a", NULL },
        { "\"socket\":{\"type\":\"unix\"}", NULL,
          "invalid value '{\"type\":\"unix\"}' for property 'socket': must be a string" },
        { "\"socket\":\"/x\"", "socket=/x",
          "property 'command' cannot be given for a device of driver 'emulated-pci' with a "
          "property 'socket': QEMU cannot override it" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *json = g_strdup_printf("{\"driver\":\"emulated-pci\"," JSON_FIELDS ",%s}",
                                                cases[i].json);
        g_autofree char *keyvalue = g_strdup_printf("emulated-pci," KV_FIELDS ",%s",
                                                    cases[i].keyvalue ? cases[i].keyvalue : "pid=0");
        g_autoptr(GError) err = NULL;

        g_assert_null(qemuPropsParse(json, &err));
        g_assert_nonnull(err);
        if (cases[i].message)
            g_assert_cmpstr(err->message, ==, cases[i].message);
        g_clear_error(&err);
        g_assert_null(qemuPropsParse(keyvalue, &err));
        g_assert_nonnull(err);
    }
}


static void
testNotOurs(void)
{
    static const char *const args[] = {
        "", "{", "{}", "[]", "emulated-pci2", "emulated-pci=on", "id=emulated-pci",
        "virtio-rng-pci,id=emulated-pci", "emulated-pci,driver=virtio-rng-pci",
        "{\"driver\":\"virtio-rng-pci\",\"id\":\"emulated-pci\"}",
        "{\"driver\":[\"emulated-pci\"]}", "{\"driver\":\"emulated-pci\"",
        "{\"driver\":\"emulated-pci\"} x", "{'driver':'emulated-pci'}",
        "{\"driver\":\"emulated-pci\\u0000\"}", " {\"driver\":\"emulated-pci\"}",
        ",emulated-pci",
        /* an escaped non-ASCII character, a character outside a string, and bytes that are not
         * UTF-8 */
        "{\"driver\":\"emulated-pci\",\"a\":\"\\" "\303\244" "\"}",
        "{\"driver\":\"emulated-pci\",\303\244:1}", "{\"driver\":\"emulated-pci\"}\303\244",
        "{\"driver\":\"emulated-pci\",\"a\":\"\344\"}",
    };
    g_autofree char *deep = g_strnfill(200000, '{');
    g_autofree char *big = g_strdup_printf("emulated-pci,%s,id=%s", KV_FIELDS, deep);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(args); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_false(qemuPropsIsEmulatedPCI(args[i]));
        g_assert_null(qemuPropsParse(args[i], &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    }
    g_assert_false(qemuPropsIsEmulatedPCI(deep));
    g_assert_false(qemuPropsIsEmulatedPCI(big));
}


/* Returns the valid argument with TEXT, which it must contain, replaced by ANOTHER. */
static char *
testReplaced(const char *arg,
             const char *text,
             const char *another)
{
    const char *at = strstr(arg, text);

    g_assert_nonnull(at);
    return g_strdup_printf("%.*s%s%s", (int) (at - arg), arg, another, at + strlen(text));
}


/* Each error names the property and, if it has one, the value. */
static void
testErrors(void)
{
    static const struct {
        const char *text;
        const char *another;
        const char *message;
    } cases[] = {
        { "\"vendorid\":22611", "\"vendorid\":65536",
          "invalid value '65536' for property 'vendorid': must be a number from 0 to 65535" },
        { "\"vendorid\":22611", "\"vendorid\":-1", "'-1' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":1.0", "'1.0' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":\"22611\"", "'\"22611\"' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":true", "'true' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":null", "'null' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":[1]", "'[1]' for property 'vendorid'" },
        { "\"vendorid\":22611", "\"vendorid\":99999999999999999999999",
          "for property 'vendorid': must be a number from 0 to 65535" },
        { "\"vendorid\":22611", "\"vendorid\":-99999999999999999999999", "property 'vendorid'" },
        { "\"vendorid\":22611", "\"a\":1", "missing property 'vendorid'" },
        { "\"classcode\":16744448", "\"classcode\":16777216",
          "'16777216' for property 'classcode': must be a number from 0 to 16777215" },
        { "\"interruptpin\":9", "\"interruptpin\":256",
          "'256' for property 'interruptpin': must be a number from 0 to 255" },
        { "\"devicename\":\"citrix-pv-bus\"", "\"devicename\":7",
          "invalid value '7' for property 'devicename': must be a string" },
        { "citrix-pv-bus", "", "invalid value '' for property 'devicename': must be 1 to 31" },
        { "citrix-pv-bus", "a b", "invalid value 'a b' for property 'devicename'" },
        { "citrix-pv-bus", "\\u00e4\\n",
          "invalid value '\\xc3\\xa4\\x0a' for property 'devicename'" },
        { "citrix-pv-bus", "1234567890123456789012345678901234567890123456789012345678901234567890",
          "invalid value '1234567890123456789012345678901234567890123456789012345678901234...' for" },
        { "citrix-pv-bus", "a\\u0000", "property 'devicename': must be a string" },
        { "citrix-pv-bus", "12345678901234567890123456789012", "property 'devicename'" },
        { "\"vendorid\"", "\"definition\":\"\",\"vendorid\"",
          "invalid value '' for property 'definition': must be 1 to 255" },
        { "\"vendorid\"", "\"definition\":1,\"vendorid\"", "property 'definition': must be a string" },
    };
    static const struct {
        const char *text;
        const char *another;
        const char *message;
    } kvCases[] = {
        { "vendorid=22611", "vendorid=65536",
          "invalid value '65536' for property 'vendorid': must be a number from 0 to 65535" },
        { "vendorid=22611", "vendorid=022611", "'022611' for property 'vendorid'" },
        { "vendorid=22611", "vendorid=-1", "'-1' for property 'vendorid'" },
        { "vendorid=22611", "vendorid=1k", "'1k' for property 'vendorid'" },
        { "vendorid=22611", "vendorid=", "invalid value '' for property 'vendorid'" },
        { "vendorid=22611", "vendorid", "invalid value '' for property 'vendorid'" },
        { "vendorid=22611", "vendorid=1,,2", "'1,2' for property 'vendorid'" },
        { "vendorid=22611", "vendorid=1,vendorid=1", "property 'vendorid' is specified more than once" },
        { "vendorid=22611", "a=1", "missing property 'vendorid'" },
        { "citrix-pv-bus", "a,,b", "invalid value 'a,b' for property 'devicename'" },
        { "vendorid=", "definition=a,definition=a,vendorid=", "'definition' is specified more than once" },
        { "vendorid=", "definition=a/b,vendorid=", "'a/b' for property 'definition'" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases) + G_N_ELEMENTS(kvCases); i++) {
        const gsize k = i - G_N_ELEMENTS(cases);
        const gboolean json = i < G_N_ELEMENTS(cases);
        const char *message = json ? cases[i].message : kvCases[k].message;
        g_autofree char *arg = json ?
            testReplaced("{\"driver\":\"emulated-pci\"," JSON_FIELDS "}",
                         cases[i].text, cases[i].another) :
            testReplaced("emulated-pci," KV_FIELDS, kvCases[k].text, kvCases[k].another);
        g_autoptr(GError) err = NULL;

        /* json-c uses the nearest possible number for values that do not fit into 64 bits; since
         * version 0.18, they are invalid JSON in strict mode. */
        if (strstr(arg, "99999999999999999999999") && json_c_version_num() >= (0 << 16 | 18 << 8)) {
            message = "cannot parse -device argument";
            g_assert_false(qemuPropsIsEmulatedPCI(arg));
        } else {
            g_assert_true(qemuPropsIsEmulatedPCI(arg));
        }
        g_assert_null(qemuPropsParse(arg, &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
        if (!strstr(err->message, message))
            g_error("%s: not in: %s", message, err->message);
    }
}


/* The minimum and maximum of every field, and the values outside of them. */
static void
testBounds(void)
{
    int field;

    for (field = 1; field < EMULATED_PCI_FIELD_LAST; field++) {
        const guint64 max = emulatedPCIFieldMax(field);
        int form;
        guint64 value;

        for (form = QEMU_PROPS_FORM_JSON; form <= QEMU_PROPS_FORM_KEYVALUE; form++) {
            for (value = max; value <= max + 1; value++) {
                QEMUProps props = { .fields.devicename = "a" };
                g_autofree char *arg = NULL;
                g_autoptr(QEMUProps) back = NULL;

                props.fields.value[field] = value;
                arg = qemuPropsFormat(&props, form);
                back = qemuPropsParse(arg, NULL);
                if (value > max)
                    g_assert_null(back);
                else
                    g_assert_cmpuint(back->fields.value[field], ==, max);
            }
        }
    }
}


/* Foreign properties remain in their order; the properties of emulated-pci are removed. */
static void
testReplace(void)
{
    static const struct {
        const char *arg;
        const char *result;
    } cases[] = {
        { "{\"driver\":\"emulated-pci\"," JSON_FIELDS ",\"definition\":\"d\",\"id\":\"ua-emulatedpci0\","
          "\"bus\":\"pci.0\",\"addr\":\"0x5\"}",
          "{\"driver\":\"x-pci-proxy-dev\",\"fd\":\"17\",\"id\":\"ua-emulatedpci0\","
          "\"bus\":\"pci.0\",\"addr\":\"0x5\"}" },
        { "{\"z\":\"a/b\\\"\\u00e4\xc3\xa4\",\"y\":1.50,\"driver\":\"emulated-pci\"," JSON_FIELDS
          ",\"multifunction\":true,\"x\":null,\"w\":[1,{\"vendorid\":3}],\"v\":18446744073709551615}",
          "{\"z\":\"a/b\\\"\xc3\xa4\xc3\xa4\",\"y\":1.50,\"driver\":\"x-pci-proxy-dev\",\"fd\":\"17\","
          "\"multifunction\":true,\"x\":null,\"w\":[1,{\"vendorid\":3}],\"v\":18446744073709551615}" },
        { "emulated-pci," KV_FIELDS ",id=a,,b,bus=pci.0,addr=0x5.1,multifunction",
          "x-pci-proxy-dev,fd=17,id=a,,b,bus=pci.0,addr=0x5.1,multifunction" },
        { "id=x," KV_FIELDS ",driver=emulated-pci,romfile=", "x-pci-proxy-dev,fd=17,id=x,romfile=" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *result = qemuPropsReplaceDriver(cases[i].arg, "x-pci-proxy-dev", 17, NULL);

        g_assert_cmpstr(result, ==, cases[i].result);
    }
}


static void
testReplaceErrors(void)
{
    static const char *const args[] = {
        "{\"driver\":\"emulated-pci\"," JSON_FIELDS ",\"fd\":\"3\"}",
        "emulated-pci," KV_FIELDS ",fd=3",
        "emulated-pci," KV_FIELDS ",fd",
        "{",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(args); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_null(qemuPropsReplaceDriver(args[i], "x-pci-proxy-dev", 17, &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    }
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/qemuprops/parse", testParse);
    g_test_add_func("/qemuprops/format", testFormat);
    g_test_add_func("/qemuprops/driver", testDriver);
    g_test_add_func("/qemuprops/driver-refused", testDriverRefused);
    g_test_add_func("/qemuprops/server", testServer);
    g_test_add_func("/qemuprops/not-ours", testNotOurs);
    g_test_add_func("/qemuprops/errors", testErrors);
    g_test_add_func("/qemuprops/bounds", testBounds);
    g_test_add_func("/qemuprops/replace", testReplace);
    g_test_add_func("/qemuprops/replace-errors", testReplaceErrors);

    return g_test_run();
}
