/*
 * emulatedpci_text.c: text in XML documents
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_text.h"


void
emulatedPCIFormatText(const char *text,
                      GString *buf)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    g_string_append(buf, escaped);
}
