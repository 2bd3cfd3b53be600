/*
 * emulatedpcifieldstest.c: the table of fields and its numbers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_fields.h"
#include "testutils.h"

#include <string.h>

static void
testTable(void)
{
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        g_assert_cmpint(emulatedPCIFieldFromString(info->name), ==, i);
    }
    g_assert_cmpint(emulatedPCIFieldFromString("bar0"), ==, -1);
    g_assert_cmpint(emulatedPCIFieldFromString(""), ==, -1);
}


static void
testNumbers(void)
{
    static const struct {
        EmulatedPCIField field;
        const char *str;
        EmulatedPCINumberStatus status;
        uint32_t value;
    } cases[] = {
        { EMULATED_PCI_FIELD_VENDORID, "0", EMULATED_PCI_NUMBER_OK, 0 },
        { EMULATED_PCI_FIELD_VENDORID, "22611", EMULATED_PCI_NUMBER_OK, 0x5853 },
        { EMULATED_PCI_FIELD_VENDORID, "0x5853", EMULATED_PCI_NUMBER_OK, 0x5853 },
        { EMULATED_PCI_FIELD_VENDORID, "0x5aF", EMULATED_PCI_NUMBER_OK, 0x5af },
        { EMULATED_PCI_FIELD_VENDORID, "0x0000005853", EMULATED_PCI_NUMBER_OK, 0x5853 },
        { EMULATED_PCI_FIELD_VENDORID, "65535", EMULATED_PCI_NUMBER_OK, 65535 },
        { EMULATED_PCI_FIELD_VENDORID, "65536", EMULATED_PCI_NUMBER_RANGE, 0 },
        { EMULATED_PCI_FIELD_VENDORID, "0x10000", EMULATED_PCI_NUMBER_RANGE, 0 },
        { EMULATED_PCI_FIELD_VENDORID, "18446744073709551617", EMULATED_PCI_NUMBER_RANGE, 0 },
        { EMULATED_PCI_FIELD_VENDORID, "99999999999999999999999x", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_CLASSCODE, "0xffffff", EMULATED_PCI_NUMBER_OK, 0xffffff },
        { EMULATED_PCI_FIELD_CLASSCODE, "0x1000000", EMULATED_PCI_NUMBER_RANGE, 0 },
        { EMULATED_PCI_FIELD_REVISION, "255", EMULATED_PCI_NUMBER_OK, 255 },
        { EMULATED_PCI_FIELD_REVISION, "256", EMULATED_PCI_NUMBER_RANGE, 0 },
        { EMULATED_PCI_FIELD_REVISION, "", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "0x", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "0X1", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "01", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "-1", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "+1", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, " 1", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "1 ", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "1.0", EMULATED_PCI_NUMBER_MALFORMED, 0 },
        { EMULATED_PCI_FIELD_REVISION, "ff", EMULATED_PCI_NUMBER_MALFORMED, 0 },
    };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint32_t value = 0;

        g_test_message("%s", cases[i].str);
        g_assert_cmpint(emulatedPCIFieldParseNumber(cases[i].field, cases[i].str, &value),
                        ==, cases[i].status);
        g_assert_cmpuint(value, ==, cases[i].value);
    }
}


static void
testDevicename(void)
{
    g_autofree char *longest = g_strnfill(31, 'a');
    g_autofree char *tooLong = g_strnfill(32, 'a');

    g_assert_true(emulatedPCIDevicenameIsValid("citrix-pv-bus"));
    g_assert_true(emulatedPCIDevicenameIsValid("A.z_9-"));
    g_assert_true(emulatedPCIDevicenameIsValid(longest));
    g_assert_false(emulatedPCIDevicenameIsValid(tooLong));
    g_assert_false(emulatedPCIDevicenameIsValid(""));
    g_assert_false(emulatedPCIDevicenameIsValid("a b"));
    g_assert_false(emulatedPCIDevicenameIsValid("a,b"));
    g_assert_false(emulatedPCIDevicenameIsValid("\303\251"));
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/fields/table", testTable);
    g_test_add_func("/fields/numbers", testNumbers);
    g_test_add_func("/fields/devicename", testDevicename);
    return g_test_run();
}
