/*
 * emulatedpcilinttest.c: the warnings of lint, and devices without warnings
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_lint.h"
#include "testutils.h"

#include <string.h>
#include <time.h>

/* Returns the names of all warnings, in order, each as "device:name". */
static char *
lintNames(GPtrArray *lints)
{
    GString *names = g_string_new(NULL);
    guint i;

    for (i = 0; i < lints->len; i++) {
        const EmulatedPCILint *lint = g_ptr_array_index(lints, i);

        g_assert_nonnull(lint->message);
        g_assert_cmpuint(strlen(lint->message), >, 0);
        g_string_append_printf(names, "%s%zu:%s", i ? " " : "", lint->device,
                               emulatedPCILintKindToString(lint->kind));
    }
    return g_string_free(names, FALSE);
}


/* The attributes of <config> and of <address> (NULL: none), and the expected warnings */
static const struct {
    const char *config;
    const char *address;
    const char *names;
    const char *message;    /* of the first warning */
} singles[] = {
    { "", NULL, "", NULL },

    { "interruptpin='4' interruptline='11'", NULL, "", NULL },
    { "interruptpin='5'", NULL, "0:interruptpin-range",
      "interruptpin is 0x05: the interrupt pins of a PCI device are 0x01 (INTA#) to "
      "0x04 (INTD#); 0x00 means no pin" },
    { "interruptpin='0x09'", NULL, "0:interruptpin-range",
      "interruptpin is 0x09: the interrupt pins of a PCI device are 0x01 (INTA#) to "
      "0x04 (INTD#); 0x00 means no pin" },
    { "interruptpin='255'", NULL, "0:interruptpin-range", NULL },

    { "interruptline='11'", NULL, "0:interruptline-unused",
      "interruptline is 0x0b, but interruptpin is 0x00: a device without an "
      "interrupt pin has no interrupt line" },
    { "interruptline='255'", NULL, "", NULL },
    { "interruptline='254'", NULL, "0:interruptline-unused", NULL },

    { "status='0x0010'", NULL, "0:status-capabilities",
      "status is 0x0010: bit 4 indicates a capability list, but the device has none" },
    { "status='0x06a0'", NULL, "", NULL },      /* speed bits */
    { "status='0x0008'", NULL, "0:status-events",
      "status is 0x0008: the bits 0x0008 indicate an interrupt or an error that has "
      "not occurred" },
    { "status='0x8000'", NULL, "0:status-events", NULL },
    { "status='0x0100'", NULL, "0:status-events", NULL },
    { "status='0x0001'", NULL, "0:status-reserved",
      "status is 0x0001: the bits 0x0001 are reserved" },
    { "status='0x0040'", NULL, "0:status-reserved", NULL },
    { "status='0xffff'", NULL, "0:status-capabilities 0:status-events 0:status-reserved", NULL },

    { "command='0x0547'", NULL, "", NULL },
    { "command='0x0008'", NULL, "0:command-reserved",
      "command is 0x0008: the bits 0x0008 are reserved, or no longer in use" },
    { "command='0x8547'", NULL, "0:command-reserved",
      "command is 0x8547: the bits 0x8000 are reserved, or no longer in use" },

    { "classcode='0x060400'", NULL, "0:classcode-bridge",
      "classcode is 0x060400, which is a bridge, but headertype is 0x00, which is an endpoint" },
    { "classcode='0x060401'", NULL, "0:classcode-bridge", NULL },
    { "classcode='0x060700'", NULL, "0:classcode-bridge", NULL },
    { "classcode='0x060940'", NULL, "0:classcode-bridge", NULL },
    { "classcode='0x060000'", NULL, "", NULL },     /* host bridge: an endpoint's header */
    { "classcode='0x060100'", NULL, "", NULL },     /* ISA bridge: likewise */
    { "classcode='0x060500'", NULL, "", NULL },
    { "classcode='0x000604'", NULL, "", NULL },

    { "headertype='0x80'", NULL, "0:headertype-multifunction",
      "headertype is 0x80, but multifunction of the address is 'off'" },
    { "headertype='0x80'", "slot='5'", "0:headertype-multifunction", NULL },
    { "headertype='0x00'", "slot='5' multifunction='on'", "0:headertype-multifunction",
      "headertype is 0x00, but multifunction of the address is 'on'" },
    { "headertype='0x80'", "slot='5' multifunction='on'", "", NULL },
    { "", "slot='5' multifunction='on'", "", NULL },
    { "headertype='0'", "slot='5' multifunction='off'", "", NULL },

    { "", "", "", NULL },
    { "", "function='0'", "", NULL },
    { "", "function='3'", "0:address-ignored",
      "function is 0x3, but domain, bus and slot of the address are 0 or omitted: "
      "libvirt assigns another address" },
    { "", "domain='0' bus='0' slot='0' function='7'", "0:address-ignored", NULL },
    { "", "slot='1' function='7'", "", NULL },
    { "", "bus='1' function='7'", "", NULL },
    { "", "domain='1' function='7'", "", NULL },

    { "interruptpin='9' interruptline='1' status='0x10' command='0x8' classcode='0x060400' "
      "headertype='0x80'", "function='1'",
      "0:interruptpin-range 0:status-capabilities 0:command-reserved 0:classcode-bridge "
      "0:headertype-multifunction 0:address-ignored", NULL },
};


static EmulatedPCIDef *
parse(const char *devicename,
      const char *config,
      const char *address)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autoptr(GError) err = NULL;
    EmulatedPCIDef *def;

    g_string_append_printf(xml, "<emulatedpci devicename='%s'><config vendorid='0x5853' "
                           "deviceid='0xc000' %s/>", devicename, config);
    if (address)
        g_string_append_printf(xml, "<address type='pci' %s/>", address);
    g_string_append(xml, "</emulatedpci>");

    def = emulatedPCIDefParseString(xml->str, xml->len, &err);
    g_assert_no_error(err);
    return def;
}


static void
testSingle(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    g_autoptr(EmulatedPCIDef) def = parse("dev", singles[i].config, singles[i].address);
    g_autoptr(GPtrArray) lints = emulatedPCIDefLint(def);
    const EmulatedPCIDef *defs[] = { def };
    g_autoptr(GPtrArray) all = NULL;
    g_autofree char *names = lintNames(lints);
    g_autofree char *allNames = NULL;

    g_assert_cmpstr(names, ==, singles[i].names);
    if (singles[i].message) {
        const EmulatedPCILint *lint = g_ptr_array_index(lints, 0);

        g_assert_cmpstr(lint->message, ==, singles[i].message);
    }

    /* A domain with only this device gives the same warnings, and possibly some about domains. */
    all = emulatedPCIDefLintAll(defs, 1);
    allNames = lintNames(all);
    g_assert_true(g_str_has_prefix(allNames, names));
}


static void
testSeed(void)
{
    /* Tests every value of the example in the design. */
    g_autoptr(EmulatedPCIDef) def = parse("citrix-pv-bus",
                                          "command='0x0000' status='0x0000' revision='0x01' "
                                          "classcode='0xff8000' headertype='0x00' "
                                          "subvendorid='0x5853' subsystemid='0xc000' "
                                          "interruptline='0x00' interruptpin='0x01'", NULL);
    g_autoptr(GPtrArray) lints = emulatedPCIDefLint(def);

    g_assert_cmpuint(lints->len, ==, 0);
}


static void
testDuplicates(void)
{
    g_autoptr(EmulatedPCIDef) a = parse("a", "", NULL);
    g_autoptr(EmulatedPCIDef) b = parse("b", "", "slot='4'");
    g_autoptr(EmulatedPCIDef) aAgain = parse("a", "classcode='0xff0000'", "slot='5'");
    g_autoptr(EmulatedPCIDef) aOther = parse("a", "revision='1'", NULL);
    const EmulatedPCIDef *defs[] = { a, b, aOther, aAgain, b };
    g_autoptr(GPtrArray) lints = emulatedPCIDefLintAll(defs, G_N_ELEMENTS(defs));
    g_autoptr(GPtrArray) none = emulatedPCIDefLintAll(defs, 3);
    g_autofree char *names = lintNames(lints);
    const EmulatedPCILint *lint;

    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpstr(names, ==, "3:duplicate-device 4:duplicate-device");
    lint = g_ptr_array_index(lints, 0);
    g_assert_cmpstr(lint->message, ==,
                    "devicename is 'a': all fields of the devices 1 and 4 are equal");
}


static void
testDriver(void)
{
    g_autoptr(EmulatedPCIDef) def = parse("a", "", NULL);
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) pid = NULL;
    g_autoptr(GPtrArray) args = NULL;
    const EmulatedPCILint *lint;

    def->driver = emulatedPCIDriverNew();
    g_assert_true(emulatedPCIDriverSet(def->driver, EMULATED_PCI_DRIVER_PID, "7", NULL));
    pid = emulatedPCIDefLint(def);
    g_assert_cmpuint(pid->len, ==, 1);
    lint = g_ptr_array_index(pid, 0);
    g_assert_cmpint(lint->kind, ==, EMULATED_PCI_LINT_DRIVER_PID);
    g_assert_true(g_str_has_prefix(lint->message, "pid is 7: "));

    emulatedPCIDriverFree(def->driver);
    def->driver = emulatedPCIDriverNew();
    g_assert_true(emulatedPCIDriverSetArg(def->driver, 0, "x", NULL));
    args = emulatedPCIDefLint(def);
    g_assert_cmpuint(args->len, ==, 1);
    lint = g_ptr_array_index(args, 0);
    g_assert_cmpint(lint->kind, ==, EMULATED_PCI_LINT_DRIVER_ARGUMENTS);

    g_assert_true(emulatedPCIDriverSet(def->driver, EMULATED_PCI_DRIVER_MODEL, "/x", NULL));
    none = emulatedPCIDefLint(def);
    g_assert_cmpuint(none->len, ==, 0);
}


/* A difference in any single field is enough to make two devices different. */
static void
testDuplicatesEachField(void)
{
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        g_autoptr(EmulatedPCIDef) a = parse("a", "interruptpin='1'", NULL);
        g_autoptr(EmulatedPCIDef) b = parse(i == 0 ? "b" : "a", "interruptpin='1'", NULL);
        const EmulatedPCIDef *defs[] = { a, b };
        g_autoptr(GPtrArray) lints = NULL;
        guint j;

        b->fields.value[i] ^= 0x40;
        lints = emulatedPCIDefLintAll(defs, 2);
        for (j = 0; j < lints->len; j++) {
            const EmulatedPCILint *lint = g_ptr_array_index(lints, j);

            g_assert_cmpint(lint->kind, !=, EMULATED_PCI_LINT_DUPLICATE_DEVICE);
        }
        g_assert_false(emulatedPCIDefEqualFields(a, b));
    }
}


static void
testSlots(void)
{
    g_autoptr(EmulatedPCIDef) zero = parse("a", "", "slot='5' multifunction='on'");
    g_autoptr(EmulatedPCIDef) one = parse("b", "", "slot='5' function='1'");
    g_autoptr(EmulatedPCIDef) otherBus = parse("c", "", "bus='1' slot='5' function='1'");
    g_autoptr(EmulatedPCIDef) otherDomain = parse("d", "", "domain='1' slot='5' function='1'");
    g_autoptr(EmulatedPCIDef) notZero = parse("e", "",
                                              "slot='6' function='1' multifunction='on'");
    const EmulatedPCIDef *alone[] = { zero, otherBus, otherDomain, notZero };
    const EmulatedPCIDef *together[] = { one, zero };
    g_autoptr(GPtrArray) lints = emulatedPCIDefLintAll(alone, G_N_ELEMENTS(alone));
    g_autoptr(GPtrArray) none = emulatedPCIDefLintAll(together, G_N_ELEMENTS(together));
    g_autofree char *names = lintNames(lints);
    const EmulatedPCILint *lint;

    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpstr(names, ==, "0:multifunction-alone 1:function-alone 2:function-alone "
                               "3:function-alone");
    lint = g_ptr_array_index(lints, 0);
    g_assert_cmpstr(lint->message, ==,
                    "headertype is 0x80, but there is no other emulated device in slot 0x05: "
                    "bit 7 is correct only if there is a native device");
    lint = g_ptr_array_index(lints, 1);
    g_assert_cmpstr(lint->message, ==,
                    "function is 0x1, but there is no emulated device at function 0 of slot "
                    "0x05: guests find the device only if a native device is there");
}


static void
testKinds(void)
{
    g_autoptr(GHashTable) found = g_hash_table_new(NULL, NULL);
    gsize i;
    int kind;

    for (kind = 0; kind < EMULATED_PCI_LINT_LAST; kind++)
        g_assert_cmpint(emulatedPCILintKindFromString(emulatedPCILintKindToString(kind)), ==, kind);
    g_assert_cmpint(emulatedPCILintKindFromString("nonesuch"), ==, -1);
    g_assert_cmpint(emulatedPCILintKindFromString(""), ==, -1);

    /* The table above contains each kind of warning about a single device. */
    for (i = 0; i < G_N_ELEMENTS(singles); i++) {
        g_autoptr(EmulatedPCIDef) def = parse("dev", singles[i].config, singles[i].address);
        g_autoptr(GPtrArray) lints = emulatedPCIDefLint(def);
        guint j;

        for (j = 0; j < lints->len; j++) {
            const EmulatedPCILint *lint = g_ptr_array_index(lints, j);

            g_hash_table_add(found, GINT_TO_POINTER(lint->kind));
        }
    }
    g_assert_cmpuint(g_hash_table_size(found), ==, EMULATED_PCI_LINT_MULTIFUNCTION_ALONE);
}


/* The reference page documents exactly the existing kinds of warnings. */
static void
testDocumented(void)
{
    g_autofree char *path = testSourcePath("docs/emulatedpci.rst");
    g_autofree char *page = testReadFile(path, NULL);
    const char *at = strstr(page, "\nWarnings\n");
    g_autoptr(GRegex) regex = NULL;
    g_autoptr(GMatchInfo) matches = NULL;
    int documented = 0;
    int kind;

    g_assert_nonnull(at);
    for (kind = 0; kind < EMULATED_PCI_LINT_LAST; kind++) {
        g_autofree char *entry = g_strdup_printf("\n\n``%s``\n",
                                                 emulatedPCILintKindToString(kind));

        if (!strstr(at, entry))
            g_error("%s does not explain %s", path, emulatedPCILintKindToString(kind));
    }
    regex = g_regex_new("^``[a-z-]+``$", G_REGEX_MULTILINE, 0, NULL);
    g_regex_match(regex, at, 0, &matches);
    for (; g_match_info_matches(matches); g_match_info_next(matches, NULL))
        documented++;
    g_assert_cmpint(documented, ==, EMULATED_PCI_LINT_LAST);
}


/* More devices than a domain can have are checked quickly. */
static void
testMany(void)
{
    g_autoptr(GPtrArray) owned =
        g_ptr_array_new_with_free_func((GDestroyNotify) emulatedPCIDefFree);
    g_autoptr(GPtrArray) lints = NULL;
    clock_t start;              /* processor time, independent of the machine's load */
    int i;

    for (i = 0; i <= EMULATED_PCI_INDEX_MAX; i++) {
        g_autofree char *name = g_strdup_printf("dev%d", i);

        g_ptr_array_add(owned, parse(name, "", NULL));
    }
    start = clock();
    lints = emulatedPCIDefLintAll((const EmulatedPCIDef *const *) owned->pdata, owned->len);
    g_assert_cmpuint(lints->len, ==, 0);
    g_assert_cmpint(clock() - start, <, 10 * CLOCKS_PER_SEC);
}


int
main(int argc,
     char **argv)
{
    gsize i;

    testInit(&argc, &argv);

    for (i = 0; i < G_N_ELEMENTS(singles); i++) {
        g_autofree char *path = g_strdup_printf("/lint/single/%02zu-%s", i,
                                                *singles[i].names ? singles[i].names : "clean");

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testSingle);
    }
    g_test_add_func("/lint/seed", testSeed);
    g_test_add_func("/lint/driver", testDriver);
    g_test_add_func("/lint/duplicates", testDuplicates);
    g_test_add_func("/lint/duplicates-each-field", testDuplicatesEachField);
    g_test_add_func("/lint/slots", testSlots);
    g_test_add_func("/lint/kinds", testKinds);
    g_test_add_func("/lint/documented", testDocumented);
    g_test_add_func("/lint/many", testMany);

    return g_test_run();
}
