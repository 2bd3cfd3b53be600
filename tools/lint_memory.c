/*
 * lint_memory.c: whether a domain's memory can be shared
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "lint_memory.h"
#include "tool_xml.h"

#include <string.h>

typedef struct {
    gboolean file;          /* the memory is in a file of some kind */
    gboolean shared;
} LintMemory;


static gboolean
attributeIs(xmlNodePtr node, const char *name, const char *value)
{
    xmlChar *text = xmlGetNoNsProp(node, BAD_CAST name);
    const gboolean is = text && strcmp((const char *) text, value) == 0;

    xmlFree(text);
    return is;
}


static void
readSource(xmlNodePtr node, void *opaque)
{
    LintMemory *memory = opaque;

    memory->file = memory->file || attributeIs(node, "type", "file") ||
        attributeIs(node, "type", "memfd");
}


static void
readHugepages(xmlNodePtr node G_GNUC_UNUSED, void *opaque)
{
    ((LintMemory *) opaque)->file = TRUE;
}


static void
readAccess(xmlNodePtr node, void *opaque)
{
    LintMemory *memory = opaque;

    memory->shared = memory->shared || attributeIs(node, "mode", "shared");
}


static void
readCell(xmlNodePtr node, void *opaque)
{
    LintMemory *memory = opaque;

    memory->shared = memory->shared || attributeIs(node, "memAccess", "shared");
}


static void
readCPU(xmlNodePtr node, void *opaque)
{
    toolXMLForEachChild(node, "numa", "cell", readCell, opaque);
}


gboolean
lintMemoryIsShared(xmlNodePtr domain)
{
    LintMemory memory = { FALSE, FALSE };

    toolXMLForEachChild(domain, "memoryBacking", "source", readSource, &memory);
    toolXMLForEachChild(domain, "memoryBacking", "hugepages", readHugepages, &memory);
    toolXMLForEachChild(domain, "memoryBacking", "access", readAccess, &memory);
    toolXMLForEachChild(domain, NULL, "cpu", readCPU, &memory);
    return memory.file && memory.shared;
}
