/*
 * projection_encoding.c: documents that are not UTF-8
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_encoding.h"

#include "emulatedpci_error.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


/* The value of encoding= in the XML declaration, newly allocated, or NULL. */
static char *
declaredEncoding(const char *text,
                 gsize len)
{
    const char *end;
    const char *p;
    const char *close;

    if (len < 6 || memcmp(text, "<?xml", 5) != 0 || !strchr(" \t\r\n", text[5]))
        return NULL;
    end = memmem(text, len, "?>", 2);
    if (!end)
        return NULL;
    p = memmem(text, end - text, "encoding", strlen("encoding"));
    if (!p)
        return NULL;

    for (p += strlen("encoding"); p < end && strchr(" \t\r\n=", *p); p++)
        ;
    if (p >= end || (*p != '"' && *p != '\''))
        return NULL;
    close = memchr(p + 1, *p, end - p - 1);
    return close ? g_strndup(p + 1, close - p - 1) : NULL;
}


static gboolean
isASCII(const char *text,
        gsize len)
{
    gsize i;

    for (i = 0; i < len; i++) {
        if ((signed char) text[i] < 0)
            return FALSE;
    }
    return TRUE;
}


/* Whether the text is the same read as UTF-8. */
static gboolean
encodingFits(const char *encoding,
             const char *text,
             gsize len)
{
    static const char *const utf8[] = { "UTF-8", "UTF8", "US-ASCII", "ASCII" };
    static const char *const supersets[] = { "ISO-8859-", "ISO_8859-", "windows-125", "latin" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(utf8); i++) {
        if (g_ascii_strcasecmp(encoding, utf8[i]) == 0)
            return TRUE;
    }
    for (i = 0; i < G_N_ELEMENTS(supersets); i++) {
        if (g_ascii_strncasecmp(encoding, supersets[i], strlen(supersets[i])) == 0)
            return isASCII(text, len);
    }
    return FALSE;
}


char *
projectionForeignEncoding(const char *text,
                          gsize len)
{
    g_autofree char *encoding = declaredEncoding(text, len);

    if (!encoding || encodingFits(encoding, text, len))
        return NULL;
    return g_steal_pointer(&encoding);
}


void
projectionReportEncoding(const char *encoding,
                         GError **err)
{
    g_autofree char *shown = g_utf8_make_valid(encoding, MIN(strlen(encoding), 40));

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("XML with emulated PCI devices must be encoded in UTF-8, not in '%1$s'"),
                           shown);
}


gboolean
projectionWideContains(const char *text,
                       gsize len,
                       const char *word)
{
    const gsize wordlen = strlen(word);
    gsize width;
    gsize start;
    gsize i;

    /* A byte order mark, or a '<' with zero bytes around it. */
    if (len < 4 || (memchr(text, '\0', 4) == NULL &&
                    memcmp(text, "\xff\xfe", 2) != 0 && memcmp(text, "\xfe\xff", 2) != 0))
        return FALSE;

    for (width = 2; width <= 4; width += 2) {
        for (start = 0; start + wordlen * width <= len + width - 1; start++) {
            for (i = 0; i < wordlen && start + i * width < len; i++) {
                if (text[start + i * width] != word[i])
                    break;
            }
            if (i == wordlen)
                return TRUE;
        }
    }
    return FALSE;
}
