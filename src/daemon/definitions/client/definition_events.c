/*
 * definition_events.c: events of definitions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "rpc_message.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)

/* The maximum number of event registrations of a connection */
#define DEFINITION_CALLBACKS_MAX 1024

/* The first callback identifier of registrations that libvirtd does not have, because it does not
 * support node devices */
#define DEFINITION_CALLBACK_OWN 0x40000000


static void
definitionCallbackClear(void *callback)
{
    g_free(((DefinitionCallback *) callback)->name);
}


static void
definitionAddCallback(DefinitionClient *client, const DefinitionCall *call, gint32 callbackID)
{
    DefinitionCallback callback = {
        .callbackID = callbackID,
        .event = call->value,
        .name = g_strdup(call->name),
    };

    if (!client->callbacks) {
        client->callbacks = g_array_new(FALSE, FALSE, sizeof(DefinitionCallback));
        g_array_set_clear_func(client->callbacks, definitionCallbackClear);
    }
    g_array_append_val(client->callbacks, callback);
}


static void
definitionGotCallback(const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(DefinitionCall) call = opaque;
    DefinitionClient *client = call->client;
    RPCReader reader;
    gint32 id;

    client->upstream--;
    if (header->status != RPC_OK && definitionHasNoDriver(reply)) {
        id = DEFINITION_CALLBACK_OWN + client->ownCallbacks++;
        definitionAddCallback(client, call, id);
        definitionReplyInt(client, &call->header, id);
        return;
    }

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (header->status == RPC_OK && rpcReadI32(&reader, &id))
        definitionAddCallback(client, call, id);
    client->port->forward(client->port, &call->header, header, g_steal_pointer(&reply));
}


/* The service will send events. Now registers with libvirtd for its events, too. */
static void
definitionSubscribed(DefinitionClient *client,
                     DefinitionCall *call,
                     const DefinitionMessage *reply)
{
    DefinitionCall *next;
    g_autoptr(GByteArray) payload = NULL;

    if (!definitionExpect(client, &call->header, reply, DEFINITION_DONE))
        return;

    next = definitionCallNew(client, &call->header, call->proc);
    next->name = g_steal_pointer(&call->name);
    next->value = call->flags;
    payload = g_byte_array_new();
    g_byte_array_append(payload, call->frame->bytes->data + RPC_HEADER_SIZE,
                        call->frame->bytes->len - RPC_HEADER_SIZE);
    client->upstream++;
    client->port->call(client->port, call->header.procedure, payload, definitionGotCallback, next,
                       (GDestroyNotify) definitionCallFree);
}


DefinitionCallResult
definitionCallRegister(DefinitionClient *client,
                       const RPCHeader *header,
                       const Procedure *proc,
                       const RPCFrame *frame)
{
    g_autoptr(DefinitionCall) call = definitionCallNew(client, header, proc);
    RPCReader reader;
    const char *name;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadU32(&reader, &call->flags) || call->flags > VIR_NODE_DEVICE_EVENT_ID_UPDATE ||
        !rpcReadOptString(&reader, RPC_STRING_MAX, &name, &len))
        return DEFINITION_CALL_OTHER;
    if (client->callbacks && client->callbacks->len >= DEFINITION_CALLBACKS_MAX) {
        definitionReplyError(client, header, VIR_ERR_OPERATION_FAILED,
                             _("too many registrations for events of node devices"));
        return DEFINITION_CALL_TAKEN;
    }

    call->name = name ? g_strndup(name, len) : NULL;
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    call->value = 1;
    definitionAsk(client, g_steal_pointer(&call), DEFINITION_SUBSCRIBE, NULL, NULL, 0,
                  definitionSubscribed);
    return DEFINITION_CALL_TAKEN;
}


DefinitionCallResult
definitionCallDeregister(DefinitionClient *client,
                         const RPCHeader *header,
                         const RPCFrame *frame)
{
    GArray *callbacks = client->callbacks;
    RPCReader reader;
    gint32 id;
    guint i;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!callbacks || !rpcReadI32(&reader, &id))
        return DEFINITION_CALL_OTHER;

    for (i = 0; i < callbacks->len; i++) {
        if (g_array_index(callbacks, DefinitionCallback, i).callbackID != id)
            continue;
        g_array_remove_index(callbacks, i);
        if (id < DEFINITION_CALLBACK_OWN)
            return DEFINITION_CALL_OTHER;
        client->port->reply(client->port, header, NULL);
        return DEFINITION_CALL_TAKEN;
    }
    return DEFINITION_CALL_OTHER;
}


static void
definitionTellClient(DefinitionClient *client,
                     const DefinitionCallback *callback,
                     const DefinitionMessage *event)
{
    gboolean lifecycle = event->kind == DEFINITION_LIFECYCLE;
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = lifecycle ? PROCEDURE_NODE_DEVICE_EVENT_LIFECYCLE :
            PROCEDURE_NODE_DEVICE_EVENT_UPDATE,
        .type = RPC_MESSAGE,
    };
    GByteArray *frame;

    frame = rpcMessageNew(&header);
    rpcWriteI32(frame, callback->callbackID);
    rpcWriteString(frame, event->name, event->nameLen);
    if (lifecycle) {
        rpcWriteU32(frame, event->value);
        rpcWriteI32(frame, 0);
    }
    rpcMessageFinish(frame);
    client->port->sendEvent(client->port, frame);
}


void
definitionGotEvent(DefinitionClient *client, const DefinitionMessage *event)
{
    const GArray *callbacks = client->callbacks;
    guint id = event->kind == DEFINITION_LIFECYCLE ? VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE :
        VIR_NODE_DEVICE_EVENT_ID_UPDATE;
    guint i;

    for (i = 0; callbacks && i < callbacks->len; i++) {
        const DefinitionCallback *callback = &g_array_index(callbacks, DefinitionCallback, i);

        if (callback->event == id &&
            (!callback->name || (strlen(callback->name) == event->nameLen &&
                                 memcmp(callback->name, event->name, event->nameLen) == 0)))
            definitionTellClient(client, callback, event);
    }
}
