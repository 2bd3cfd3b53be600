/*
 * definition_client.c: the definitions of devices in a connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "emulatedpci_error.h"
#include "rpc_message.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The maximum number of requests of a connection without a reply. The service can store the
 * replies to all of them, with space for events; with more requests, it would assume that the
 * connection does not read. */
#define DEFINITION_REQUESTS_MAX 16

/* The longest time that the service may take to read a request, in seconds. The service
 * does not block, so this limit is not reached. */
#define DEFINITION_SEND_TIMEOUT 10


DefinitionCall *
definitionCallNew(DefinitionClient *client, const RPCHeader *header, const Procedure *proc)
{
    DefinitionCall *call = g_new0(DefinitionCall, 1);

    call->client = client;
    call->header = *header;
    call->proc = proc;
    return call;
}


void
definitionCallFree(DefinitionCall *call)
{
    rpcFrameFree(call->frame);
    g_free(call->name);
    if (call->list)
        g_byte_array_unref(call->list);
    g_free(call);
}


/* --- the job --- */

static int
definitionClientDescriptor(const RelayJob *base)
{
    const DefinitionClient *client = (const DefinitionClient *) base;

    return client->gone ? -1 : client->fd;
}


static gboolean
definitionClientStep(RelayJob *base, guint events)
{
    if (events & RELAY_JOB_READABLE)
        definitionClientRead((DefinitionClient *) base);
    return TRUE;
}


static void
definitionClientFree(RelayJob *base)
{
    DefinitionClient *client = (DefinitionClient *) base;

    close(client->fd);
    g_hash_table_unref(client->calls);
    g_clear_pointer(&client->callbacks, g_array_unref);
    g_clear_pointer(&client->definitions, g_hash_table_unref);
    g_clear_pointer(&client->cache, g_hash_table_unref);
    g_clear_pointer(&client->errors, g_hash_table_unref);
    g_clear_pointer(&client->wanted, g_ptr_array_unref);
    g_clear_pointer(&client->uses, g_hash_table_unref);
    g_free(client);
}


static const RelayJobOps definitionClientOps = {
    .descriptor = definitionClientDescriptor,
    .step = definitionClientStep,
    .free = definitionClientFree,
};


DefinitionClient *
definitionClientNew(RelayPort *port, int fd)
{
    DefinitionClient *client = g_new0(DefinitionClient, 1);
    const struct timeval timeout = { .tv_sec = DEFINITION_SEND_TIMEOUT };

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    client->base.ops = &definitionClientOps;
    client->port = port;
    client->fd = fd;
    client->linkTimeout = DEFINITION_LINK_TIMEOUT;
    client->calls = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) definitionCallFree);
    return client;
}


RelayJob *
definitionClientJob(DefinitionClient *client)
{
    return &client->base;
}


gboolean
definitionClientIsFull(const DefinitionClient *client)
{
    return g_hash_table_size(client->calls) + client->upstream >= DEFINITION_REQUESTS_MAX;
}


/* --- requests to the service, and its replies --- */

void
definitionClientDisconnect(DefinitionClient *client)
{
    g_autofree char *text = g_strdup(_("the definitions service has exited"));
    DefinitionMessage reply = {
        .kind = DEFINITION_ERROR,
        .value = VIR_ERR_INTERNAL_ERROR,
        .text = text,
        .textLen = strlen(text),
    };

    client->gone = TRUE;
    shutdown(client->fd, SHUT_RDWR);

    while (g_hash_table_size(client->calls) > 0) {
        g_autoptr(DefinitionCall) call = NULL;
        GHashTableIter iter;
        void *serial;
        void *value;

        g_hash_table_iter_init(&iter, client->calls);
        g_hash_table_iter_next(&iter, &serial, &value);
        g_hash_table_iter_steal(&iter);
        call = value;
        call->func(client, call, &reply);
    }
}


gboolean
definitionSend(DefinitionClient *client, const DefinitionMessage *message)
{
    g_autoptr(GByteArray) packet = definitionMessageEncode(message);
    ssize_t sent;

    g_return_val_if_fail(packet, FALSE);
    if (client->gone)
        return FALSE;

    /* This can wait until the service reads; see DEFINITION_SEND_TIMEOUT. */
    do {
        sent = send(client->fd, packet->data, packet->len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}


guint32
definitionAsk(DefinitionClient *client,
              DefinitionCall *call,
              DefinitionKind kind,
              const char *name,
              const char *text,
              gsize textLen,
              DefinitionReplyFunc func)
{
    const guint32 serial = ++client->serial;
    DefinitionMessage message = {
        .kind = kind,
        .serial = serial,
        .value = call->value,
        .name = name,
        .nameLen = name ? strlen(name) : 0,
        .text = text,
        .textLen = textLen,
    };

    call->func = func;
    g_hash_table_insert(client->calls, GUINT_TO_POINTER(serial), call);
    if (!definitionSend(client, &message))
        definitionClientDisconnect(client);
    return serial;
}


void
definitionClientRead(DefinitionClient *client)
{
    g_autofree guint8 *buffer = g_malloc(DEFINITION_MESSAGE_MAX + 1);
    g_autoptr(DefinitionCall) call = NULL;
    DefinitionMessage message;
    void *value = NULL;
    ssize_t got;

    do {
        got = recv(client->fd, buffer, DEFINITION_MESSAGE_MAX + 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !definitionMessageDecode(buffer, got, &message)) {
        definitionClientDisconnect(client);
        return;
    }

    if (message.kind == DEFINITION_RELOADED) {
        definitionInvalidate(client);
        return;
    }
    if (message.kind == DEFINITION_LIFECYCLE || message.kind == DEFINITION_UPDATED) {
        definitionGotEvent(client, &message);
        return;
    }

    /* There is no call any more for a reply to a request that has timed out. */
    if (g_hash_table_steal_extended(client->calls, GUINT_TO_POINTER(message.serial), NULL,
                                    &value)) {
        call = value;
        call->func(client, call, &message);
    }
}


/* --- replies to the client --- */

void
definitionReplyError(DefinitionClient *client,
                     const RPCHeader *header,
                     int code,
                     const char *message)
{
    g_autoptr(GError) err = NULL;

    emulatedPCIReportError(&err, code, "%s", message);
    client->port->replyError(client->port, header, VIR_FROM_NODEDEV, err);
}


void
definitionReplyString(DefinitionClient *client,
                      const RPCHeader *header,
                      const char *str,
                      guint len)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteString(payload, str, len);
    client->port->reply(client->port, header, payload);
}


void
definitionReplyInt(DefinitionClient *client, const RPCHeader *header, gint32 value)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteI32(payload, value);
    client->port->reply(client->port, header, payload);
}


gboolean
definitionExpect(DefinitionClient *client,
                 const RPCHeader *header,
                 const DefinitionMessage *reply,
                 DefinitionKind kind)
{
    g_autofree char *text = NULL;

    if (reply->kind == kind)
        return TRUE;

    text = reply->kind == DEFINITION_ERROR ? g_strndup(reply->text, reply->textLen) :
        g_strdup(_("unexpected reply from the definitions service"));
    definitionReplyError(client, header,
                         reply->kind == DEFINITION_ERROR ? (int) reply->value :
                         VIR_ERR_INTERNAL_ERROR, text);
    return FALSE;
}


void
definitionChanged(DefinitionClient *client, DefinitionCall *call, const DefinitionMessage *reply)
{
    if (definitionExpect(client, &call->header, reply, DEFINITION_DONE))
        client->port->reply(client->port, &call->header, NULL);
}


void
definitionDefined(DefinitionClient *client, DefinitionCall *call, const DefinitionMessage *reply)
{
    if (definitionExpect(client, &call->header, reply, DEFINITION_DONE))
        definitionReplyString(client, &call->header, reply->name, reply->nameLen);
}


gboolean
definitionRefuseReadOnly(DefinitionClient *client, const RPCHeader *header)
{
    if (!client->readonly)
        return FALSE;
    definitionReplyError(client, header, VIR_ERR_OPERATION_DENIED,
                         _("read only access prevents changes of definitions"));
    return TRUE;
}


gboolean
definitionRefuseFlags(DefinitionClient *client,
                      const RPCHeader *header,
                      guint32 flags,
                      guint32 supported)
{
    g_autofree char *message = NULL;

    if ((flags & ~supported) == 0)
        return FALSE;
    message = g_strdup_printf(_("unsupported flags (0x%1$x) for a definition"), flags & ~supported);
    definitionReplyError(client, header, VIR_ERR_INVALID_ARG, message);
    return TRUE;
}


gboolean
definitionIsOurs(const char *name, guint len)
{
    return len > strlen(DEFINITION_PREFIX) &&
        memcmp(name, DEFINITION_PREFIX, strlen(DEFINITION_PREFIX)) == 0;
}


gboolean
definitionHasNoDriver(const RPCFrame *reply)
{
    RPCErrorReply error;

    if (!rpcMessageReadErrorReply(reply->bytes, &error))
        return FALSE;
    return error.code == VIR_ERR_NO_SUPPORT || error.code == VIR_ERR_NO_CONNECT ||
        (error.code == VIR_ERR_SYSTEM_ERROR && error.errnum == ENOENT);
}


DefinitionCallResult
definitionClientCall(DefinitionClient *client,
                     const RPCHeader *header,
                     const Procedure *proc,
                     const RPCFrame *call,
                     gboolean readonly)
{
    if (header->type != RPC_CALL)
        return DEFINITION_CALL_OTHER;

    client->readonly = readonly;

    switch (header->procedure) {
    case PROCEDURE_NODE_NUM_OF_DEVICES:
    case PROCEDURE_NODE_LIST_DEVICES:
    case PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES:
        return definitionCallList(client, header, proc, call);
    case PROCEDURE_NODE_DEVICE_CREATE_XML:
    case PROCEDURE_NODE_DEVICE_DEFINE_XML:
    case PROCEDURE_NODE_DEVICE_UPDATE:
        return definitionCallXML(client, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY:
        return definitionCallRegister(client, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY:
        return definitionCallDeregister(client, header, call);
    default:
        return definitionCallByName(client, header, proc, call);
    }
}
