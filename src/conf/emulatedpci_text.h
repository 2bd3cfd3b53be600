/*
 * emulatedpci_text.h: text as it stands in XML
 *
 * Writes it, and needs no XML library for that.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Appends TEXT to BUF as it stands in an attribute or an element, escaped as
 * libvirt does. */
void emulatedPCIFormatText(const char *text, GString *buf);
