/*
 * projection_encoding.c: documents that are not UTF-8
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_encoding.h"

#include "emulatedpci_error.h"
#include "emulatedpci_xml_limits.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


/* The maximum length of an XML declaration up to the name of the encoding, in bytes */
#define DECLARATION_MAX 256

/* "<?xm" in EBCDIC */
#define EBCDIC_BEGIN "\x4c\x6f\xa7\x94"

/* The code page for reading a document in EBCDIC until its declaration, whose characters are the
 * same in all code pages. */
#define EBCDIC_ENCODING "IBM037"


/* Returns the value of encoding= in the XML declaration, to be freed with g_free(), or NULL.
 * *ENDPOS is set to the position after it, at which libxml2 begins to convert. */
static char *
declaredEncoding(const char *text,
                 gsize len,
                 gsize *endPos)
{
    const char *end;
    const char *p;
    const char *close;

    if (len < 6 || memcmp(text, "<?xml", 5) != 0 || !strchr(" \t\r\n", text[5]))
        return NULL;
    /* The rest of the declaration, after the name of the encoding, has that encoding. */
    end = memmem(text, len, "?>", 2);
    if (!end)
        end = text + MIN(len, DECLARATION_MAX);
    p = memmem(text, end - text, "encoding", strlen("encoding"));
    if (!p)
        return NULL;

    for (p += strlen("encoding"); p < end && strchr(" \t\r\n=", *p); p++)
        ;
    if (p >= end || (*p != '"' && *p != '\''))
        return NULL;
    close = memchr(p + 1, *p, end - p - 1);
    if (!close)
        return NULL;
    *endPos = close + 1 - text;
    return g_strndup(p + 1, close - p - 1);
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


static gboolean
encodingIsUTF8(const char *encoding)
{
    static const char *const names[] = { "UTF-8", "UTF8", "US-ASCII", "ASCII" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_ascii_strcasecmp(encoding, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}


/* Returns whether the bytes of ASCII have their meaning in ENCODING, and no other. */
static gboolean
encodingContainsASCII(const char *encoding)
{
    static const char *const stems[] = { "ISO-8859-", "ISO_8859-", "windows-125", "latin" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(stems); i++) {
        if (g_ascii_strncasecmp(encoding, stems[i], strlen(stems[i])) == 0)
            return TRUE;
    }
    return encodingIsUTF8(encoding);
}


/* Returns whether the text is the same in UTF-8. */
static gboolean
encodingFits(const char *encoding,
             const char *text,
             gsize len)
{
    return encodingIsUTF8(encoding) || (encodingContainsASCII(encoding) && isASCII(text, len));
}


char *
projectionForeignEncoding(const char *text,
                          gsize len)
{
    gsize end;
    g_autofree char *encoding = declaredEncoding(text, len, &end);

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

    /* Returns whether the text begins with a byte order mark, or a '<' with zero bytes around
     * it. */
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


/* Returns @text converted to UTF-8 as far as possible, newly allocated, with its length in @outlen,
 * or NULL if @encoding is unknown. */
static char *
decode(const char *text,
       gsize len,
       const char *encoding,
       gsize *outlen)
{
    /* Most characters of one byte take two, or three, in UTF-8. */
    gsize left = len * 3 + 16;
    GIConv converter = g_iconv_open("UTF-8", encoding);
    char *in = (char *) text;
    char *result;
    char *out;

    if (converter == (GIConv) -1)
        return NULL;

    result = out = g_malloc(left);
    g_iconv(converter, &in, &len, &out, &left);
    g_iconv_close(converter);
    *outlen = out - result;
    return result;
}


static gboolean
decodedContains(const char *text,
                gsize len,
                const char *encoding,
                const char *element)
{
    EmulatedPCIXMLFacts facts;
    gsize decodedLen = 0;
    g_autofree char *decoded = decode(text, len, encoding, &decodedLen);

    if (!decoded)
        return FALSE;
    emulatedPCIXMLLook(decoded, decodedLen, element, &facts);
    return facts.hasElement;
}


char *
projectionForeignContains(const char *text,
                          gsize len,
                          const char *element)
{
    g_autofree char *encoding = NULL;
    g_autofree char *decoded = NULL;
    gsize decodedLen = 0;
    gsize end = 0;

    if (len >= strlen(EBCDIC_BEGIN) && memcmp(text, EBCDIC_BEGIN, strlen(EBCDIC_BEGIN)) == 0) {
        decoded = decode(text, len, EBCDIC_ENCODING, &decodedLen);
        if (decoded)
            encoding = declaredEncoding(decoded, decodedLen, &end);
        if (!encoding)
            encoding = g_strdup(EBCDIC_ENCODING);
        end = 0;
    } else {
        encoding = declaredEncoding(text, len, &end);
        if (!encoding || encodingContainsASCII(encoding))
            return NULL;
    }

    if (!decodedContains(text + end, len - end, encoding, element))
        return NULL;
    return g_steal_pointer(&encoding);
}
