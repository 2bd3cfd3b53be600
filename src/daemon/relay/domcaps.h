/*
 * domcaps.h: <emulatedpci> in libvirt's domain capabilities
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/* Puts <emulatedpci supported='…'> at the end of <devices>, in libvirt's own
 * formatting: supported, with the transports that the document's QEMU program
 * has devices for, where lowering accepts a domain of that type, architecture,
 * machine type and QEMU. A document without <devices> is PROJECTION_UNCHANGED. Never fails. */
ProjectionResult domcapsExtend(const char *xml, gsize len,
                               const ProjectionOptions *opts,
                               char **out, gsize *outlen,
                               GError **err);

/* Returns the text of the element NAME right below the root of XML, a whole document of libvirt's
 * domain capabilities: "machine", "arch" … Newly allocated, or NULL if there is none. */
char *domcapsGet(const char *xml, const char *name);
