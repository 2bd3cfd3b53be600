/*
 * emulatedpci_conf.h: the <emulatedpci> element
 *
 * The struct and its functions Parse, Format, Free and Validate, in the order of
 * libvirt's *_conf.h. This file handles the element, but neither domain documents
 * nor libvirt connections.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"
#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"
#include "emulatedpci_text.h"

#include <glib.h>
#include <libxml/tree.h>

/* The controller that reserves the address has the index 32000 plus this index. */
#define EMULATED_PCI_INDEX_MAX 9999

/* libvirt's format of a user's alias: this prefix and at least one character of
 * [A-Za-z0-9_-]. The maximum length includes the prefix. */
#define EMULATED_PCI_ALIAS_PREFIX "ua-"
#define EMULATED_PCI_ALIAS_MAX 255

/* definition: 1 to 255 characters of [A-Za-z0-9_.-] */
#define EMULATED_PCI_DEFINITION_MAX 255

/* libvirt's ranges of a PCI address */
#define EMULATED_PCI_ADDRESS_DOMAIN_MAX 0xffff
#define EMULATED_PCI_ADDRESS_BUS_MAX 0xff
#define EMULATED_PCI_ADDRESS_SLOT_MAX 0x1f
#define EMULATED_PCI_ADDRESS_FUNCTION_MAX 7

/* The maximum size of a document of one device, in bytes. The longest canonical document has
 * about 1200 bytes, and up to 200000 more if an emulator's arguments contain many quotation
 * marks; the rest is for comments and white space. */
#define EMULATED_PCI_XML_MAX (256 * 1024)

typedef struct _EmulatedPCIDef EmulatedPCIDef;
struct _EmulatedPCIDef {
    EmulatedPCIFields fields;
    gboolean given[EMULATED_PCI_FIELD_LAST];    /* the field was given, and is not a default */
    char *text[EMULATED_PCI_FIELD_LAST];        /* a number as the user wrote it, for
                                                 * Validate's messages; NULL: unknown */

    char *alias;            /* "ua-…", or NULL */
    int index;              /* attribute index, or -1 */
    char *definition;       /* attribute definition, or NULL */
    EmulatedPCIDriver *driver;  /* <driver>, or NULL */
    gboolean needsDefinition;   /* the definition has to provide missing fields */

    /* The values of <address type='pci'>; domain to function are -1 if they are not given. libvirt
     * validates the rest of the address. */
    gboolean hasAddress;
    int domain;
    int bus;
    int slot;
    int function;
    int multifunction;      /* 1 on, 0 off, -1 not given */
};

/**
 * emulatedPCIDefNew:
 *
 * Returns a device without values, to be freed with emulatedPCIDefFree(): numbers are 0, the
 * index and the address are -1. Never NULL.
 */
EmulatedPCIDef *emulatedPCIDefNew(void);

/**
 * emulatedPCIDefHasServer:
 * @def: a device
 *
 * Returns TRUE if a server defines the device (<driver socket='…'/>). Fields that are not given
 * then have the server's values, have no default, and are 0 in @def.
 */
gboolean emulatedPCIDefHasServer(const EmulatedPCIDef *def);

/**
 * emulatedPCIDefSetDefaults:
 * @def: a device
 *
 * Sets every number that is not given to its default: the value in the table of fields; bit 7 of
 * headertype follows multifunction of the address. The parser calls this. It can be called again
 * after a change of the address or of a field.
 */
void emulatedPCIDefSetDefaults(EmulatedPCIDef *def);

/**
 * emulatedPCIDefFill:
 * @def: a device
 * @from: its definition
 *
 * Sets every field that is not given to the value of the definition. If bit 7 of headertype is
 * clear in @from, it follows the address. needsDefinition is cleared.
 */
void emulatedPCIDefFill(EmulatedPCIDef *def, const EmulatedPCIDef *from);

/**
 * emulatedPCIDefParseNode:
 * @node: an <emulatedpci> element
 * @err: return location for an error
 *
 * Parses the element. Omitted fields get their defaults, unless the element refers to a
 * definition: then needsDefinition is set if a field is omitted, Format and Validate process only
 * the given fields, and emulatedPCIDefFill() is required for any other use. A device of a server
 * does not require a <config>.
 *
 * Unknown attributes and child elements, text, and entity references are errors; comments and
 * processing instructions are ignored.
 *
 * Returns the device, to be freed with emulatedPCIDefFree(), or NULL with @err set: to
 * VIR_ERR_CONFIG_UNSUPPORTED for a <zpci> or an address that is not of type 'pci', otherwise to
 * VIR_ERR_XML_ERROR.
 */
EmulatedPCIDef *emulatedPCIDefParseNode(xmlNodePtr node, GError **err);

/**
 * emulatedPCIDefParseString:
 * @xml: a document that consists of the element, in UTF-8
 * @len: its length in bytes, at most EMULATED_PCI_XML_MAX
 * @err: return location for an error
 *
 * The same for a document. Network access, document type declarations and entities are not
 * supported.
 *
 * Returns as emulatedPCIDefParseNode().
 */
EmulatedPCIDef *emulatedPCIDefParseString(const char *xml, gsize len, GError **err);

/**
 * emulatedPCIDefParseConfig, emulatedPCIDefParseDevicename, emulatedPCIDefCheckRequired:
 * @def: a device
 * @node: a <config>
 * @name: the devicename
 * @element: the name of the element that requires the devicename, for messages
 * @err: return location for an error
 *
 * Parse the parts of the element that definitions have, too. No attribute of @node is required;
 * emulatedPCIDefCheckRequired() reports missing required fields.
 *
 * Return TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR.
 */
gboolean emulatedPCIDefParseConfig(EmulatedPCIDef *def, xmlNodePtr node, GError **err);
gboolean emulatedPCIDefParseDevicename(EmulatedPCIDef *def, const char *name, GError **err);
gboolean emulatedPCIDefCheckRequired(const EmulatedPCIDef *def, const char *element, GError **err);

/**
 * emulatedPCIDefFormat:
 * @def: a valid device
 * @indent: the white space before every line except for the first one
 * @newline: the line break, or "" to write one line without white space between the elements
 * @buf: the element is appended to it, without a line break at the end
 *
 * Formats the element in canonical form: all twelve fields (for a device of a server, the given
 * ones), in hexadecimal, padded with zeros to their width.
 */
void emulatedPCIDefFormat(const EmulatedPCIDef *def,
                          const char *indent,
                          const char *newline,
                          GString *buf);

/**
 * emulatedPCIDefFormatConfig:
 * @def: a device
 * @buf: the element is appended to it
 *
 * Formats <config …/> with all fields. A field that is not given is omitted if a server or a
 * definition provides it.
 */
void emulatedPCIDefFormatConfig(const EmulatedPCIDef *def, GString *buf);

/**
 * emulatedPCIDefFormatAlias:
 * @def: a device
 * @buf: the element is appended to it
 *
 * Formats <alias name='…'/> as libvirt does, or nothing if there is no alias.
 */
void emulatedPCIDefFormatAlias(const EmulatedPCIDef *def, GString *buf);

/**
 * emulatedPCIDefFormatAddress:
 * @def: a device
 * @buf: the element is appended to it
 *
 * Formats <address type='pci' …/> as libvirt does, or nothing if there is no address. If domain,
 * bus and slot are all 0 or omitted, libvirt assigns an address; then only multifunction is
 * written (virDomainDeviceInfoFormat in libvirt's domain_conf.c).
 */
void emulatedPCIDefFormatAddress(const EmulatedPCIDef *def, GString *buf);

/**
 * emulatedPCIDefFree:
 * @def: a device, or NULL
 *
 * Frees the device.
 */
void emulatedPCIDefFree(EmulatedPCIDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDef, emulatedPCIDefFree)

/**
 * emulatedPCIDefValidate:
 * @def: a device, which need not come from the parser
 * @err: return location for an error
 *
 * Validates the values and their combination.
 *
 * Returns TRUE, or FALSE with @err set: to VIR_ERR_XML_ERROR for a value that the parser does not
 * accept, or to VIR_ERR_CONFIG_UNSUPPORTED for vendorid 0x0000 or 0xffff, for a headertype whose
 * layout bits are not 0 or whose bit 7 disagrees with multifunction of the address, and, for a
 * device of a server, for a definition or a field that QEMU cannot override.
 */
gboolean emulatedPCIDefValidate(const EmulatedPCIDef *def, GError **err);

/**
 * emulatedPCIDefValidateFields:
 * @def: a device
 * @err: return location for an error
 *
 * Validates only the numbers, as emulatedPCIDefValidate() does. The device does not require an
 * address.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean emulatedPCIDefValidateFields(const EmulatedPCIDef *def, GError **err);

/**
 * emulatedPCIAddressGetSlot:
 * @domain, @bus, @slot: of a PCI address, or -1 if they are omitted
 *
 * Returns a number that identifies the slot, or 0 if libvirt assigns the address.
 */
gint64 emulatedPCIAddressGetSlot(int domain, int bus, int slot);

/**
 * emulatedPCIDefEqualFields:
 * @a: a device
 * @b: another device
 *
 * Returns TRUE if both devices have the same twelve fields, the same set of fields that a server
 * provides, and the same socket of that server.
 */
gboolean emulatedPCIDefEqualFields(const EmulatedPCIDef *a, const EmulatedPCIDef *b);
