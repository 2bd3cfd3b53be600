/*
 * projection_scan_tag.c: reads tags and their positions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include <libxml/parserInternals.h>
#include <string.h>


gboolean
scanNameIs(const xmlChar *name,
           const char *expected)
{
    return strcmp((const char *) name, expected) == 0;
}


gboolean
scanTagIs(const ScanTag *tag,
          const char *name)
{
    return !tag->prefix && !tag->URI && scanNameIs(tag->name, name);
}


gboolean
scanTagIsQEMU(const ScanTag *tag,
              const char *name)
{
    return scanNameIs(tag->name, name) && tag->URI && scanNameIs(tag->URI, PROJECTION_QEMU_NAMESPACE);
}


const char *
scanAttrFind(const ScanTag *tag,
             const char *name,
             gsize *len)
{
    const xmlChar **attrs = tag->attrs;
    int i;

    for (i = 0; i < tag->nAttrs; i++, attrs += ATTR_LAST) {
        if (!attrs[ATTR_PREFIX] && scanNameIs(attrs[ATTR_NAME], name)) {
            *len = attrs[ATTR_END] - attrs[ATTR_VALUE];
            return (const char *) attrs[ATTR_VALUE];
        }
    }
    return NULL;
}


char *
scanAttrDup(const ScanTag *tag,
            const char *name)
{
    gsize len;
    const char *value = scanAttrFind(tag, name, &len);

    return value ? g_strndup(value, len) : NULL;
}


gboolean
scanAttrIs(const ScanTag *tag,
           const char *name,
           const char *expected)
{
    gsize len;
    const char *value = scanAttrFind(tag, name, &len);

    return value && len == strlen(expected) && memcmp(value, expected, len) == 0;
}


gboolean
scanStopped(const Scan *scan)
{
    return scan->offsetsLost || scan->tooMany;
}


void
scanCount(Scan *scan,
          guint objects)
{
    scan->objects += objects;
    if (scan->objects <= OBJECTS_MAX)
        return;
    scan->tooMany = TRUE;
    xmlStopParser(scan->ctxt);
}


gsize
scanOffset(Scan *scan)
{
#if LIBXML_VERSION >= 21500
    unsigned long consumed = 0;

    xmlCtxtGetInputPosition(scan->ctxt, 0, NULL, NULL, NULL, &consumed);
#else
    long consumed = xmlByteConsumed(scan->ctxt);
#endif

    return consumed + scan->shift;
}


/* Returns the offset of the '<' of the tag that ends before END. A tag contains no other '<'. */
static gsize
scanTagStart(Scan *scan,
             gsize end)
{
    const char *lt = memrchr(scan->doc->text, '<', end);

    if (!lt) {
        scan->offsetsLost = TRUE;
        return 0;
    }
    return lt - scan->doc->text;
}


void
scanElementStart(Scan *scan,
                 ProjectionElement *where)
{
    gsize offset = scanOffset(scan);

    if (offset + 1 >= scan->doc->len ||
        (scan->doc->text[offset] != '>' && scan->doc->text[offset] != '/')) {
        scan->offsetsLost = TRUE;
        return;
    }

    where->start = scanTagStart(scan, offset);
    where->tagEnd = offset + (scan->doc->text[offset] == '/' ? 2 : 1);
    where->endTag = where->tagEnd;
    where->end = where->tagEnd;
}


void
scanElementEnd(Scan *scan,
               ProjectionElement *where)
{
    gsize offset = scanOffset(scan);

    if (offset > scan->doc->len || offset < where->tagEnd || scan->doc->text[offset - 1] != '>') {
        scan->offsetsLost = TRUE;
        return;
    }

    if (offset > where->tagEnd) {
        where->end = offset;
        where->endTag = scanTagStart(scan, offset);
    }
}
