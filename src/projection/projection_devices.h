/*
 * projection_devices.h: the emulated PCI devices in a domain's XML
 *
 * Finds each <emulatedpci> and its byte range, to edit the XML of a domain. This file
 * and projection.h are the public interface of src/projection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"
#include "projection.h"

#include <glib.h>

typedef struct {
    EmulatedPCIDef *def;    /* with defaults, not validated */
    gsize start;            /* offset of the '<' of the element */
    gsize end;              /* offset after the element */
} ProjectionDevice;

/**
 * projectionFindMisplaced:
 * @xml: a document with any root element
 * @len: its length, in bytes
 *
 * Finds an <emulatedpci> in the wrong place, for example in a <disk>, where libvirt would drop it.
 *
 * Returns a message about the first one, to be freed with g_free(), or NULL if there is none or if
 * the document is malformed.
 */
char *projectionFindMisplaced(const char *xml, gsize len);

/**
 * projectionDevices:
 * @xml: a document with exactly one domain
 * @len: its length, in bytes
 * @err: return location for an error
 *
 * Returns the domain's devices (ProjectionDevice) in order, an array that owns them, or NULL with
 * @err set to VIR_ERR_XML_ERROR, or as by emulatedPCIDefParseNode() for an invalid device.
 */
GPtrArray *projectionDevices(const char *xml, gsize len, GError **err);

/**
 * projectionCollect:
 * @xml: a document that projectionLower() takes
 * @len: its length, in bytes
 * @opts: the options for projectionLower(), or NULL
 * @definitions: the names and UUIDs of definitions (char *) are appended, each once; the array
 *               owns them
 *
 * Collects everything that projectionLower() will ask for: it appends the arguments of
 * ProjectionOptions.definition to @definitions, and calls ProjectionOptions.machine, which can
 * store its arguments. Nothing is collected from a document or a device that cannot be parsed;
 * projectionLower() reports the error.
 */
void projectionCollect(const char *xml,
                       gsize len,
                       const ProjectionOptions *opts,
                       GPtrArray *definitions);

/**
 * projectionNeedsDefinition:
 * @def: a device
 *
 * Returns TRUE if projectionResolve() asks for its definition.
 */
gboolean projectionNeedsDefinition(const EmulatedPCIDef *def);
