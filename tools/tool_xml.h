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

/* What the parser or the schema has to say, the first few: "line N: MESSAGE". */
typedef struct {
    GPtrArray *messages;
} ToolXMLMessages;

/* An xmlStructuredErrorFunc for a ToolXMLMessages. */
void toolXMLCollect(void *messages, EmulatedPCIXMLErrorPtr err);

/* All of them in one. Newly allocated. */
char *toolXMLJoin(const ToolXMLMessages *messages);

/* Parses INPUT: no network, no DTD, no entities of its own. NULL with ERR
 * set (VIR_ERR_XML_ERROR). */
xmlDocPtr toolXMLParse(const ToolInput *input, GError **err);

/* Whether the root element of DOC is one that we know; ERR tells which are. */
gboolean toolXMLCheckRoot(xmlDocPtr doc, GError **err);

/* Calls FUNC for every domain in DOC: the root, or those in a snapshot or
 * checkpoint. */
typedef void (*ToolXMLFunc)(xmlNodePtr node, void *opaque);

void toolXMLForEachDomain(xmlDocPtr doc, ToolXMLFunc func, void *opaque);

/* Calls FUNC for the children of that NAME of PARENT's children of the name
 * IN (NULL: of PARENT itself). */
void toolXMLForEachChild(xmlNodePtr parent, const char *in, const char *name,
                         ToolXMLFunc func, void *opaque);

/* Whether NODE is an element NAME that is in no namespace. */
gboolean toolXMLIs(xmlNodePtr node, const char *name);
