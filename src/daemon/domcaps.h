/*
 * domcaps.h: <emulatedpci> in libvirt's domain capabilities
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/* Lets all processes that are forked afterwards share what is found out about QEMU
 * programs; without it, each domcapsExtend() reads the document's. */
void domcapsInit(void);

/* Puts <emulatedpci supported='…'> at the end of <devices>, in libvirt's own
 * formatting: supported, with the transports that the document's QEMU program
 * has devices for, in a QEMU domain of an architecture and a machine type that
 * can have one. A document without
 * <devices> is PROJECTION_UNCHANGED. Never fails. */
ProjectionResult domcapsExtend(const char *xml, gsize len,
                               const ProjectionOptions *opts,
                               char **out, gsize *outlen,
                               GError **err);
