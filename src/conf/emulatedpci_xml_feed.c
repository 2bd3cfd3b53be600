/*
 * emulatedpci_xml_feed.c: passing a document to libxml2 in pieces
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_xml_feed.h"

#include <string.h>

typedef struct {
    xmlParserCtxtPtr ctxt;
    const char *pos;
    gsize left;
} Feed;


/* xmlInputReadCallback */
static int
feedRead(void *opaque, char *buffer, int len)
{
    Feed *feed = opaque;
    gsize size;

    if (!feed->ctxt->wellFormed)
        return 0;

    size = MIN((gsize) MAX(len, 0), feed->left);
    memcpy(buffer, feed->pos, size);
    feed->pos += size;
    feed->left -= size;
    return (int) size;
}


xmlDocPtr
emulatedPCIXMLFeed(xmlParserCtxtPtr ctxt,
                   const char *xml,
                   gsize len,
                   const char *name,
                   const char *encoding,
                   int options)
{
    Feed feed = { .ctxt = ctxt, .pos = xml, .left = len };

    return xmlCtxtReadIO(ctxt, feedRead, NULL, &feed, name, encoding, options);
}
