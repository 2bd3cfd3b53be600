/*
 * projection_scan.c: reading a document
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan.h"
#include "projection_scan_private.h"

#include "emulatedpci_conf.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_feed.h"
#include "emulatedpci_xml_limits.h"
#include "projection_encoding.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* The root element that is added for the parser around a lowered device, which has two elements */
#define FRAGMENT_OPEN "<x>"
#define FRAGMENT_CLOSE "</x>"

/* The maximum length of text in an <emulatedpci> that is stored, in bytes. Such text is invalid;
 * the error quotes it. */
#define TREE_TEXT_MAX 1024

/* The maximum length of a line and of a message of libxml2 in an error, in bytes */
#define ERROR_LINE_MAX 160
#define ERROR_TEXT_MAX 500


/* Returns the path of the parents of the current element, such as "/domain/devices/disk". */
static char *
scanPath(const Scan *scan)
{
    GString *path = g_string_new(NULL);
    guint i;

    for (i = scan->fragment ? 2 : 1; i < scan->depth; i++) {
        const char *name = i <= PATH_DEPTH_MAX ? (const char *) scan->names[i] : "…";
        g_autofree char *shown = g_utf8_make_valid(name, MIN(strlen(name), PATH_NAME_MAX));

        g_string_append_printf(path, "/%s", shown);
        if (i > PATH_DEPTH_MAX)
            break;
    }
    return g_string_free(path, FALSE);
}


/* Records an <emulatedpci> in the wrong place. Elements in <metadata>, or in an element with a
 * namespace, are ignored. */
static void
scanMisplaced(Scan *scan,
              const ScanTag *tag,
              ScanPlace parent,
              ScanPlace place)
{
    if (scan->depth <= PATH_DEPTH_MAX)
        scan->names[scan->depth] = tag->name;
    if (scan->foreign)
        return;
    if (tag->prefix || tag->URI || (parent == PLACE_DOMAIN && scanTagIs(tag, "metadata"))) {
        scan->foreign = scan->depth;
        return;
    }
    if (place == PLACE_EMULATED || scan->emulated || scan->doc->misplaced ||
        !scanTagIs(tag, "emulatedpci"))
        return;
    scan->doc->misplaced = scanPath(scan);
    scan->doc->misplacedAt = MIN(scanOffset(scan), scan->doc->len);
}


static void
onStartElement(void *opaque,
               const xmlChar *name,
               const xmlChar *prefix,
               const xmlChar *URI,
               int nNamespaces,
               const xmlChar **namespaces,
               int nAttrs,
               int nDefaulted G_GNUC_UNUSED,
               const xmlChar **attrs)
{
    Scan *scan = opaque;
    ScanTag tag = {
        .name = name,
        .prefix = prefix,
        .URI = URI,
        .nNamespaces = nNamespaces,
        .namespaces = namespaces,
        .nAttrs = nAttrs,
        .attrs = attrs,
    };
    ScanPlace parent = PLACE_NONE;
    ScanPlace place = PLACE_NONE;

    if (scanStopped(scan))
        return;

    scan->depth++;
    if (scan->domain)
        scanPrefixes(scan, &tag);

    if (!scan->emulated && scan->depth <= PLACE_DEPTH_MAX) {
        parent = scan->places[scan->depth - 1];
        place = scanStartElement(scan, parent, &tag);
        if (nNamespaces > 0)
            scanAside(scan);
    }
    scanMisplaced(scan, &tag, parent, place);
    if (scan->emulated)
        scanTreeStart(scan, &tag);

    if (scan->depth < PLACE_DEPTH_MAX)
        scan->places[scan->depth] = place;
}


static void
onEndElement(void *opaque,
             const xmlChar *name G_GNUC_UNUSED,
             const xmlChar *prefix G_GNUC_UNUSED,
             const xmlChar *URI G_GNUC_UNUSED)
{
    Scan *scan = opaque;
    ScanPlace place = scan->depth < PLACE_DEPTH_MAX ? scan->places[scan->depth] : PLACE_NONE;
    ScanPlace parent = scan->depth <= PLACE_DEPTH_MAX ? scan->places[scan->depth - 1] : PLACE_NONE;

    if (scanStopped(scan))
        return;

    if (scan->node && place != PLACE_EMULATED)
        scan->node = scan->node->parent;
    scanEndElement(scan, place);
    if (parent == PLACE_DOMAIN)
        scanElementEnd(scan, &scan->domain->lastChild);

    if (scan->shadow == scan->depth)
        scan->shadow = 0;
    if (scan->foreign == scan->depth)
        scan->foreign = 0;
    scan->depth--;
}


/* --- text, comments and entities */

static gboolean
isBlank(const xmlChar *text,
        int len)
{
    int i;

    for (i = 0; i < len; i++) {
        if (!strchr(" \t\r\n", text[i]))
            return FALSE;
    }
    return TRUE;
}


static void
onCharacters(void *opaque,
             const xmlChar *text,
             int len)
{
    Scan *scan = opaque;

    if (scanStopped(scan))
        return;

    if (scan->emulated) {
        if (memchr(text, PROJECTION_ENTITY, len))
            scan->emulated->hasEntity = TRUE;
        if (!isBlank(text, len) && scan->treeText < TREE_TEXT_MAX) {
            xmlNodeAddContentLen(scan->node, text, len);
            scan->treeText += len;
        }
        return;
    }

    if (scan->inEmulator) {
        g_string_append_len(scan->domain->emulator, (const char *) text, len);
        return;
    }

    if (scan->fragment && scan->depth == 1 && !isBlank(text, len))
        scan->domain->hasOthers = TRUE;

    if ((scan->controller || scan->device) && !isBlank(text, len))
        scanAside(scan);
}


static void
onComment(void *opaque,
          const xmlChar *value G_GNUC_UNUSED)
{
    scanAside(opaque);
}


static void
onInstruction(void *opaque,
              const xmlChar *target G_GNUC_UNUSED,
              const xmlChar *data G_GNUC_UNUSED)
{
    scanAside(opaque);
}


/* A SAX callback: entities other than the predefined ones are not declared, and are represented by
 * PROJECTION_ENTITY. libvirt reports the error. */
static xmlEntityPtr
onEntity(void *opaque,
         const xmlChar *name G_GNUC_UNUSED)
{
    Scan *scan = opaque;

    scanCount(scan, OBJECTS_ENTITY);
    return &scan->entity;
}


/* --- errors */

/* Returns an error in libvirt's format: the line, with a caret below the position. */
static char *
scanFormatError(Scan *scan,
                int line,
                const char *message)
{
    const char *text = scan->doc->text;
    const gsize caret = MIN(scanOffset(scan), scan->doc->len);
    gsize pos = caret;
    g_autofree char *what = g_strchomp(g_utf8_make_valid(message,
                                                         MIN(strlen(message), ERROR_TEXT_MAX)));
    g_autofree char *context = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *dashes = NULL;
    gsize start;
    gsize end;

    while (pos > 0 && (pos == scan->doc->len || text[pos] == '\n' || text[pos] == '\r'))
        pos--;
    start = pos;
    while (start > 0 && pos - start < ERROR_LINE_MAX / 2 &&
           text[start - 1] != '\n' && text[start - 1] != '\r')
        start--;
    end = start;
    while (end < scan->doc->len && end - start < ERROR_LINE_MAX &&
           text[end] != '\n' && text[end] != '\r' && text[end] != '\0')
        end++;

    context = g_strndup(text + start, end - start);
    shown = g_utf8_make_valid(context, -1);
    dashes = g_strnfill(MIN(caret - start, ERROR_LINE_MAX), '-');
    return g_strdup_printf("(domain_definition):%d: %s\n%s\n%s^", line, what, shown, dashes);
}


static void
onError(void *opaque,
        EmulatedPCIXMLErrorPtr error)
{
    Scan *scan = opaque;
    int line;

    if (scan->error || error->level != XML_ERR_FATAL || !scan->ctxt->input)
        return;

    line = error->line;
    scan->error = scanFormatError(scan, line, error->message ? error->message : "");
}


/* --- the whole document */

static void
scanInitSAX(Scan *scan)
{
    xmlSAXHandlerPtr sax = scan->ctxt->sax;

    memset(sax, 0, sizeof(*sax));
    sax->initialized = XML_SAX2_MAGIC;
    sax->startElementNs = onStartElement;
    sax->endElementNs = onEndElement;
    sax->characters = onCharacters;
    sax->ignorableWhitespace = onCharacters;
    sax->comment = onComment;
    sax->processingInstruction = onInstruction;
    sax->getEntity = onEntity;
    sax->serror = onError;

    scan->entity.type = XML_ENTITY_DECL;
    scan->entity.name = BAD_CAST "entity";
    scan->entity.content = BAD_CAST "\x01";
    scan->entity.orig = scan->entity.content;
    scan->entity.length = 1;
    scan->entity.etype = XML_INTERNAL_PREDEFINED_ENTITY;
}


/* Runs the parser over LEN bytes. Returns FALSE with ERR set if they are not
 * well-formed. */
static gboolean
scanRun(Scan *scan,
        const char *text,
        gsize len,
        GError **err)
{
    gboolean wellFormed;

    if (!(scan->ctxt = xmlNewParserCtxt())) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot create an XML parser"));
        return FALSE;
    }

    scanInitSAX(scan);
    scan->ctxt->userData = scan;
    scan->places[0] = PLACE_DOCUMENT;
    scan->bindings = g_array_new(FALSE, FALSE, sizeof(ScanBinding));
    g_array_set_clear_func(scan->bindings, scanBindingClear);

    /* NOENT makes libxml2 pass the values of attributes without character references ("&", not
     * "&#38;"); there are no entities to expand. */
    xmlFreeDoc(emulatedPCIXMLFeed(scan->ctxt, text, len, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC));
    wellFormed = scan->ctxt->wellFormed;
    xmlFreeParserCtxt(scan->ctxt);
    g_array_free(scan->bindings, TRUE);

    /* Positions are not valid in a tag that is not complete. */
    if (scan->tooMany) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many elements for emulated PCI devices in the document"));
    } else if (!wellFormed) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               scan->error ? scan->error : _("malformed XML document"));
    } else if (scan->offsetsLost) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot determine the position in an XML document"));
    }
    g_free(scan->error);
    return wellFormed && !scanStopped(scan);
}


ProjectionDocument *
projectionScanAccepted(const char *text,
                       gsize len,
                       GError **err)
{
    g_autoptr(ProjectionDocument) doc = projectionDocumentNew();
    Scan scan = { .doc = doc };
    gboolean ok;
    gsize fragment;

    doc->text = text;
    doc->len = len;
    doc->begin = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    /* libxml2 interprets it as the end of the document. */
    if (memchr(text, '\0', len)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("an XML document must not contain a NUL byte"));
        return NULL;
    }

    doc->encoding = projectionForeignEncoding(text + doc->begin, len - doc->begin);

    fragment = scanFindFragment(text, doc->begin, len);
    if (fragment > 0) {
        g_autoptr(GString) wrapped = g_string_sized_new(len + 16);
        gsize start = fragment - 1;

        scan.fragment = TRUE;
        scan.shift = (gssize) start - (gssize) strlen(FRAGMENT_OPEN);
        g_string_append(wrapped, FRAGMENT_OPEN);
        g_string_append_len(wrapped, text + start, len - start);
        g_string_append(wrapped, FRAGMENT_CLOSE);
        ok = scanRun(&scan, wrapped->str, wrapped->len, err);
    } else {
        scan.shift = doc->begin;
        ok = scanRun(&scan, text + doc->begin, len - doc->begin, err);
    }

    if (!ok && doc->encoding) {
        g_clear_error(err);
        projectionReportEncoding(doc->encoding, err);
    }
    return ok ? g_steal_pointer(&doc) : NULL;
}


ProjectionDocument *
projectionScan(const char *text,
               gsize len,
               GError **err)
{
    EmulatedPCIXMLFacts facts;

    emulatedPCIXMLLook(text, len, "emulatedpci", &facts);
    return emulatedPCIXMLAccept(text, &facts, err) ? projectionScanAccepted(text, len, err) : NULL;
}


ProjectionDocument *
projectionScanDomain(const char *text,
                     gsize len,
                     GError **err)
{
    g_autoptr(ProjectionDocument) doc = projectionScan(text, len, err);

    if (doc && doc->domains->len != 1) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("the document does not contain exactly one domain"));
        return NULL;
    }
    return g_steal_pointer(&doc);
}
