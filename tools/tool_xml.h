/*
 * tool_xml.h: looking into a document, for subcommands that only read
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

/* An xmlStructuredErrorFunc for a ToolXMLMessages. */
void toolXMLCollect(void *messages, EmulatedPCIXMLErrorPtr err);

/* Returns all messages as one string, to be freed with g_free(). */
char *toolXMLJoin(const ToolXMLMessages *messages);

/* Parses @input without network access, document type declarations and entities. Returns NULL
 * with @err set to VIR_ERR_XML_ERROR on failure. */
xmlDocPtr toolXMLParse(const ToolInput *input, GError **err);

/* Returns TRUE if the root element of @doc is supported, or FALSE with @err set; the message
 * lists the supported ones. */
gboolean toolXMLCheckRoot(xmlDocPtr doc, GError **err);

/* Calls FUNC for every domain in DOC: the root, or those in a snapshot or
 * checkpoint. */
typedef void (*ToolXMLFunc)(xmlNodePtr node, void *opaque);

void toolXMLForEachDomain(xmlDocPtr doc, ToolXMLFunc func, void *opaque);

/* Calls FUNC for the children of that NAME of PARENT's children of the name
 * IN (NULL: of PARENT itself). */
void toolXMLForEachChild(xmlNodePtr parent, const char *in, const char *name,
                         ToolXMLFunc func, void *opaque);

/* Returns whether NODE is an element NAME that is in no namespace. */
gboolean toolXMLIs(xmlNodePtr node, const char *name);
