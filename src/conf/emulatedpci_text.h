/*
 * emulatedpci_text.h: text in XML documents
 *
 * Escapes text without an XML library.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * emulatedPCIFormatText:
 * @text: a text
 * @buf: the text is appended to it
 *
 * Escapes a text for an attribute or an element, as libvirt does.
 */
void emulatedPCIFormatText(const char *text, GString *buf);
