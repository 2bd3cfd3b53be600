/*
 * emulatedpci_xml.c: reading small XML documents strictly
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_xml.h"

#include "emulatedpci_error.h"
#include "emulatedpci_xml_feed.h"
#include "emulatedpci_xml_limits.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


/* A SAX callback: stores libxml2's first error in the GError to which _private points. */
static void
reportMalformed(void *opaque,
                EmulatedPCIXMLErrorPtr error)
{
    xmlParserCtxtPtr ctxt = opaque;
    GError **err = ctxt->_private;
    g_autofree char *quoted = NULL;
    g_autofree char *message = NULL;

    if (error->level != XML_ERR_FATAL || *err)
        return;

    message = g_strchomp(g_strdup(error->message ? error->message : ""));
    quoted = emulatedPCIErrorQuote(message);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("malformed XML at line %1$d: %2$s"), error->line, quoted);
}


xmlDocPtr
emulatedPCIXMLParse(const char *xml,
                    gsize len,
                    gsize max,
                    const char *name,
                    GError **err)
{
    g_autoptr(GError) malformed = NULL;
    EmulatedPCIXMLFacts facts;
    xmlParserCtxtPtr ctxt;
    xmlDocPtr doc;

    if (len > max) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("device XML of %1$zu bytes is too long: at most %2$zu are allowed"),
                               len, max);
        return NULL;
    }

    emulatedPCIXMLLook(xml, len, "", &facts);
    if (!emulatedPCIXMLAccept(xml, &facts, err))
        return NULL;

    ctxt = xmlNewParserCtxt();
    if (!ctxt) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot create an XML parser"));
        return NULL;
    }
    ctxt->_private = &malformed;
    ctxt->sax->serror = reportMalformed;

    /* libxml2 looks for a byte order mark before it has been fed. */
    if (len >= 3 && memcmp(xml, "\xef\xbb\xbf", 3) == 0) {
        xml += 3;
        len -= 3;
    }

    /* libvirt's strings are UTF-8 even if their declaration has another encoding, and libxml2 would
     * print conversion errors of other encodings. */
    doc = emulatedPCIXMLFeed(ctxt, xml, len, name, "UTF-8", XML_PARSE_NONET);
    xmlFreeParserCtxt(ctxt);
    if (!doc && !malformed)
        emulatedPCIReportError(&malformed, VIR_ERR_XML_ERROR, _("malformed XML"));
    if (!doc)
        g_propagate_error(err, g_steal_pointer(&malformed));
    return doc;
}


/* Returns the index of NAME in the NULL-terminated NAMES, or -1. */
static int
findName(const char *const *names,
         const xmlChar *name)
{
    int i;

    for (i = 0; names[i]; i++) {
        if (strcmp(names[i], (const char *) name) == 0)
            return i;
    }
    return -1;
}


/* Returns the value of ATTR, newly allocated; an entity reference in it is an error. (libxml2's own
 * functions would expand it.) */
static char *
readAttribute(xmlAttrPtr attr,
              GError **err)
{
    GString *value = NULL;
    xmlNodePtr cur = attr->children;

    /* In most cases it is a single text node. */
    if (cur && !cur->next && cur->type == XML_TEXT_NODE && cur->content)
        return g_strdup((const char *) cur->content);

    value = g_string_new(NULL);
    for (; cur; cur = cur->next) {
        if (cur->type == XML_ENTITY_REF_NODE) {
            g_autofree char *quoted = emulatedPCIErrorQuote((const char *) cur->name);

            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("entity reference '&%1$s;' in attribute '%2$s' of <%3$s> "
                                     "is not supported"),
                                   quoted, (const char *) attr->name,
                                   (const char *) attr->parent->name);
            g_string_free(value, TRUE);
            return NULL;
        }
        if (cur->content)
            g_string_append(value, (const char *) cur->content);
    }
    return g_string_free(value, FALSE);
}


gboolean
emulatedPCIXMLReadAttributes(xmlNodePtr node,
                             const char *const *names,
                             char **values,
                             GError **err)
{
    xmlAttrPtr attr;

    for (attr = node->properties; attr; attr = attr->next) {
        int i = attr->ns ? -1 : findName(names, attr->name);

        if (i < 0) {
            g_autofree char *quoted = emulatedPCIErrorQuote((const char *) attr->name);

            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("unknown attribute '%1$s' in <%2$s>"),
                                   quoted, (const char *) node->name);
            return FALSE;
        }
        g_free(values[i]);
        values[i] = readAttribute(attr, err);
        if (!values[i])
            return FALSE;
    }
    return TRUE;
}


gboolean
emulatedPCIXMLReadChildren(xmlNodePtr node,
                           const char *const *names,
                           xmlNodePtr *found,
                           GPtrArray *many,
                           GError **err)
{
    xmlNodePtr cur;

    for (cur = node->children; cur; cur = cur->next) {
        g_autofree char *quoted = NULL;
        int i;

        switch ((int) cur->type) {
        case XML_ELEMENT_NODE:
            i = cur->ns ? -1 : findName(names, cur->name);
            if (i >= 0 && many) {
                g_ptr_array_add(many, cur);
                continue;
            }
            if (i >= 0 && !found[i]) {
                found[i] = cur;
                continue;
            }
            quoted = emulatedPCIXMLDescribe(cur);
            if (i >= 0) {
                emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                       _("more than one <%1$s> in <%2$s>"),
                                       quoted, (const char *) node->name);
            } else {
                emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                       _("unknown element <%1$s> in <%2$s>"),
                                       quoted, (const char *) node->name);
            }
            return FALSE;

        case XML_TEXT_NODE:
        case XML_CDATA_SECTION_NODE:
            if (xmlIsBlankNode(cur) || !cur->content ||
                cur->content[strspn((const char *) cur->content, " \t\r\n")] == '\0')
                continue;
            quoted = emulatedPCIErrorQuote((const char *) cur->content);
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("unexpected text '%1$s' in <%2$s>"),
                                   quoted, (const char *) node->name);
            return FALSE;

        case XML_COMMENT_NODE:
        case XML_PI_NODE:
            continue;

        default:
            quoted = emulatedPCIErrorQuote(cur->name ? (const char *) cur->name : "");
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("entity reference '&%1$s;' in <%2$s> is not supported"),
                                   quoted, (const char *) node->name);
            return FALSE;
        }
    }
    return TRUE;
}


char *
emulatedPCIXMLReadText(xmlNodePtr node,
                       GError **err)
{
    static const char *const noAttrs[] = { NULL };
    g_autoptr(GString) text = g_string_new(NULL);
    char *none[1] = { NULL };
    xmlNodePtr cur;

    if (!emulatedPCIXMLReadAttributes(node, noAttrs, none, err))
        return NULL;

    for (cur = node->children; cur; cur = cur->next) {
        g_autofree char *quoted = NULL;

        switch ((int) cur->type) {
        case XML_TEXT_NODE:
        case XML_CDATA_SECTION_NODE:
            g_string_append(text, cur->content ? (const char *) cur->content : "");
            continue;
        case XML_COMMENT_NODE:
        case XML_PI_NODE:
            continue;
        default:
            quoted = emulatedPCIErrorQuote(cur->name ? (const char *) cur->name : "");
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("unexpected '%1$s' in the text of <%2$s>"),
                                   quoted, (const char *) node->name);
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}


void
emulatedPCIXMLReportMissing(const char *attr,
                            const char *element,
                            GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("missing attribute '%1$s' in <%2$s>"), attr, element);
}


char *
emulatedPCIXMLDescribe(xmlNodePtr node)
{
    g_autofree char *name = emulatedPCIErrorQuote((const char *) node->name);
    g_autofree char *prefix = NULL;
    g_autofree char *uri = NULL;

    if (!node->ns)
        return g_steal_pointer(&name);

    uri = emulatedPCIErrorQuote(node->ns->href ? (const char *) node->ns->href : "");
    if (!node->ns->prefix)
        return g_strdup_printf("%s xmlns='%s'", name, uri);
    prefix = emulatedPCIErrorQuote((const char *) node->ns->prefix);
    if (*uri == '\0')
        return g_strdup_printf("%s:%s", prefix, name);      /* not declared */
    return g_strdup_printf("%s:%s xmlns:%s='%s'", prefix, name, prefix, uri);
}
