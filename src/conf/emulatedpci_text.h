/*
 * emulatedpci_text.h: text in XML documents
 *
 * Escapes text without an XML library.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Appends TEXT to BUF as it stands in an attribute or an element, escaped as
 * libvirt does. */
void emulatedPCIFormatText(const char *text, GString *buf);
