/*
 * emulatedpci_conf.h: the <emulatedpci> element
 *
 * The struct and Parse, Format, Free, Validate for it, in that order, as
 * every x_conf.h of libvirt's has it. Parse reads, Validate judges, Format
 * is exact. Knows XML, but no libvirt connection and no domain document.
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

/* The controller that reserves the address has index 32000 + ours. */
#define EMULATED_PCI_INDEX_MAX 9999

/* What libvirt takes for a user's own alias: this prefix, then at least one
 * character of [A-Za-z0-9_-]. The length, prefix included, is our limit. */
#define EMULATED_PCI_ALIAS_PREFIX "ua-"
#define EMULATED_PCI_ALIAS_MAX 255

/* definition: 1 to 255 characters of [A-Za-z0-9_.-] */
#define EMULATED_PCI_DEFINITION_MAX 255

/* libvirt's ranges of a PCI address */
#define EMULATED_PCI_ADDRESS_DOMAIN_MAX 0xffff
#define EMULATED_PCI_ADDRESS_BUS_MAX 0xff
#define EMULATED_PCI_ADDRESS_SLOT_MAX 0x1f
#define EMULATED_PCI_ADDRESS_FUNCTION_MAX 7

/* Bytes in a document of one device. The longest canonical one has about 1200,
 * and up to 200000 more where an emulator's arguments are full of quotation
 * marks; the rest is for comments and white space. */
#define EMULATED_PCI_XML_MAX (256 * 1024)

typedef struct _EmulatedPCIDef EmulatedPCIDef;
struct _EmulatedPCIDef {
    char *devicename;
    guint32 value[EMULATED_PCI_FIELD_LAST];     /* [DEVICENAME] is unused */
    gboolean given[EMULATED_PCI_FIELD_LAST];    /* written, not defaulted */
    char *text[EMULATED_PCI_FIELD_LAST];        /* a number as the user wrote it, for
                                                 * Validate's messages; NULL: unknown */

    char *alias;            /* "ua-…", or NULL */
    int index;              /* attribute index, or -1 */
    char *definition;       /* attribute definition, or NULL */
    EmulatedPCIDriver *driver;  /* <driver>, or NULL */
    gboolean needsDefinition;   /* fields are missing that the definition has */

    /* <address type='pci'>, as far as it concerns us; domain to function are
     * -1 where not given. libvirt itself judges the rest. */
    gboolean hasAddress;
    int domain;
    int bus;
    int slot;
    int function;
    int multifunction;      /* 1 on, 0 off, -1 not given */
};

/* A new definition in which nothing is given: numbers 0, the index and the
 * address -1. Never NULL. */
EmulatedPCIDef *emulatedPCIDefNew(void);

/* Whether the device is a server's (<driver socket='…'/>): the fields that are not GIVEN
 * are the server's, have no default and are 0 here. */
gboolean emulatedPCIDefHasServer(const EmulatedPCIDef *def);

/* Gives every number that is not GIVEN its default: the table's, for
 * headertype bit 7 as the address's multifunction says. Parse does this;
 * whoever changes the address or a copied field later may do it again. */
void emulatedPCIDefSetDefaults(EmulatedPCIDef *def);

/* Gives every field that is not GIVEN the value that FROM, the definition of
 * a device, has. Bit 7 of headertype, too, but where FROM leaves it clear the
 * address decides. DEF needs no definition then. */
void emulatedPCIDefFill(EmulatedPCIDef *def, const EmulatedPCIDef *from);

/* Reads an <emulatedpci> element; omitted fields get their defaults, but of
 * one that refers to a definition none do: unless all fields are given,
 * needsDefinition is set. Format and Validate then are about what is given;
 * for everything else emulatedPCIDefFill() has to come first. A server's
 * device needs no <config>.
 * Attributes, child elements and text that are not known are refused, entity
 * references too; comments and processing instructions are passed over.
 * Returns a new definition, or NULL with ERR set to VIR_ERR_XML_ERROR (or to
 * VIR_ERR_CONFIG_UNSUPPORTED for what is known but not supported: <zpci>, an
 * address that is not of type 'pci'). */
EmulatedPCIDef *emulatedPCIDefParseNode(xmlNodePtr node, GError **err);

/* The same of a document that consists of the element. LEN bytes of XML in
 * UTF-8, at most EMULATED_PCI_XML_MAX. No network, no document type
 * declaration, no entity expansion. */
EmulatedPCIDef *emulatedPCIDefParseString(const char *xml, gsize len, GError **err);

/* The element's parts that a definition has too. The first reads the
 * attributes of a <config>; none is required. The second takes NAME, which
 * will be DEF's. The third complains about required fields that are not given,
 * naming ELEMENT as that where devicename is missing. */
gboolean emulatedPCIDefParseConfig(EmulatedPCIDef *def, xmlNodePtr node, GError **err);
gboolean emulatedPCIDefParseDevicename(EmulatedPCIDef *def, char *name, GError **err);
gboolean emulatedPCIDefCheckRequired(const EmulatedPCIDef *def, const char *element, GError **err);

/* Appends the element in its canonical form to BUF: all twelve fields (of a server's
 * device, those that are given), in
 * hexadecimal, zero-padded to their width. INDENT is the white space before
 * the element's first line (not written there, but before the others);
 * NEWLINE is what ends a line, or "" for all on one line without white space
 * between the elements. None is written after the end tag. DEF must be
 * valid. */
void emulatedPCIDefFormat(const EmulatedPCIDef *def,
                          const char *indent,
                          const char *newline,
                          GString *buf);

/* Appends <config …/> with all its fields; of a server's device, with those that are
 * given. */
void emulatedPCIDefFormatConfig(const EmulatedPCIDef *def, GString *buf);

/* Appends <alias name='…'/> as libvirt prints it, or nothing if there is no
 * alias. */
void emulatedPCIDefFormatAlias(const EmulatedPCIDef *def, GString *buf);

/* Appends <address type='pci' …/> as libvirt prints it, or nothing if there
 * is no address. As with libvirt, an address whose domain, bus and slot are
 * all 0 or not given asks for any address: of such a one only multifunction
 * is written (virDomainDeviceInfoFormat in libvirt's domain_conf.c). */
void emulatedPCIDefFormatAddress(const EmulatedPCIDef *def, GString *buf);

void emulatedPCIDefFree(EmulatedPCIDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDef, emulatedPCIDefFree)

/* Judges values and how they go together. What the XML could not even have
 * held (DEF need not come from Parse) is VIR_ERR_XML_ERROR, what no device
 * can be VIR_ERR_CONFIG_UNSUPPORTED: vendorid 0x0000 or 0xffff, a headertype
 * whose layout bits are not 0, or whose bit 7 disagrees with the address's
 * multifunction; and of a server's device a definition, or a field that
 * QEMU cannot override. Returns TRUE, or FALSE with ERR set. */
gboolean emulatedPCIDefValidate(const EmulatedPCIDef *def, GError **err);

/* The same of the numbers alone, whose device need not have an address. */
gboolean emulatedPCIDefValidateFields(const EmulatedPCIDef *def, GError **err);

/* Whether two definitions are alike in all twelve fields, in which of them are a server's,
 * and in the socket of that server. */
gboolean emulatedPCIDefEqualFields(const EmulatedPCIDef *a, const EmulatedPCIDef *b);
