/*
 * projection_devices.h: which emulated PCI devices a domain's XML holds
 *
 * For those who edit a domain's XML: each <emulatedpci> with its place in the
 * text. Together with projection.h this is all that is public of
 * src/projection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

#include <glib.h>

typedef struct {
    EmulatedPCIDef *def;    /* with defaults, not validated */
    gsize start;            /* of the '<' of the element */
    gsize end;              /* behind it */
} ProjectionDevice;

/* Whether XML, of LEN bytes and of whatever root, has an <emulatedpci> where it is none and
 * libvirt would drop it, in a <disk> for one: a message about the first, newly allocated.
 * NULL if there is none, or XML cannot be read. */
char *projectionFindMisplaced(const char *xml, gsize len);

/* The devices of the one domain in XML, of LEN bytes, in their order: an array
 * of ProjectionDevice, which owns them. NULL with ERR set (VIR_ERR_XML_ERROR
 * or what emulatedPCIDefParseNode() has) if XML cannot be read, holds not
 * exactly one domain, or a device that is none. */
GPtrArray *projectionDevices(const char *xml, gsize len, GError **err);

/* projectionDefinitions:
 * @xml: a document that projectionLower() takes
 * @len: its length in bytes
 *
 * Returns the names and UUIDs for which projectionLower() asks ProjectionOptions.definition,
 * each once: an array of strings, which owns them. It is empty if the document cannot be
 * read, or a device in it: lowering reports that. */
GPtrArray *projectionDefinitions(const char *xml, gsize len);

/* projectionNeedsDefinition:
 * @def: a device
 *
 * Returns whether projectionResolve() asks for its definition. */
gboolean projectionNeedsDefinition(const EmulatedPCIDef *def);
