/*
 * definition_xml.c: calls that define, create or update a definition
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"
#include "rewrite.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <string.h>

#define _(s) gettext(s)


static xmlNodePtr
definitionChild(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node;

    for (node = parent->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0)
            return node;
    }
    return NULL;
}


/* Returns whether the attribute has this value. (libxml2's functions would expand entities, any
 * number of times.) */
static gboolean
definitionAttributeIs(const xmlAttr *attr, const char *value)
{
    const xmlNode *text = attr ? attr->children : NULL;

    return text && !text->next && text->type == XML_TEXT_NODE &&
        strcmp((const char *) text->content, value) == 0;
}


/* Returns whether XML that has not been parsed looks like a definition. */
static gboolean
definitionMeansDefinition(const char *xml, gsize len, const EmulatedPCIXMLFacts *facts)
{
    return facts->isRoot && (g_strstr_len(xml, len, "'" DEFINITION_CAPABILITY "'") ||
                             g_strstr_len(xml, len, "\"" DEFINITION_CAPABILITY "\""));
}


/* Returns whether XML is that of a definition. *NAME is set to its name, or to NULL if that is not
 * text. ERR is set for a definition that is too long or that must not be parsed. libvirt itself
 * reports a document that is not well-formed. */
static gboolean
definitionXMLIsOurs(const char *xml, gsize len, char **name, GError **err)
{
    EmulatedPCIXMLFacts facts;
    g_autoptr(GError) refused = NULL;
    xmlDocPtr doc;
    xmlNodePtr root;
    xmlNodePtr child;
    gboolean ours = FALSE;

    *name = NULL;
    if (!g_strstr_len(xml, len, DEFINITION_CAPABILITY))
        return FALSE;

    emulatedPCIXMLLook(xml, len, "device", &facts);
    if (len > DEFINITION_STRINGS_MAX) {
        emulatedPCIReportError(&refused, VIR_ERR_XML_ERROR,
                               _("the XML of the definition has more than %1$d bytes"),
                               DEFINITION_STRINGS_MAX);
    }
    if (refused || !emulatedPCIXMLAccept(xml, &facts, &refused)) {
        if (!definitionMeansDefinition(xml, len, &facts))
            return FALSE;
        g_propagate_error(err, g_steal_pointer(&refused));
        return TRUE;
    }

    doc = emulatedPCIXMLParse(xml, len, DEFINITION_STRINGS_MAX, NULL, NULL);
    if (!doc)
        return FALSE;

    root = xmlDocGetRootElement(doc);
    if (strcmp((const char *) root->name, "device") == 0 &&
        (child = definitionChild(root, "capability")))
        ours = definitionAttributeIs(xmlHasProp(child, BAD_CAST "type"), DEFINITION_CAPABILITY);
    if (ours && (child = definitionChild(root, "name")))
        *name = emulatedPCIXMLReadText(child, NULL);
    xmlFreeDoc(doc);
    return ours;
}


void
definitionClientDefine(DefinitionClient *client, const RPCHeader *header, const RPCFrame *call)
{
    const Procedure *proc = procedureLookup(header->procedure);
    gboolean create = header->procedure == PROCEDURE_NODE_DEVICE_CREATE_XML;
    gboolean update = header->procedure == PROCEDURE_NODE_DEVICE_UPDATE;
    RewriteArguments args;

    if (!rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args))
        return;
    definitionAsk(client, definitionCallNew(client, header, proc),
                  create ? DEFINITION_CREATE : DEFINITION_DEFINE, NULL, args.xml, args.xmlLen,
                  update ? definitionChanged : definitionDefined);
}


static void
definitionGotUpdated(DefinitionClient *client,
                     DefinitionCall *call,
                     const DefinitionMessage *reply)
{
    if (definitionExpect(client, &call->header, reply, DEFINITION_FOUND))
        definitionClientDefine(client, &call->header, call->frame);
}


/* Handles an update, which defines an existing device again. */
static DefinitionCallResult
definitionCallUpdate(DefinitionClient *client,
                     const RPCHeader *header,
                     const Procedure *proc,
                     const RPCFrame *frame,
                     const char *name)
{
    g_autofree char *wanted = NULL;
    DefinitionCall *call;
    RPCReader reader;
    const char *text;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &text, &len) || !definitionIsOurs(text, len))
        return DEFINITION_CALL_OTHER;

    wanted = g_strndup(text, len);
    if (g_strcmp0(name, wanted) != 0) {
        g_autofree char *message =
            g_strdup_printf(_("definition '%1$s' cannot be renamed to '%2$s'"), wanted,
                            name ? name : "");

        definitionReplyError(client, header, VIR_ERR_CONFIG_UNSUPPORTED, message);
        return DEFINITION_CALL_TAKEN;
    }

    call = definitionCallNew(client, header, proc);
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    definitionAsk(client, call, DEFINITION_GET, wanted, NULL, 0, definitionGotUpdated);
    return DEFINITION_CALL_TAKEN;
}


DefinitionCallResult
definitionCallXML(DefinitionClient *client,
                  const RPCHeader *header,
                  const Procedure *proc,
                  const RPCFrame *frame)
{
    g_autofree char *name = NULL;
    g_autoptr(GError) err = NULL;
    RewriteArguments args;

    if (!rewriteRead(proc, frame->bytes, RPC_HEADER_SIZE, &args) || !args.xml ||
        !definitionXMLIsOurs(args.xml, args.xmlLen, &name, &err))
        return DEFINITION_CALL_OTHER;

    if (definitionRefuseReadOnly(client, header))
        return DEFINITION_CALL_TAKEN;
    if (err) {
        client->port->replyError(client->port, header, VIR_FROM_DOMAIN, err);
        return DEFINITION_CALL_TAKEN;
    }

    if (header->procedure == PROCEDURE_NODE_DEVICE_UPDATE)
        return definitionCallUpdate(client, header, proc, frame, name);
    if (definitionRefuseFlags(client, header, args.flags, proc->validate))
        return DEFINITION_CALL_TAKEN;

    if (args.flags & proc->validate)
        return DEFINITION_CALL_VALIDATE;

    definitionClientDefine(client, header, frame);
    return DEFINITION_CALL_TAKEN;
}
