/*
 * session_port.c: the port of a connection, through which its jobs use it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "qemu_launcher_path.h"
#include "qemu_unmovable.h"
#include "session_private.h"


void
sessionEndCall(Session *session, guint32 serial)
{
    callTableRemove(session->calls, serial);
    if (session->definitions)
        definitionClientEndCall(session->definitions, serial);
}


static void
sessionReplyError(RelayPort *port, const RPCHeader *call, int domain, const GError *err)
{
    Session *session = (Session *) port;
    int code = err->domain == EMULATED_PCI_ERROR ? err->code : VIR_ERR_INTERNAL_ERROR;
    GByteArray *reply = rpcMessageNewError(call, code, domain, err->message, 0);

    daemonInfo("session", "call %u of procedure %u: %s", call->serial, call->procedure,
               err->message);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, rpcFrameNew(reply));
}


static void
sessionReply(RelayPort *port, const RPCHeader *call, const GByteArray *payload)
{
    Session *session = (Session *) port;
    RPCHeader header = *call;
    GByteArray *reply;

    header.type = RPC_REPLY;
    header.status = RPC_OK;
    reply = rpcMessageNew(&header);
    if (payload)
        g_byte_array_append(reply, payload->data, payload->len);
    rpcMessageFinish(reply);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, rpcFrameNew(reply));
}


/* For rpcMessageMapError(): replaces the path of a launcher, which is the <emulator> only for
 * libvirtd, and explains why QEMU cannot migrate a guest. */
static char *
sessionMapErrorText(const char *text, void *opaque)
{
    const ProjectionOptions *projection = opaque;
    char *explained = qemuUnmovableExplain(text);

    if (!explained)
        explained = qemuLauncherExplainMissing(projection->launchDir, text);
    if (explained)
        return explained;
    return qemuLauncherReplacePaths(projection->launchDir, projection->qemuDir, text);
}


void
sessionMapError(Session *session, RPCFrame *reply)
{
    GByteArray *mapped = rpcMessageMapError(reply->bytes, sessionMapErrorText,
                                            &session->projection);

    if (!mapped)
        return;
    g_byte_array_unref(reply->bytes);
    reply->bytes = mapped;
}


static void
sessionForward(RelayPort *port, const RPCHeader *call, const RPCHeader *header, RPCFrame *reply)
{
    Session *session = (Session *) port;
    RPCHeader forwarded = *header;

    if (header->type == RPC_REPLY && header->status == RPC_ERROR)
        sessionMapError(session, reply);
    forwarded.length = reply->bytes->len;
    forwarded.procedure = call->procedure;
    forwarded.serial = call->serial;
    rpcHeaderEncode(reply->bytes->data, &forwarded);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, reply);
}


/* Returns a serial that no active call has: clients count up, and this one is half the range
 * away. */
static guint32
sessionNextSerial(Session *session)
{
    do {
        session->ownSerial++;
        if (session->ownSerial - session->lastSerial - 0x40000000u >= 0x80000000u)
            session->ownSerial = session->lastSerial + 0x80000000u;
    } while (session->ownSerial == 0 || callTableHas(session->calls, session->ownSerial));

    return session->ownSerial;
}


static void
sessionCall(RelayPort *port,
            guint32 procedure,
            const GByteArray *payload,
            RelayReplyFunc func,
            void *opaque,
            GDestroyNotify freeOpaque)
{
    Session *session = (Session *) port;
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = procedure,
        .type = RPC_CALL,
        .serial = sessionNextSerial(session),
    };
    GByteArray *frame = rpcMessageNew(&header);
    CallEntry *entry = callTableAdd(session->calls, &header);

    entry->func = func;
    entry->opaque = opaque;
    entry->freeOpaque = freeOpaque;
    if (payload)
        g_byte_array_append(frame, payload->data, payload->len);
    rpcMessageFinish(frame);
    rpcChannelInject(session->toServer, rpcFrameNew(frame));
}


static void
sessionSendEvent(RelayPort *port, GByteArray *event)
{
    Session *session = (Session *) port;

    if (rpcChannelInjected(session->toClient) > SESSION_EVENTS_MAX) {
        daemonWarning("session", "the client does not read: an event is lost");
        g_byte_array_unref(event);
        return;
    }
    rpcChannelInject(session->toClient, rpcFrameNew(event));
}


const RelayPort sessionPort = {
    .call = sessionCall,
    .reply = sessionReply,
    .replyError = sessionReplyError,
    .forward = sessionForward,
    .sendEvent = sessionSendEvent,
};
