/*
 * session_calls.c: the calls of the client
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "connect_uri.h"
#include "daemon_log.h"
#include "device_job.h"
#include "device_request.h"
#include "projection_devices.h"
#include "rewrite.h"
#include "session_private.h"
#include "validate_job.h"

/* The maximum length of a call that contains no XML (a URI, or the name of a node device), in
 * bytes */
#define SESSION_SMALL_MAX 65536u


gsize
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


/* Returns TRUE if libvirtd rejects the call independent of its content. Such a call uses no memory,
 * process or lock here. These are all calls before libvirtd has accepted the client, and calls
 * that make changes on a read-only connection. */
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


/* Returns TRUE if the call is too large for its procedure. libvirtd reports the error. */
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

    /* The meaning of the call depends on libvirtd's reply. */
    if (session->opening)
        return TRUE;
    return session->device || session->pending ||
        (proc->action == PROCEDURE_DEFINITION && session->definitions &&
         definitionClientIsFull(session->definitions));
}


RPCVerdict
sessionCallHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    const Procedure *proc = NULL;
    RPCVerdict verdict = RPC_VERDICT_COLLECT;
    CallEntry *entry;

    if (header->type != RPC_CALL && header->type != RPC_CALL_WITH_FDS)
        return RPC_VERDICT_PASS;

    /* The replies to both calls could not be distinguished. */
    if (callTableHas(session->calls, header->serial)) {
        daemonWarning("session", "the client sent another call with serial %u before the "
                      "reply to the first one", header->serial);
        return RPC_VERDICT_REFUSE;
    }

    if (header->program == RPC_PROGRAM_REMOTE)
        proc = procedureLookup(header->procedure);
    /* Clients do not send events; libvirtd reports the error. */
    if (proc && proc->action == PROCEDURE_ALIAS)
        proc = NULL;
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


/* Stores CALL until sessionResume(), which calls NEXT with it. */
static void
sessionSuspend(Session *session, const RPCHeader *header, RPCFrame *call, SessionNextFunc next)
{
    session->pending = call;
    session->pendingHeader = *header;
    session->pendingNext = next;
}


/* Continues with the stored call. */
static void
sessionResume(void *opaque)
{
    Session *session = opaque;
    const RPCHeader header = session->pendingHeader;

    session->pendingNext(session, &header, g_steal_pointer(&session->pending));
}


/* Adds JOB, which has just started, to the list, and sets *ROLE to it. */
static void
sessionStartJob(Session *session, RelayJob *job, RelayJob **role)
{
    if (job->ended) {
        job->ops->free(job);
        return;
    }
    jobListAdd(session->jobs, job);
    *role = job;
}


/* Handles the result of the validation for the stored call. ERR is NULL if its document is
 * valid. */
static void
sessionValidated(const GError *err, void *opaque)
{
    Session *session = opaque;

    if (!err) {
        sessionResume(session);
        return;
    }
    session->port.replyError(&session->port, &session->pendingHeader, VIR_FROM_XML, err);
    g_clear_pointer(&session->pending, rpcFrameFree);
}


/* Stores CALL, which the session owns now, until the XML in ARGS, which can be part of it, has
 * been validated. */
static void
sessionValidate(Session *session,
                const RPCHeader *header,
                const RewriteArguments *args,
                RPCFrame *call,
                SessionNextFunc next)
{
    g_autoptr(GError) err = NULL;
    RelayJob *job = validateJobStart(session->opts->schemaDir, args->xml, args->xmlLen,
                                     sessionValidated, session, &err);

    if (!job) {
        session->port.replyError(&session->port, header, VIR_FROM_DOMAIN, err);
        rpcFrameFree(call);
        return;
    }
    sessionSuspend(session, header, call, next);
    sessionStartJob(session, job, &session->validate);
}


static DeviceJobOptions
sessionDeviceOptions(Session *session)
{
    return (DeviceJobOptions) { &session->port, &session->projection, session->opts->lock };
}


/* Sends CALL to libvirtd, with the domain's lock if it changes a persistent domain. */
static void
sessionPassCall(Session *session, const RPCHeader *header, RPCFrame *call)
{
    const DeviceJobOptions opts = sessionDeviceOptions(session);
    RelayJob *job = deviceJobStartChange(&opts, header, procedureLookup(header->procedure), call);

    if (job)
        sessionStartJob(session, job, &session->device);
    else
        rpcChannelInject(session->toServer, call);
}


/* Handles a call that attaches, detaches or updates a device. */
static void
sessionDeviceCall(Session *session, const RPCHeader *header, const Procedure *proc, RPCFrame *frame)
{
    const DeviceJobOptions opts = sessionDeviceOptions(session);
    g_autoptr(RPCFrame) call = frame;
    RelayJob *job;
    gboolean handled = deviceJobStart(&opts, header, proc, call, &job);

    if (session->definitions)
        definitionClientForget(session->definitions);
    if (job)
        sessionStartJob(session, job, &session->device);
    else if (!handled)
        rpcChannelInject(session->toServer, g_steal_pointer(&call));
}


/* Rewrites CALL as the table of procedures requires, and sends it. The definitions and machine
 * types that this requires have been fetched. Takes ownership of CALL. */
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
        sessionDeviceCall(session, header, proc, g_steal_pointer(&call));
        return;
    }

    result = rewriteFrame(proc, call->bytes, offset, func, &session->projection, &lowered, &err);
    if (session->definitions)
        definitionClientForget(session->definitions);
    machineNamesForget(session->machines);

    switch (result) {
    case PROJECTION_ERROR:
        session->port.replyError(&session->port, header, VIR_FROM_DOMAIN, err);
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
        /* contains the XML to which args points */
        g_autoptr(GByteArray) original G_GNUC_UNUSED = g_steal_pointer(&call->bytes);

        call->bytes = g_steal_pointer(&lowered);
        sessionValidate(session, header, &args, g_steal_pointer(&call), sessionPassCall);
        return;
    }

    g_byte_array_unref(call->bytes);
    call->bytes = g_steal_pointer(&lowered);
    sessionPassCall(session, header, g_steal_pointer(&call));
}


/* For rewriteFrame(): collects the definitions and machine types that lowering requires. */
static ProjectionResult
sessionCollect(const char *xml, gsize len,
               const ProjectionOptions *opts,
               char **out G_GNUC_UNUSED, gsize *outlen G_GNUC_UNUSED,
               GError **err G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    guint i;

    projectionCollect(xml, len, opts, names);
    for (i = 0; opts->definitionOpaque && i < names->len; i++)
        definitionClientWant(opts->definitionOpaque, g_ptr_array_index(names, i));
    return PROJECTION_UNCHANGED;
}


/* Handles one of the two sets of answers that a call waits for. */
static void
sessionFetched(void *opaque)
{
    Session *session = opaque;

    if (--session->fetching == 0)
        sessionResume(session);
}


/* Fetches the definitions and machine types that the rewriting of CALL requires, then rewrites
 * it. Takes ownership of CALL. */
static void
sessionResolveCall(Session *session, const RPCHeader *header, const Procedure *proc, RPCFrame *call)
{
    g_autoptr(GByteArray) unchanged = NULL;
    gboolean definitions;
    gboolean machines;

    if (session->definitions && proc->action == PROCEDURE_DEVICE) {
        g_autofree char *name = deviceRequestDefinition(header, proc, call->bytes);

        if (name)
            definitionClientWant(session->definitions, name);
    } else if (proc->action == PROCEDURE_LOWER) {
        rewriteFrame(proc, call->bytes, sessionPayloadOffset(header), sessionCollect,
                     &session->projection, &unchanged, NULL);
    }

    definitions = session->definitions && definitionClientWants(session->definitions);
    machines = machineNamesWants(session->machines);
    if (!definitions && !machines) {
        sessionRewriteCall(session, header, call);
        return;
    }

    sessionSuspend(session, header, call, sessionRewriteCall);
    session->fetching = definitions + machines;
    if (machines)
        machineNamesFetch(session->machines, sessionFetched, session);
    if (definitions)
        definitionClientFetch(session->definitions, header->serial, sessionFetched, session);
}


/* Continues with a call that defines a definition and whose XML is valid. */
static void
sessionDefine(Session *session, const RPCHeader *header, RPCFrame *call)
{
    definitionClientDefine(session->definitions, header, call);
    rpcFrameFree(call);
}


/* Handles a call about node devices. */
static void
sessionDefinitionCall(Session *session,
                      const RPCHeader *header,
                      const Procedure *proc,
                      RPCFrame *call)
{
    RewriteArguments args;

    switch (definitionClientCall(session->definitions, header, proc, call, session->readonly)) {
    case DEFINITION_CALL_OTHER:
        rpcChannelInject(session->toServer, call);
        break;
    case DEFINITION_CALL_TAKEN:
        rpcFrameFree(call);
        break;
    case DEFINITION_CALL_VALIDATE:
        if (rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args))
            sessionValidate(session, header, &args, call, sessionDefine);
        break;
    }
}


void
sessionCallFrame(RPCChannel *channel G_GNUC_UNUSED,
                 const RPCHeader *header,
                 RPCFrame *frame,
                 void *opaque)
{
    Session *session = opaque;
    const Procedure *proc = procedureLookup(header->procedure);
    RewriteArguments args;

    session->busy = TRUE;
    if (proc->action == PROCEDURE_DEFINITION) {
        sessionDefinitionCall(session, header, proc, frame);
        return;
    }

    if (proc->action == PROCEDURE_OPEN &&
        rewriteRead(proc, frame->bytes, sessionPayloadOffset(header), &args))
        callTableFind(session->calls, header)->readonly = (args.flags & VIR_CONNECT_RO) != 0;
    sessionResolveCall(session, header, proc, frame);
}
