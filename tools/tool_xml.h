/*
 * tool_xml.h: parsing documents, for subcommands that only read them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_xml.h"
#include "tool_input.h"

#include <libxml/tree.h>

typedef xmlDoc ToolXMLDoc;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolXMLDoc, xmlFreeDoc)

/* The first messages of the parser or the schema: "line N: MESSAGE" */
typedef struct {
    GPtrArray *messages;
} ToolXMLMessages;

/**
 * toolXMLCollect:
 * @messages: the ToolXMLMessages
 * @err: an error of libxml2
 *
 * An xmlStructuredErrorFunc: adds the message, if there are not too many.
 */
void toolXMLCollect(void *messages, EmulatedPCIXMLErrorPtr err);

/**
 * toolXMLJoin:
 * @messages: the messages
 *
 * Returns all messages as one string, to be freed with g_free(). Never NULL.
 */
char *toolXMLJoin(const ToolXMLMessages *messages);

/**
 * toolXMLParse:
 * @input: the document
 * @err: set to VIR_ERR_XML_ERROR on failure
 *
 * Parses a document without network access. Document type declarations and entities are not
 * supported.
 *
 * Returns the document, to be freed with xmlFreeDoc(), or NULL with @err set.
 */
xmlDocPtr toolXMLParse(const ToolInput *input, GError **err);

/**
 * toolXMLCheckRoot:
 * @doc: a document
 * @err: set to VIR_ERR_XML_ERROR if the root element is not supported; the message lists the
 *       supported ones
 *
 * Checks the root element of a document.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean toolXMLCheckRoot(xmlDocPtr doc, GError **err);

/* Calls FUNC for every domain in DOC: the root, or those in a snapshot or
 * checkpoint. */
typedef void (*ToolXMLFunc)(xmlNodePtr node, void *opaque);

/**
 * toolXMLForEachDomain:
 * @doc: a document
 * @func: called for each of these elements
 * @opaque: passed to @func
 *
 * Calls a function for every domain in a document: the root element, or those in a snapshot or
 * checkpoint.
 */
void toolXMLForEachDomain(xmlDocPtr doc, ToolXMLFunc func, void *opaque);

/**
 * toolXMLForEachChild:
 * @parent: an element
 * @in: the name of children of @parent whose children are searched; NULL: the children of @parent
 *      are searched
 * @name: the name of the elements
 * @func: called for each of these elements
 * @opaque: passed to @func
 *
 * Calls a function for every child element with this name.
 */
void toolXMLForEachChild(xmlNodePtr parent, const char *in, const char *name,
                         ToolXMLFunc func, void *opaque);

/**
 * toolXMLIs:
 * @node: a node
 * @name: the name of an element
 *
 * Returns TRUE if the node is an element with this name and without a namespace.
 */
gboolean toolXMLIs(xmlNodePtr node, const char *name);
