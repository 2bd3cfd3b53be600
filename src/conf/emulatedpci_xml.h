/*
 * emulatedpci_xml.h: reading small XML documents strictly
 *
 * The common parser functions of the element and the definition. Network access,
 * document type declarations and entities are not supported. Unknown elements and
 * attributes are refused, because they would not be kept.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

/* The argument of an xmlStructuredErrorFunc, which is const since libxml2 2.12 */
#if LIBXML_VERSION >= 21200
typedef const xmlError *EmulatedPCIXMLErrorPtr;
#else
typedef xmlErrorPtr EmulatedPCIXMLErrorPtr;
#endif

/**
 * emulatedPCIXMLParse:
 * @xml: a document in UTF-8
 * @len: its length, in bytes
 * @max: the maximum length, in bytes
 * @name: the name of the document for libxml2
 * @err: return location for an error
 *
 * Returns the document, to be freed with xmlFreeDoc(), or NULL with @err set to
 * VIR_ERR_XML_ERROR if it is too long or malformed, has a document type declaration, or exceeds
 * the limits of emulatedpci_xml_limits.h.
 */
xmlDocPtr emulatedPCIXMLParse(const char *xml,
                              gsize len,
                              gsize max,
                              const char *name,
                              GError **err);

/**
 * emulatedPCIXMLReadAttributes:
 * @node: an element
 * @names: the allowed attributes, NULL-terminated
 * @values: set to the values of existing attributes, with one entry for each name and one for the
 *          NULL; the caller frees the values, also after an error
 * @err: return location for an error
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR for an unknown attribute.
 */
gboolean emulatedPCIXMLReadAttributes(xmlNodePtr node,
                                      const char *const *names,
                                      char **values,
                                      GError **err);

/**
 * emulatedPCIXMLReadChildren:
 * @node: an element
 * @names: the allowed child elements, NULL-terminated
 * @found: set to at most one child element for each name; all entries must be NULL before
 * @many: if not NULL, any number of child elements is appended to it in place of @found
 * @err: return location for an error
 *
 * Finds the child elements. Text is an error; comments are ignored.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR.
 */
gboolean emulatedPCIXMLReadChildren(xmlNodePtr node,
                                    const char *const *names,
                                    xmlNodePtr *found,
                                    GPtrArray *many,
                                    GError **err);

/**
 * emulatedPCIXMLReadText:
 * @node: an element
 * @err: return location for an error
 *
 * Returns the text in @node, to be freed with g_free(), or NULL with @err set to VIR_ERR_XML_ERROR
 * if it has child elements or attributes.
 */
char *emulatedPCIXMLReadText(xmlNodePtr node, GError **err);

/**
 * emulatedPCIXMLDescribe:
 * @node: an element
 *
 * Returns the name and the namespace of @node for a message, for example "domain xmlns='urn:x'",
 * to be freed with g_free().
 */
char *emulatedPCIXMLDescribe(xmlNodePtr node);

/**
 * emulatedPCIXMLReportMissing:
 * @attr: the name of the missing attribute
 * @element: the name of the element
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Reports a missing attribute.
 */
void emulatedPCIXMLReportMissing(const char *attr, const char *element, GError **err);
