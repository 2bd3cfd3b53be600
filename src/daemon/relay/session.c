/*
 * session.c: one client's connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "connect_uri.h"
#include "daemon_log.h"
#include "device_job.h"
#include "device_request.h"
#include "domcaps.h"
#include "emulatedpci_error.h"
#include "lift_cache.h"
#include "machine_names.h"
#include "definition_client.h"
#include "projection_devices.h"
#include "qemu_launcher_path.h"
#include "rewrite.h"
#include "session_private.h"
#include "validate_job.h"


/* Bytes of a call that holds no XML: a URI, or the name of a node device. */
#define SESSION_SMALL_MAX 65536u


/* The client's call SERIAL gets its reply. */
static void
sessionEndCall(Session *session, guint32 serial)
{
    callTableRemove(session->calls, serial);
    definitionClientEnded(session, serial);
}


void
sessionReplyErrorFrom(Session *session, const RPCHeader *call, int domain, const GError *err)
{
    int code = err->domain == EMULATED_PCI_ERROR ? err->code : VIR_ERR_INTERNAL_ERROR;
    GByteArray *reply = rpcMessageNewError(call, code, domain, err->message, 0);

    daemonInfo("session", "call %u of procedure %u: %s", call->serial, call->procedure,
               err->message);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, rpcFrameNew(reply));
}


void
sessionReplyError(Session *session, const RPCHeader *call, const GError *err)
{
    sessionReplyErrorFrom(session, call, VIR_FROM_DOMAIN, err);
}


void
sessionReply(Session *session, const RPCHeader *call, const GByteArray *payload)
{
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


/* For rpcMessageMapError(): a domain's <emulator> is the launcher to libvirtd only. */
static char *
sessionMapErrorText(const char *text, void *opaque)
{
    const ProjectionOptions *projection = opaque;

    return qemuLauncherReplacePaths(projection->launchDir, projection->qemuDir, text);
}


/* Has an error of libvirtd's in REPLY name the QEMU that the client knows. */
static void
sessionMapError(Session *session, RPCFrame *reply)
{
    GByteArray *mapped = rpcMessageMapError(reply->bytes, sessionMapErrorText,
                                            &session->projection);

    if (!mapped)
        return;
    g_byte_array_unref(reply->bytes);
    reply->bytes = mapped;
}


void
sessionForward(Session *session, const RPCHeader *call, RPCFrame *reply)
{
    RPCHeader header;

    rpcHeaderDecode(reply->bytes->data, &header);
    if (header.type == RPC_REPLY && header.status == RPC_ERROR)
        sessionMapError(session, reply);
    rpcHeaderDecode(reply->bytes->data, &header);
    header.procedure = call->procedure;
    header.serial = call->serial;
    rpcHeaderEncode(reply->bytes->data, &header);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, reply);
}


/* A serial that no call in flight has: clients count up, and this is half the
 * range away. */
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


void
sessionCallFull(Session *session,
                guint32 procedure,
                const GByteArray *payload,
                SessionReplyFunc func,
                void *opaque,
                GDestroyNotify freeOpaque)
{
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = procedure,
        .type = RPC_CALL,
        .serial = sessionNextSerial(session),
    };
    GByteArray *frame = rpcMessageNew(&header);
    CallEntry *entry = callTableAdd(session->calls, &header);

    entry->func = (CallFunc) func;
    entry->opaque = opaque;
    entry->freeOpaque = freeOpaque;
    if (payload)
        g_byte_array_append(frame, payload->data, payload->len);
    rpcMessageFinish(frame);
    rpcChannelInject(session->toServer, rpcFrameNew(frame));
}


void
sessionCall(Session *session,
            guint32 procedure,
            const GByteArray *payload,
            SessionReplyFunc func,
            void *opaque)
{
    sessionCallFull(session, procedure, payload, func, opaque, NULL);
}


/* Where the arguments begin. */
static gsize
sessionPayloadOffset(const RPCHeader *header)
{
    if (header->type == RPC_CALL_WITH_FDS || header->type == RPC_REPLY_WITH_FDS)
        return RPC_HEADER_SIZE + 4;
    return RPC_HEADER_SIZE;
}


static gboolean
sessionIsDefinitionXML(guint32 procedure)
{
    return procedure == PROCEDURE_NODE_DEVICE_CREATE_XML ||
        procedure == PROCEDURE_NODE_DEVICE_DEFINE_XML ||
        procedure == PROCEDURE_NODE_DEVICE_UPDATE;
}


/* Whether libvirtd refuses the call whatever is in it, so that it costs nothing here: no
 * memory, no process and no lock. Before libvirtd has let the client in, that is every
 * call; on a read-only connection, every call that changes something. */
static gboolean
sessionIsRefusedAnyway(const Session *session, const RPCHeader *header, const Procedure *proc)
{
    switch (proc->action) {
    case PROCEDURE_LOWER:
    case PROCEDURE_DEVICE:
    case PROCEDURE_CHANGE:
        return !session->open || session->readonly;
    case PROCEDURE_DEFINITION:
        return !session->open || (session->readonly && sessionIsDefinitionXML(header->procedure));
    case PROCEDURE_OPEN:
        return session->open;
    default:
        return FALSE;
    }
}


/* What is too large to be what its procedure takes; libvirtd says so. */
static gboolean
sessionIsTooLarge(const RPCHeader *header, const Procedure *proc)
{
    if (proc->action == PROCEDURE_OPEN)
        return header->length > SESSION_SMALL_MAX;
    return proc->action == PROCEDURE_DEFINITION && header->length > SESSION_SMALL_MAX &&
        !sessionIsDefinitionXML(header->procedure);
}


/* Calls that must not overlap wait, and so does a client that does not read replies. */
static gboolean
sessionMustWait(const Session *session, const Procedure *proc)
{
    if (callTableSize(session->calls) >= CALL_TABLE_MAX)
        return TRUE;
    if (!proc)
        return FALSE;
    if (rpcChannelInjected(session->toClient) > SESSION_INJECTED_MAX)
        return TRUE;
    if (proc->action == PROCEDURE_LIFT || proc->action == PROCEDURE_DOMCAPS)
        return FALSE;

    /* libvirtd's reply decides what the call is. */
    if (session->opening)
        return TRUE;
    return session->device || session->validate || session->resolving ||
        (proc->action == PROCEDURE_DEFINITION && session->definitions &&
         definitionClientIsFull(session->definitions));
}


static RPCVerdict
sessionCallHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    const Procedure *proc = NULL;
    RPCVerdict verdict = RPC_VERDICT_COLLECT;
    CallEntry *entry;

    if (header->type != RPC_CALL && header->type != RPC_CALL_WITH_FDS)
        return RPC_VERDICT_PASS;

    /* Its reply could not be told from that of the other call. */
    if (callTableHas(session->calls, header->serial)) {
        daemonWarning("session", "the client sent another call with serial %u before the "
                      "reply to the first one", header->serial);
        return RPC_VERDICT_REFUSE;
    }

    if (header->program == RPC_PROGRAM_REMOTE)
        proc = procedureLookup(header->procedure);
    if (sessionMustWait(session, proc))
        return RPC_VERDICT_WAIT;

    session->lastSerial = header->serial;
    entry = callTableAdd(session->calls, header);
    if (!proc || sessionIsRefusedAnyway(session, header, proc) ||
        sessionIsTooLarge(header, proc) ||
        (proc->action == PROCEDURE_DEFINITION && !session->definitions))
        return RPC_VERDICT_PASS;

    switch (proc->action) {
    case PROCEDURE_OPEN:
        session->opening = TRUE;
        break;
    case PROCEDURE_LIFT:
    case PROCEDURE_DOMCAPS:
        verdict = RPC_VERDICT_PASS;
        break;
    default:
        return verdict;
    }
    entry->proc = proc;
    return verdict;
}


/* A call that has been validated, or needs to be no more, goes upstream. */
static void
sessionPassCall(Session *session, const RPCHeader *header, RPCFrame *call)
{
    deviceJobForwardCall(session, header, procedureLookup(header->procedure), call);
}


/* Does with a whole CALL, which now belongs to it, what the table says. The
 * definitions that it refers to are there. */
static void
sessionRewriteCall(Session *session, const RPCHeader *header, RPCFrame *frame)
{
    const Procedure *proc = procedureLookup(header->procedure);
    gsize offset = sessionPayloadOffset(header);
    g_autoptr(RPCFrame) call = frame;
    g_autoptr(GByteArray) lowered = NULL;
    g_autoptr(GError) err = NULL;
    RewriteArguments args;
    RewriteFunc func = proc->action == PROCEDURE_OPEN ? connectURI : projectionLower;
    ProjectionResult result;

    if (proc->action == PROCEDURE_DEVICE) {
        gboolean ours = deviceJobStart(session, header, proc, call);

        definitionClientForget(session);
        if (!ours)
            rpcChannelInject(session->toServer, g_steal_pointer(&call));
        return;
    }

    result = rewriteFrame(proc, call->bytes, offset, func, &session->projection, &lowered, &err);
    if (machineNamesWants(session)) {
        machineNamesFetch(session, header, g_steal_pointer(&call), sessionRewriteCall);
        return;
    }
    definitionClientForget(session);
    machineNamesForget(session);

    switch (result) {
    case PROJECTION_ERROR:
        sessionReplyError(session, header, err);
        return;
    case PROJECTION_UNCHANGED:
        sessionPassCall(session, header, g_steal_pointer(&call));
        return;
    case PROJECTION_CHANGED:
        break;
    }

    daemonDebug("session", "call %u, %s: lowered from %u to %u bytes", header->serial,
                proc->name, call->bytes->len, lowered->len);

    if (proc->validate && rewriteRead(proc, call->bytes, offset, &args) &&
        args.flags & proc->validate) {
        /* holds the XML that args points to */
        g_autoptr(GByteArray) original G_GNUC_UNUSED = g_steal_pointer(&call->bytes);

        call->bytes = g_steal_pointer(&lowered);
        validateJobStart(session, header, args.xml, args.xmlLen, g_steal_pointer(&call),
                         sessionPassCall);
        return;
    }

    g_byte_array_unref(call->bytes);
    call->bytes = g_steal_pointer(&lowered);
    sessionPassCall(session, header, g_steal_pointer(&call));
}


/* For rewriteFrame(): notes the definitions that the document refers to. */
static ProjectionResult
sessionCollectDefinitions(const char *xml, gsize len,
                          const ProjectionOptions *opts,
                          char **out G_GNUC_UNUSED, gsize *outlen G_GNUC_UNUSED,
                          GError **err G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) names = projectionDefinitions(xml, len);
    guint i;

    for (i = 0; i < names->len; i++)
        definitionClientWant(opts->definitionOpaque, g_ptr_array_index(names, i));
    return PROJECTION_UNCHANGED;
}


/* Gets the definitions that CALL, which now belongs to it, refers to, once, and then
 * goes on with it. */
static void
sessionResolveCall(Session *session, const RPCHeader *header, const Procedure *proc, RPCFrame *call)
{
    g_autoptr(GByteArray) unchanged = NULL;

    if (session->definitions && proc->action == PROCEDURE_DEVICE) {
        g_autofree char *name = deviceRequestDefinition(header, proc, call->bytes);

        if (name)
            definitionClientWant(session, name);
    } else if (session->definitions && proc->action == PROCEDURE_LOWER) {
        rewriteFrame(proc, call->bytes, sessionPayloadOffset(header), sessionCollectDefinitions,
                     &session->projection, &unchanged, NULL);
    }

    if (session->definitions && definitionClientWants(session))
        definitionClientFetch(session, header, call, sessionRewriteCall);
    else
        sessionRewriteCall(session, header, call);
}


/* A call of the table's, whole. */
static void
sessionCallFrame(RPCChannel *channel,
                 const RPCHeader *header,
                 RPCFrame *frame,
                 void *opaque)
{
    Session *session = opaque;
    const Procedure *proc = procedureLookup(header->procedure);
    RewriteArguments args;

    session->busy = TRUE;
    if (proc->action == PROCEDURE_DEFINITION) {
        if (definitionClientCall(session, header, proc, frame))
            rpcFrameFree(frame);
        else
            rpcChannelInject(channel, frame);
        return;
    }

    if (proc->action == PROCEDURE_OPEN &&
        rewriteRead(proc, frame->bytes, sessionPayloadOffset(header), &args))
        callTableFind(session->calls, header)->readonly = (args.flags & VIR_CONNECT_RO) != 0;
    sessionResolveCall(session, header, proc, frame);
}


/* libvirtd's answer to CONNECT_OPEN. */
static void
sessionOpened(Session *session, const RPCHeader *header, const CallEntry *entry)
{
    session->opening = FALSE;
    if (header->status != RPC_OK)
        return;
    session->open = TRUE;
    session->readonly |= entry->readonly;
}


static RPCVerdict
sessionReplyHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    const CallEntry *entry;

    if (header->type != RPC_REPLY && header->type != RPC_REPLY_WITH_FDS)
        return RPC_VERDICT_PASS;

    entry = callTableFind(session->calls, header);
    if (!entry)
        return RPC_VERDICT_PASS;

    if (entry->func)
        return RPC_VERDICT_COLLECT;

    if (entry->proc && entry->proc->action == PROCEDURE_OPEN)
        sessionOpened(session, header, entry);
    else if (entry->proc && header->status == RPC_OK)
        return RPC_VERDICT_COLLECT;
    else if (header->type == RPC_REPLY && header->status == RPC_ERROR &&
             header->program == RPC_PROGRAM_REMOTE)
        return RPC_VERDICT_COLLECT;
    else if (header->program == RPC_PROGRAM_REMOTE &&
             header->procedure == PROCEDURE_CONNECT_CLOSE && header->status == RPC_OK)
        session->open = FALSE;
    sessionEndCall(session, header->serial);
    return RPC_VERDICT_PASS;
}


/* A reply that is rewritten, or that is to ourselves, whole. */
static void
sessionReplyFrame(RPCChannel *channel,
                  const RPCHeader *header,
                  RPCFrame *frame,
                  void *opaque)
{
    Session *session = opaque;
    const CallEntry *found = callTableFind(session->calls, header);
    CallEntry entry;
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GByteArray) lifted = NULL;
    g_autoptr(GError) err = NULL;
    RewriteFunc func;

    session->busy = TRUE;
    if (!found) {
        rpcChannelInject(channel, g_steal_pointer(&reply));
        return;
    }

    entry = *found;
    sessionEndCall(session, header->serial);
    if (entry.func) {
        ((SessionReplyFunc) entry.func)(session, header, g_steal_pointer(&reply), entry.opaque);
        return;
    }

    if (header->status == RPC_ERROR) {
        sessionMapError(session, reply);
        rpcChannelInject(channel, g_steal_pointer(&reply));
        return;
    }

    func = entry.proc->action == PROCEDURE_DOMCAPS ? domcapsExtend : liftCached;
    if (rewriteFrame(entry.proc, reply->bytes, sessionPayloadOffset(header), func,
                     &session->projection, &lifted, &err) == PROJECTION_ERROR) {
        /* What libvirt holds is shown as it is rather than not at all. */
        daemonWarning("session", "reply to call %u, %s, is passed as it is: %s",
                      header->serial, entry.proc->name, err->message);
    }

    if (lifted) {
        g_byte_array_unref(reply->bytes);
        reply->bytes = g_steal_pointer(&lifted);
    }
    rpcChannelInject(channel, g_steal_pointer(&reply));
}


Session *
sessionNew(const SessionOptions *opts)
{
    Session *session = g_new0(Session, 1);

    session->opts = opts;
    session->projection = opts->projection;
    session->readonly = opts->readonly;
    session->calls = callTableNew();
    if (opts->definitions >= 0) {
        session->definitions = definitionClientNew(opts->definitions);
        session->projection.definition = definitionClientDefinition;
        session->projection.definitionOpaque = session;
    }
    session->projection.launcher = definitionClientLauncher;
    session->projection.launcherOpaque = session;
    if (session->projection.machineMin.major > 0) {
        session->projection.machine = machineNamesGet;
        session->projection.machineOpaque = session;
    }
    session->toServer = rpcChannelNew(opts->client, opts->upstream, RPC_CALL_WITH_FDS,
                                      sessionCallHeader, sessionCallFrame, session);
    session->toClient = rpcChannelNew(opts->upstream, opts->client, RPC_REPLY_WITH_FDS,
                                      sessionReplyHeader, sessionReplyFrame, session);
    return session;
}


void
sessionFree(Session *session)
{
    if (!session)
        return;

    deviceJobFree(session->device);
    validateJobFree(session->validate);
    definitionClientFree(session->definitions);
    machineNamesForget(session);
    rpcChannelFree(session->toServer);
    rpcChannelFree(session->toClient);
    callTableFree(session->calls);
    g_free(session);
}
