/*
 * emulatedpci_fields.h: the twelve fields that define an emulated PCI device
 *
 * The table of their names, registers and defaults, which the XML parser, the QEMU properties, the
 * emulator and virt-emulatedpci check use.
 *
 * This file and its .c use only the C library, because the emulator, whose memory
 * must stay small, links them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the XenServer tool stack's strings */
typedef enum {
    EMULATED_PCI_FIELD_DEVICENAME = 0,
    EMULATED_PCI_FIELD_VENDORID,
    EMULATED_PCI_FIELD_DEVICEID,
    EMULATED_PCI_FIELD_COMMAND,
    EMULATED_PCI_FIELD_STATUS,
    EMULATED_PCI_FIELD_REVISION,
    EMULATED_PCI_FIELD_CLASSCODE,
    EMULATED_PCI_FIELD_HEADERTYPE,
    EMULATED_PCI_FIELD_SUBVENDORID,
    EMULATED_PCI_FIELD_SUBSYSTEMID,
    EMULATED_PCI_FIELD_INTERRUPTLINE,
    EMULATED_PCI_FIELD_INTERRUPTPIN,

    EMULATED_PCI_FIELD_LAST
} EmulatedPCIField;

/* A guest reads 0x0000 or 0xffff as vendorid from an empty slot (PCI Local Bus Specification 3.0,
 * 6.2.1). */
#define EMULATED_PCI_VENDORID_MIN 0x0001u
#define EMULATED_PCI_VENDORID_MAX 0xfffeu

/* devicename: 1 to 31 characters of [A-Za-z0-9._-] */
#define EMULATED_PCI_DEVICENAME_MAX 31

/* headertype: bit 7 is set for a device with several functions; the layout in bits 0-6 is 0
 * for an endpoint (PCI Local Bus Specification 3.0, 6.2.1). */
#define EMULATED_PCI_HEADERTYPE_MULTIFUNCTION 0x80

typedef struct {
    const char *name;       /* of the XML attribute and the QEMU property */
    unsigned int offset;    /* of the register in configuration space; 0 for a string, too */
    unsigned int bits;      /* width of the register; 0: a string */
    uint32_t defval;        /* the value of an omitted field, unless it is copied */
    int defcopy;            /* the field from which an omitted field is copied, or -1 */
    bool required;          /* must be given */
    bool override;          /* can be given for the device of a server (QEMU's vfio-user-pci has a
                             * property that overrides it) */
} EmulatedPCIFieldInfo;

/* The values of the fields of one device. They are not necessarily valid. */
typedef struct {
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];   /* "" if there is none */
    uint32_t value[EMULATED_PCI_FIELD_LAST];    /* of the registers; [DEVICENAME] is unused */
} EmulatedPCIFields;

typedef enum {
    EMULATED_PCI_NUMBER_OK = 0,
    EMULATED_PCI_NUMBER_MALFORMED,  /* neither decimal nor 0x-hexadecimal */
    EMULATED_PCI_NUMBER_RANGE,      /* a number, but too large for the field */
} EmulatedPCINumberStatus;

/**
 * emulatedPCIFieldGetInfo:
 * @field: a field, below EMULATED_PCI_FIELD_LAST
 *
 * Returns the entry of the field in the table. It must not be freed.
 */
const EmulatedPCIFieldInfo *emulatedPCIFieldGetInfo(EmulatedPCIField field);

/**
 * emulatedPCIFieldFromString:
 * @name: the name of a field
 *
 * Returns the field, or -1 if there is none with this name.
 */
int emulatedPCIFieldFromString(const char *name);

/**
 * emulatedPCIFieldMax:
 * @field: a numeric field
 *
 * Returns the largest value of the field: 0xff, 0xffff or 0xffffff.
 */
uint32_t emulatedPCIFieldMax(EmulatedPCIField field);

/**
 * emulatedPCINumberParse:
 * @str: a decimal ("22611") or 0x-hexadecimal ("0x5853") number
 * @max: the largest allowed value
 * @value: set to the number if the result is EMULATED_PCI_NUMBER_OK
 *
 * Parses a number. Signs, spaces, trailing characters, and a leading zero before another digit
 * (which could mean octal) are malformed.
 *
 * Returns the status.
 */
EmulatedPCINumberStatus emulatedPCINumberParse(const char *str,
                                               uint32_t max,
                                               uint32_t *value);

/**
 * emulatedPCIFieldParseNumber:
 * @field: a numeric field
 * @str: a number, see emulatedPCINumberParse()
 * @value: set to the number if the result is EMULATED_PCI_NUMBER_OK
 *
 * Parses the value of a field. The largest allowed value is that of the field.
 *
 * Returns the status.
 */
EmulatedPCINumberStatus emulatedPCIFieldParseNumber(EmulatedPCIField field,
                                                    const char *str,
                                                    uint32_t *value);

/**
 * emulatedPCIVendorIDIsValid:
 * @value: a vendorid
 *
 * Returns true if the value is allowed, 0x0001 to 0xfffe.
 */
bool emulatedPCIVendorIDIsValid(uint32_t value);

/**
 * emulatedPCINameIsValid:
 * @name: a name
 * @max: the maximum length, in bytes
 *
 * Returns true if the name has 1 to @max characters of [A-Za-z0-9._-]. This is the rule for the
 * names of devices, definitions, emulators and machine types.
 */
bool emulatedPCINameIsValid(const char *name, size_t max);

/**
 * emulatedPCIDevicenameIsValid:
 * @name: a devicename
 *
 * Returns true if the name has 1 to EMULATED_PCI_DEVICENAME_MAX characters of [A-Za-z0-9._-].
 */
bool emulatedPCIDevicenameIsValid(const char *name);
