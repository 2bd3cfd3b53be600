/*
 * emulatedpci_error.c: errors that carry libvirt's error codes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"

/* The maximum length of a user's value in a message, in characters */
#define QUOTE_MAX 64


GQuark
emulatedPCIErrorQuark(void)
{
    return g_quark_from_static_string("emulated-pci-error-quark");
}


static gboolean
isPrintable(gunichar c)
{
    const GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) &&
        type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}


char *
emulatedPCIErrorQuote(const char *str)
{
    GString *out = g_string_new(NULL);
    const char *p = str;
    int n;

    if (!g_utf8_validate(str, -1, NULL))
        return g_string_free(g_string_append(out, "?"), FALSE);

    for (n = 0; *p && n < QUOTE_MAX; n++, p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(out, isPrintable(c) ? c : '?');
    }
    if (*p)
        g_string_append(out, "...");

    return g_string_free(out, FALSE);
}
