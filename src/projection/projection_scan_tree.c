/*
 * projection_scan_tree.c: builds the tree of an <emulatedpci>
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include <string.h>


static void
treeAddAttribute(Scan *scan,
                 xmlNodePtr node,
                 const xmlChar **attr)
{
    const int len = attr[ATTR_END] - attr[ATTR_VALUE];
    g_autofree char *name = NULL;
    xmlAttrPtr prop;

    if (memchr(attr[ATTR_VALUE], PROJECTION_ENTITY, len))
        scan->emulated->hasEntity = TRUE;

    if (attr[ATTR_PREFIX]) {
        name = g_strdup_printf("%s:%s", (const char *) attr[ATTR_PREFIX],
                               (const char *) attr[ATTR_NAME]);
    }
    prop = xmlNewProp(node, name ? BAD_CAST name : attr[ATTR_NAME], NULL);
    prop->children = prop->last = xmlNewTextLen(attr[ATTR_VALUE], len);
    prop->children->parent = (xmlNodePtr) prop;
}


void
scanTreeStart(Scan *scan,
              const ScanTag *tag)
{
    xmlNodePtr node = xmlNewNode(NULL, tag->name);
    int i;

    scanCount(scan, 1 + tag->nAttrs);
    if (tag->URI || tag->prefix)
        xmlSetNs(node, xmlNewNs(node, tag->URI ? tag->URI : BAD_CAST "", tag->prefix));
    for (i = 0; i < tag->nAttrs; i++)
        treeAddAttribute(scan, node, tag->attrs + i * ATTR_LAST);

    if (scan->node)
        xmlAddChild(scan->node, node);
    else
        scan->emulated->node = node;
    scan->node = node;
}
