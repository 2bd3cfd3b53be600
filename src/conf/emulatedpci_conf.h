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

#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"

#include <glib.h>
#include <libxml/tree.h>

/* The controller that reserves the address has index 32000 + ours. */
#define EMULATED_PCI_INDEX_MAX 9999

typedef struct _EmulatedPCIDef EmulatedPCIDef;
struct _EmulatedPCIDef {
    char *devicename;
    guint32 value[EMULATED_PCI_FIELD_LAST];     /* [DEVICENAME] is unused */
    gboolean given[EMULATED_PCI_FIELD_LAST];    /* written, not defaulted */

    char *alias;            /* "ua-…", or NULL */
    int index;              /* attribute index, or -1 */
    char *definition;       /* attribute definition, or NULL */

    /* <address type='pci'>, as far as it concerns us; domain to function are
     * -1 where not given. libvirt itself judges the rest. */
    gboolean hasAddress;
    int domain;
    int bus;
    int slot;
    int function;
    int multifunction;      /* 1 on, 0 off, -1 not given */
};

/* Reads an <emulatedpci> element; omitted fields get their defaults
 * (headertype: bit 7 as the address's multifunction says). Returns a new
 * definition, or NULL with ERR set to VIR_ERR_XML_ERROR. */
EmulatedPCIDef *emulatedPCIDefParseNode(xmlNodePtr node, GError **err);

/* The same of a document that consists of the element. LEN bytes of XML. No
 * network, no DTD, no entity expansion. */
EmulatedPCIDef *emulatedPCIDefParseString(const char *xml, gsize len, GError **err);

/* Appends the element in its canonical form to BUF: all twelve fields, in
 * hexadecimal, zero-padded to their width. INDENT is the white space before
 * the element's first line (not written there, but before the others);
 * NEWLINE is what ends a line, or "" for all on one line without white space
 * between the elements. */
void emulatedPCIDefFormat(const EmulatedPCIDef *def,
                          const char *indent,
                          const char *newline,
                          GString *buf);

void emulatedPCIDefFree(EmulatedPCIDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDef, emulatedPCIDefFree)

/* Judges values and how they go together. Returns TRUE, or FALSE with ERR
 * set. */
gboolean emulatedPCIDefValidate(const EmulatedPCIDef *def, GError **err);
