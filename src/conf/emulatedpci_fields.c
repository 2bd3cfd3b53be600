/*
 * emulatedpci_fields.c: the twelve fields that define an emulated PCI device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_fields.h"

#include <stddef.h>
#include <string.h>

static const EmulatedPCIFieldInfo fields[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_DEVICENAME] = { "devicename", 0, 0, -1, true, false },
    [EMULATED_PCI_FIELD_VENDORID] = { "vendorid", 16, 0, -1, true, true },
    [EMULATED_PCI_FIELD_DEVICEID] = { "deviceid", 16, 0, -1, true, true },
    [EMULATED_PCI_FIELD_COMMAND] = { "command", 16, 0, -1, false, false },
    [EMULATED_PCI_FIELD_STATUS] = { "status", 16, 0, -1, false, false },
    [EMULATED_PCI_FIELD_REVISION] = { "revision", 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_CLASSCODE] = { "classcode", 24, 0xff0000, -1, false, true },
    [EMULATED_PCI_FIELD_HEADERTYPE] = { "headertype", 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_SUBVENDORID] = { "subvendorid", 16, 0, EMULATED_PCI_FIELD_VENDORID, false, true },
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = { "subsystemid", 16, 0, EMULATED_PCI_FIELD_DEVICEID, false, true },
    [EMULATED_PCI_FIELD_INTERRUPTLINE] = { "interruptline", 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_INTERRUPTPIN] = { "interruptpin", 8, 0, -1, false, false },
};


const EmulatedPCIFieldInfo *
emulatedPCIFieldGetInfo(EmulatedPCIField field)
{
    return &fields[field];
}


int
emulatedPCIFieldFromString(const char *name)
{
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return i;
    }
    return -1;
}


uint32_t
emulatedPCIFieldMax(EmulatedPCIField field)
{
    return (UINT32_C(1) << fields[field].bits) - 1;
}


static int
digitValue(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}


EmulatedPCINumberStatus
emulatedPCINumberParse(const char *str,
                       uint32_t max,
                       uint32_t *value)
{
    int base = 10;
    uint64_t sum = 0;

    if (str[0] == '0' && str[1] == 'x') {
        base = 16;
        str += 2;
    } else if (str[0] == '0' && str[1] != '\0') {
        return EMULATED_PCI_NUMBER_MALFORMED;
    }

    if (*str == '\0')
        return EMULATED_PCI_NUMBER_MALFORMED;

    /* Reads to the end even when the sum is too large already: "99999x" is
     * malformed, not out of range. */
    for (; *str; str++) {
        int digit = digitValue(*str);

        if (digit >= base)
            return EMULATED_PCI_NUMBER_MALFORMED;
        sum = sum * base + digit;
        if (sum > max)
            sum = (uint64_t) max + 1;
    }

    if (sum > max)
        return EMULATED_PCI_NUMBER_RANGE;

    *value = sum;
    return EMULATED_PCI_NUMBER_OK;
}


EmulatedPCINumberStatus
emulatedPCIFieldParseNumber(EmulatedPCIField field,
                            const char *str,
                            uint32_t *value)
{
    return emulatedPCINumberParse(str, emulatedPCIFieldMax(field), value);
}


bool
emulatedPCIDevicenameIsValid(const char *name)
{
    size_t len = strspn(name,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz"
                        "0123456789._-");

    return len >= 1 && len <= EMULATED_PCI_DEVICENAME_MAX && name[len] == '\0';
}
