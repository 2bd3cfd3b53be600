/*
 * emulatedpci_xml.h: reading small XML documents strictly
 *
 * What the element and the definition have in common: no network, no document
 * type declaration, no entity expansion; and what is not known is refused,
 * since it would be lost.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

/* What libxml2 passes to an xmlStructuredErrorFunc: the error is constant from
 * libxml2 2.12 on. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *EmulatedPCIXMLErrorPtr;
#else
typedef xmlErrorPtr EmulatedPCIXMLErrorPtr;
#endif

/* The document in LEN bytes of XML in UTF-8; NULL, with ERR set to
 * VIR_ERR_XML_ERROR, if there are more than MAX, it is malformed, has a document
 * type declaration, or exceeds the limits of emulatedpci_xml_limits.h. NAME is
 * for libxml2. The caller frees it with xmlFreeDoc(). */
xmlDocPtr emulatedPCIXMLParse(const char *xml,
                              gsize len,
                              gsize max,
                              const char *name,
                              GError **err);

/* Reads the attributes of NODE into VALUES, which has an entry for each of the
 * NULL-terminated NAMES and one for the NULL; absent ones are left alone. The
 * values are the caller's, even where FALSE is returned. */
gboolean emulatedPCIXMLReadAttributes(xmlNodePtr node,
                                      const char *const *names,
                                      char **values,
                                      GError **err);

/* Finds the children of NODE: in FOUND, as long as the NULL-terminated NAMES
 * and all NULL, one of each at most; or in MANY, if that is not NULL, as many
 * as there are of them, in their order. Text is refused, comments are passed
 * over. */
gboolean emulatedPCIXMLReadChildren(xmlNodePtr node,
                                    const char *const *names,
                                    xmlNodePtr *found,
                                    GPtrArray *many,
                                    GError **err);

/* The text in NODE, newly allocated; NULL with ERR set if it holds anything
 * else but comments, or has attributes. */
char *emulatedPCIXMLReadText(xmlNodePtr node, GError **err);

/* What to call NODE, an element, in a message: its name and, since that may look like the
 * right one, the namespace that it is in: "domain xmlns='urn:x'". Newly allocated. */
char *emulatedPCIXMLDescribe(xmlNodePtr node);

/* The error for a missing attribute. */
void emulatedPCIXMLReportMissing(const char *attr, const char *element, GError **err);
