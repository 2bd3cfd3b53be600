/*
 * emulatedpci_xml_limits.h: limits of documents
 *
 * The time and memory of a parser are not proportional to the size of some documents. libxml2 2.9
 * compares every attribute of an element with every other one, and every prefixed name with every
 * namespace in scope; its table of names does not grow beyond a size; and a document type
 * declaration can declare entities and default attributes that are much longer than the document.
 * Therefore a document of a client is checked here before it is parsed.
 *
 * The check is one pass over the text in constant memory. It only knows how tags, comments and
 * similar constructs begin and end. It is exact for well-formed documents; for others it is exact
 * up to the first error, where a parser has to stop.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Attributes of one element, namespace declarations included */
#define EMULATED_PCI_XML_ATTRIBUTES_MAX 256

/* Namespace declarations that are in scope at one element */
#define EMULATED_PCI_XML_NAMESPACES_MAX 128

/* Elements that are open at a time; libxml2 2.9 takes no more either */
#define EMULATED_PCI_XML_DEPTH_MAX 256

/* Different names in the document: of elements, attributes, namespaces and
 * processing instructions. A few that hash alike are counted as one. */
#define EMULATED_PCI_XML_NAMES_MAX 4096

typedef enum {
    EMULATED_PCI_XML_LIMIT_NONE = 0,
    EMULATED_PCI_XML_LIMIT_ATTRIBUTES,
    EMULATED_PCI_XML_LIMIT_NAMESPACES,
    EMULATED_PCI_XML_LIMIT_DEPTH,
    EMULATED_PCI_XML_LIMIT_NAMES,
} EmulatedPCIXMLLimit;

typedef struct {
    gboolean hasDoctype;
    gboolean isRoot;                /* the first element has the wanted name */
    gboolean hasElement;            /* an element of the wanted name, or one that could
                                     * come out of the document type declaration */
    EmulatedPCIXMLLimit exceeded;   /* the first limit that is */
    gsize offset;                   /* of the element that exceeds it */
} EmulatedPCIXMLFacts;

/**
 * emulatedPCIXMLLook:
 * @xml: the text, in an encoding that contains ASCII
 * @len: its length in bytes
 * @element: a name without a prefix
 * @facts: gets what was found
 *
 * Looks through the whole of a document.
 */
void emulatedPCIXMLLook(const char *xml, gsize len, const char *element,
                        EmulatedPCIXMLFacts *facts);

/**
 * emulatedPCIXMLAccept:
 * @xml: the text that @facts are about
 * @facts: what emulatedPCIXMLLook() found
 * @err: return location for an error
 *
 * Returns TRUE if a parser may read the document; else FALSE with @err set to
 * VIR_ERR_XML_ERROR: it has a document type declaration, or exceeds a limit.
 */
gboolean emulatedPCIXMLAccept(const char *xml, const EmulatedPCIXMLFacts *facts, GError **err);
