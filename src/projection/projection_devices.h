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

/* The devices of the one domain in XML, of LEN bytes, in their order: an array
 * of ProjectionDevice, which owns them. NULL with ERR set (VIR_ERR_XML_ERROR
 * or what emulatedPCIDefParseNode() has) if XML cannot be read, holds not
 * exactly one domain, or a device that is none. */
GPtrArray *projectionDevices(const char *xml, gsize len, GError **err);
