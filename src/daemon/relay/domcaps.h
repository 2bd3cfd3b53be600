/*
 * domcaps.h: <emulatedpci> in libvirt's domain capabilities
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/**
 * domcapsExtend:
 * @xml: domain capabilities in libvirt's format, not terminated
 * @len: their length, in bytes
 * @opts: the options of the connection
 * @out: set to the extended document, to be freed with g_free()
 * @outlen: set to its length, in bytes
 * @err: not used
 *
 * A RewriteFunc: adds <emulatedpci supported='…'> at the end of <devices>, in libvirt's format.
 * The device is supported if a domain of this type, architecture, machine type and QEMU program
 * can be lowered; then the transports of the QEMU program are listed.
 *
 * Returns PROJECTION_CHANGED, or PROJECTION_UNCHANGED if the document has no <devices>.
 */
ProjectionResult domcapsExtend(const char *xml, gsize len,
                               const ProjectionOptions *opts,
                               char **out, gsize *outlen,
                               GError **err);

/**
 * domcapsGet:
 * @xml: domain capabilities in libvirt's format
 * @name: the name of an element below the root: "machine", "arch", …
 *
 * Returns the text of the element, to be freed with g_free(), or NULL if there is no such element.
 */
char *domcapsGet(const char *xml, const char *name);
