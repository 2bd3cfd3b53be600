/*
 * definition_list.c: lists of node devices and definitions
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

/* libvirt's REMOTE_NODE_DEVICE_LIST_MAX */
#define DEFINITION_LIST_MAX 65536u

/* Filters of virConnectListAllNodeDevices(). The two in the middle came with libvirt 10.1.0. All
 * other flags select kinds of devices, none of which is a definition. */
#define DEFINITION_LIST_PERSISTENT (1u << 28)
#define DEFINITION_LIST_TRANSIENT (1u << 29)
#define DEFINITION_LIST_INACTIVE (1u << 30)
#define DEFINITION_LIST_ACTIVE (1u << 31)
#define DEFINITION_LIST_FILTERS (0xfu << 28)


static gboolean
definitionListMatches(const DefinitionCall *call, guint32 state)
{
    guint32 flags = call->flags;

    if (flags & (DEFINITION_LIST_ACTIVE | DEFINITION_LIST_INACTIVE) &&
        !(flags & (state & DEFINITION_ACTIVE ? DEFINITION_LIST_ACTIVE : DEFINITION_LIST_INACTIVE)))
        return FALSE;
    if (flags & (DEFINITION_LIST_PERSISTENT | DEFINITION_LIST_TRANSIENT) &&
        !(flags & (state & DEFINITION_PERSISTENT ? DEFINITION_LIST_PERSISTENT :
                   DEFINITION_LIST_TRANSIENT)))
        return FALSE;
    return TRUE;
}


static void
definitionReplyList(DefinitionClient *client, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    gboolean all = call->header.procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES;

    if (call->count > DEFINITION_LIST_MAX) {
        definitionReplyError(client, &call->header, VIR_ERR_RPC,
                             _("too many node devices for a list"));
        return;
    }

    if (call->header.procedure == PROCEDURE_NODE_NUM_OF_DEVICES) {
        rpcWriteU32(payload, call->count);
    } else {
        rpcWriteU32(payload, call->results ? call->count : 0);
        if (call->results)
            g_byte_array_append(payload, call->list->data, call->list->len);
        if (all)
            rpcWriteU32(payload, call->count);
    }
    client->port->reply(client->port, &call->header, payload);
}


static void
definitionGotNames(DefinitionClient *client, DefinitionCall *call, const DefinitionMessage *reply)
{
    g_autofree char *last = NULL;
    const char *name = NULL;
    guint32 state;
    guint offset = 0;
    guint len = 0;

    if (!definitionExpect(client, &call->header, reply, DEFINITION_NAMES))
        return;

    while (definitionNamesNext(reply->text, reply->textLen, &offset, &name, &len, &state)) {
        if (!definitionListMatches(call, state))
            continue;
        if (call->header.procedure == PROCEDURE_NODE_LIST_DEVICES && call->count >= call->value)
            continue;
        if (call->results)
            rpcWriteString(call->list, name, len);
        call->count++;
    }

    if (reply->value && name) {
        DefinitionCall *more = definitionCallNew(client, &call->header, call->proc);

        more->value = call->value;
        more->flags = call->flags;
        more->results = call->results;
        more->list = g_steal_pointer(&call->list);
        more->count = call->count;
        last = g_strndup(name, len);
        definitionAsk(client, more, DEFINITION_LIST, last, NULL, 0, definitionGotNames);
        return;
    }
    definitionReplyList(client, call);
}


/* Reads libvirtd's part of the list. Returns FALSE if it is malformed. */
static gboolean
definitionReadList(DefinitionCall *call, const RPCFrame *reply)
{
    gsize size = reply->bytes->len - RPC_HEADER_SIZE;
    const guint8 *data = reply->bytes->data + RPC_HEADER_SIZE;
    RPCReader reader;

    rpcReaderInit(&reader, data, size);
    if (!rpcReadU32(&reader, &call->count) || call->count > DEFINITION_LIST_MAX)
        return FALSE;
    if (call->header.procedure == PROCEDURE_NODE_NUM_OF_DEVICES)
        return TRUE;

    if (call->header.procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES) {
        if (size < 8)
            return FALSE;
        size -= 4;
        call->count = rpcGetU32(data + size);
    }
    if (call->results)
        g_byte_array_append(call->list, data + 4, size - 4);
    return TRUE;
}


static void
definitionGotList(const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(DefinitionCall) call = opaque;
    DefinitionClient *client = call->client;

    client->upstream--;
    if (header->status != RPC_OK ? !definitionHasNoDriver(reply) : !definitionReadList(call, reply)) {
        client->port->forward(client->port, &call->header, header, g_steal_pointer(&reply));
        return;
    }
    definitionAsk(client, g_steal_pointer(&call), DEFINITION_LIST, NULL, NULL, 0,
                  definitionGotNames);
}


DefinitionCallResult
definitionCallList(DefinitionClient *client,
                   const RPCHeader *header,
                   const Procedure *proc,
                   const RPCFrame *frame)
{
    const guint8 *data = frame->bytes->data + RPC_HEADER_SIZE;
    gsize size = frame->bytes->len - RPC_HEADER_SIZE;
    g_autoptr(DefinitionCall) call = definitionCallNew(client, header, proc);
    g_autoptr(GByteArray) payload = NULL;
    const char *cap = NULL;
    RPCReader reader;
    guint len = 0;

    rpcReaderInit(&reader, data, size);
    call->list = g_byte_array_new();
    call->results = header->procedure == PROCEDURE_NODE_LIST_DEVICES;

    if (header->procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES) {
        guint32 results;

        if (!rpcReadU32(&reader, &results) || !rpcReadU32(&reader, &call->flags) ||
            call->flags & ~DEFINITION_LIST_FILTERS)
            return DEFINITION_CALL_OTHER;
        call->results = results != 0;
    } else if (!rpcReadOptString(&reader, RPC_STRING_MAX, &cap, &len) ||
               (call->results && !rpcReadU32(&reader, &call->value))) {
        return DEFINITION_CALL_OTHER;
    }

    if (cap) {
        if (len != strlen(DEFINITION_CAPABILITY) || memcmp(cap, DEFINITION_CAPABILITY, len) != 0)
            return DEFINITION_CALL_OTHER;
        definitionAsk(client, g_steal_pointer(&call), DEFINITION_LIST, NULL, NULL, 0,
                      definitionGotNames);
        return DEFINITION_CALL_TAKEN;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, data, size);
    client->upstream++;
    client->port->call(client->port, header->procedure, payload, definitionGotList,
                       g_steal_pointer(&call), (GDestroyNotify) definitionCallFree);
    return DEFINITION_CALL_TAKEN;
}
