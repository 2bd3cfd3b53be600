/*
 * emulatedpci_conf_private.h: parts of the <emulatedpci> element that its files share
 *
 * The parser and the validation have the same rules for a value, and report the same errors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

typedef enum {
    EMULATED_PCI_ADDRESS_ATTR_TYPE = 0,
    EMULATED_PCI_ADDRESS_ATTR_DOMAIN,
    EMULATED_PCI_ADDRESS_ATTR_BUS,
    EMULATED_PCI_ADDRESS_ATTR_SLOT,
    EMULATED_PCI_ADDRESS_ATTR_FUNCTION,
    EMULATED_PCI_ADDRESS_ATTR_MULTIFUNCTION,

    EMULATED_PCI_ADDRESS_ATTR_LAST
} EmulatedPCIAddressAttr;

/* A number of an address */
typedef struct {
    unsigned int digits;    /* hexadecimal digits that libvirt prints */
    guint32 max;            /* the largest value */
} EmulatedPCIAddressNumber;

/* The names of the attributes of <address>, NULL-terminated */
extern const char *const emulatedPCIAddressAttrs[EMULATED_PCI_ADDRESS_ATTR_LAST + 1];

/* The numbers among the attributes: domain, bus, slot and function */
extern const EmulatedPCIAddressNumber emulatedPCIAddressNumbers[EMULATED_PCI_ADDRESS_ATTR_LAST];

/* --- emulatedpci_conf.c --- */

/**
 * emulatedPCIDefFieldDigits:
 * @field: a numeric field
 *
 * Returns the number of hexadecimal digits of the field.
 */
unsigned int emulatedPCIDefFieldDigits(EmulatedPCIField field);

/* --- emulatedpci_conf_validate.c --- */

/**
 * emulatedPCIDefReportNumber:
 * @attr: the name of the attribute
 * @str: its value
 * @min: the smallest allowed value
 * @max: the largest allowed value
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Reports a value that is not a number in the allowed range.
 */
void emulatedPCIDefReportNumber(const char *attr,
                                const char *str,
                                guint32 min,
                                guint32 max,
                                GError **err);

/**
 * emulatedPCIDefReportField:
 * @field: a numeric field
 * @str: its value
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Reports a value that is not a number in the range of the field.
 */
void emulatedPCIDefReportField(EmulatedPCIField field, const char *str, GError **err);

/**
 * emulatedPCIDefCheckDevicename:
 * @name: the value of the attribute devicename
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Returns TRUE, or FALSE with @err set if the value is invalid.
 */
gboolean emulatedPCIDefCheckDevicename(const char *name, GError **err);

/**
 * emulatedPCIDefCheckDefinition:
 * @name: the value of the attribute definition
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Returns TRUE, or FALSE with @err set if the value is invalid.
 */
gboolean emulatedPCIDefCheckDefinition(const char *name, GError **err);

/**
 * emulatedPCIDefCheckAlias:
 * @alias: the name of the <alias>
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Returns TRUE, or FALSE with @err set if the name is invalid.
 */
gboolean emulatedPCIDefCheckAlias(const char *alias, GError **err);

/**
 * emulatedPCIDefCheckServer:
 * @def: the device of a server
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Checks that the device has no definition, and only fields that QEMU can override.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean emulatedPCIDefCheckServer(const EmulatedPCIDef *def, GError **err);
