/*
 * tool_xml.c: parsing documents, for subcommands that only read them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_xml.h"

#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <string.h>

/* The maximum number of libxml2's messages for a document */
#define TOOL_XML_MESSAGES_MAX 5


void
toolXMLCollect(void *opaque, EmulatedPCIXMLErrorPtr err)
{
    ToolXMLMessages *collected = opaque;
    g_autofree char *message = NULL;

    if (!err || !err->message || collected->messages->len >= TOOL_XML_MESSAGES_MAX)
        return;
    message = g_strchomp(g_strdup(err->message));
    g_ptr_array_add(collected->messages,
                    err->line > 0 ? g_strdup_printf(_("line %1$d: %2$s"), err->line, message)
                                  : g_steal_pointer(&message));
}


char *
toolXMLJoin(const ToolXMLMessages *collected)
{
    GString *all = g_string_new(NULL);
    gsize i;

    for (i = 0; i < collected->messages->len; i++)
        g_string_append_printf(all, "%s%s", i > 0 ? "; " : "",
                               (char *) g_ptr_array_index(collected->messages, i));
    if (all->len == 0)
        g_string_append(all, _("unknown reason"));
    return g_string_free(all, FALSE);
}


xmlDocPtr
toolXMLParse(const ToolInput *input, GError **err)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    ToolXMLMessages collected = { messages };
    g_autoptr(ToolXMLDoc) doc = NULL;
    EmulatedPCIXMLFacts facts;

    if (input->len > G_MAXINT) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("the document is too large"));
        return NULL;
    }
    emulatedPCIXMLLook(input->data, input->len, "", &facts);
    if (!emulatedPCIXMLAccept(input->data, &facts, err))
        return NULL;

    xmlSetStructuredErrorFunc(&collected, toolXMLCollect);
    doc = xmlReadMemory(input->data, input->len, NULL, NULL, XML_PARSE_NONET);
    xmlSetStructuredErrorFunc(NULL, NULL);

    if (!doc || !xmlDocGetRootElement(doc)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("malformed XML: %1$s"),
                               messages->len ? (char *) g_ptr_array_index(messages, 0)
                                             : _("an element is missing"));
        return NULL;
    }
    if (xmlGetIntSubset(doc)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("a document type declaration is not allowed"));
        return NULL;
    }
    return g_steal_pointer(&doc);
}


gboolean
toolXMLIs(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns && strcmp((const char *) node->name, name) == 0;
}


gboolean
toolXMLCheckRoot(xmlDocPtr doc, GError **err)
{
    static const char *const known[] = {
        "domain", "domainsnapshot", "domaincheckpoint", "emulatedpci",
    };
    xmlNodePtr root = xmlDocGetRootElement(doc);
    g_autofree char *found = NULL;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(known); i++) {
        if (toolXMLIs(root, known[i]))
            return TRUE;
    }
    found = emulatedPCIXMLDescribe(root);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("unexpected root element <%1$s>: <domain>, <domainsnapshot>, "
                             "<domaincheckpoint> or <emulatedpci> without a namespace is expected"),
                           found);
    return FALSE;
}


void
toolXMLForEachDomain(xmlDocPtr doc, ToolXMLFunc func, void *opaque)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr node;

    if (toolXMLIs(root, "domain")) {
        func(root, opaque);
        return;
    }
    if (!toolXMLIs(root, "domainsnapshot") && !toolXMLIs(root, "domaincheckpoint"))
        return;
    for (node = root->children; node; node = node->next) {
        if (toolXMLIs(node, "domain") || toolXMLIs(node, "inactiveDomain"))
            func(node, opaque);
    }
}


void
toolXMLForEachChild(xmlNodePtr parent, const char *in, const char *name,
                    ToolXMLFunc func, void *opaque)
{
    xmlNodePtr node;

    for (node = parent->children; node; node = node->next) {
        if (in) {
            if (toolXMLIs(node, in))
                toolXMLForEachChild(node, NULL, name, func, opaque);
        } else if (toolXMLIs(node, name)) {
            func(node, opaque);
        }
    }
}
