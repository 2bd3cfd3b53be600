/*
 * definition_lookup.c: calls that name one definition
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)


static void
definitionReplyCaps(DefinitionClient *client, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteU32(payload, call->value > 0 ? 1 : 0);
    if (call->value > 0)
        rpcWriteString(payload, DEFINITION_CAPABILITY, strlen(DEFINITION_CAPABILITY));
    client->port->reply(client->port, &call->header, payload);
}


static void
definitionReplyParent(DefinitionClient *client, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteOptString(payload, DEFINITION_PARENT, strlen(DEFINITION_PARENT));
    client->port->reply(client->port, &call->header, payload);
}


/* Answers a call about one definition, with the content of REPLY. */
static void
definitionGotDefinition(DefinitionClient *client,
                        DefinitionCall *call,
                        const DefinitionMessage *reply)
{
    const RPCHeader *header = &call->header;
    g_autofree char *message = NULL;

    if (!definitionExpect(client, header, reply, DEFINITION_FOUND))
        return;

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_LOOKUP_BY_NAME:
        definitionReplyString(client, header, reply->name, reply->nameLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_XML_DESC:
        definitionReplyString(client, header, reply->text, reply->textLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_PARENT:
        definitionReplyParent(client, call);
        return;
    case PROCEDURE_NODE_DEVICE_NUM_OF_CAPS:
        definitionReplyInt(client, header, 1);
        return;
    case PROCEDURE_NODE_DEVICE_LIST_CAPS:
        definitionReplyCaps(client, call);
        return;
    case PROCEDURE_NODE_DEVICE_GET_AUTOSTART:
        definitionReplyInt(client, header, (reply->value & DEFINITION_AUTOSTART) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_PERSISTENT:
        definitionReplyInt(client, header, (reply->value & DEFINITION_PERSISTENT) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_ACTIVE:
        definitionReplyInt(client, header, (reply->value & DEFINITION_ACTIVE) != 0);
        return;
    default:
        message = g_strdup_printf(_("device %1$s is not a PCI device"), call->name);
        definitionReplyError(client, header, VIR_ERR_INVALID_ARG, message);
    }
}


static void
definitionChangeByName(DefinitionClient *client,
                       DefinitionCall *call,
                       DefinitionKind kind,
                       guint32 flags)
{
    if (definitionRefuseReadOnly(client, &call->header) ||
        definitionRefuseFlags(client, &call->header, flags, 0)) {
        definitionCallFree(call);
        return;
    }
    definitionAsk(client, call, kind, call->name, NULL, 0, definitionChanged);
}


DefinitionCallResult
definitionCallByName(DefinitionClient *client,
                     const RPCHeader *header,
                     const Procedure *proc,
                     const RPCFrame *frame)
{
    RPCReader reader;
    DefinitionCall *call;
    const char *name;
    guint32 word = 0;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &name, &len) || !definitionIsOurs(name, len) ||
        (proc->layout[1] && strchr("fu", proc->layout[1]) && !rpcReadU32(&reader, &word)))
        return DEFINITION_CALL_OTHER;

    if (len > DEFINITION_STRINGS_MAX) {
        definitionReplyError(client, header, VIR_ERR_NO_NODE_DEVICE,
                             _("the name of the node device is too long"));
        return DEFINITION_CALL_TAKEN;
    }

    call = definitionCallNew(client, header, proc);
    call->name = g_strndup(name, len);

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_DESTROY:
        definitionChangeByName(client, call, DEFINITION_DESTROY, 0);
        break;
    case PROCEDURE_NODE_DEVICE_UNDEFINE:
        definitionChangeByName(client, call, DEFINITION_UNDEFINE, word);
        break;
    case PROCEDURE_NODE_DEVICE_CREATE:
        definitionChangeByName(client, call, DEFINITION_START, word);
        break;
    case PROCEDURE_NODE_DEVICE_SET_AUTOSTART:
        call->value = word;
        definitionChangeByName(client, call, DEFINITION_SET_AUTOSTART, 0);
        break;
    default:
        call->value = word;
        definitionAsk(client, call, DEFINITION_GET, call->name, NULL, 0, definitionGotDefinition);
        break;
    }
    return DEFINITION_CALL_TAKEN;
}
