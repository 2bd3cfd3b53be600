/*
 * emulatedpci_fields.c: the twelve fields that define an emulated PCI device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_fields.h"

#include <string.h>

/* Offsets and widths are those of a type 0 header (PCI Local Bus Specification 3.0, 6.1,
 * figure 6-1). */
static const EmulatedPCIFieldInfo fields[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_DEVICENAME] = { "devicename", 0, 0, 0, -1, true, false },
    [EMULATED_PCI_FIELD_VENDORID] = { "vendorid", 0x00, 16, 0, -1, true, true },
    [EMULATED_PCI_FIELD_DEVICEID] = { "deviceid", 0x02, 16, 0, -1, true, true },
    [EMULATED_PCI_FIELD_COMMAND] = { "command", 0x04, 16, 0, -1, false, false },
    [EMULATED_PCI_FIELD_STATUS] = { "status", 0x06, 16, 0, -1, false, false },
    [EMULATED_PCI_FIELD_REVISION] = { "revision", 0x08, 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_CLASSCODE] = { "classcode", 0x09, 24, 0xff0000, -1, false, true },
    [EMULATED_PCI_FIELD_HEADERTYPE] = { "headertype", 0x0e, 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_SUBVENDORID] = { "subvendorid", 0x2c, 16, 0, EMULATED_PCI_FIELD_VENDORID, false, true },
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = { "subsystemid", 0x2e, 16, 0, EMULATED_PCI_FIELD_DEVICEID, false, true },
    [EMULATED_PCI_FIELD_INTERRUPTLINE] = { "interruptline", 0x3c, 8, 0, -1, false, false },
    [EMULATED_PCI_FIELD_INTERRUPTPIN] = { "interruptpin", 0x3d, 8, 0, -1, false, false },
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

    /* Parses the rest even if the number is already too large: "99999x" is malformed, not out of
     * range. */
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
emulatedPCIVendorIDIsValid(uint32_t value)
{
    return value >= EMULATED_PCI_VENDORID_MIN && value <= EMULATED_PCI_VENDORID_MAX;
}


bool
emulatedPCINameIsValid(const char *name, size_t max)
{
    size_t len = strspn(name,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz"
                        "0123456789._-");

    return len >= 1 && len <= max && name[len] == '\0';
}


bool
emulatedPCIDevicenameIsValid(const char *name)
{
    return emulatedPCINameIsValid(name, EMULATED_PCI_DEVICENAME_MAX);
}
