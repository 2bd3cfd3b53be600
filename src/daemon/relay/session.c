/*
 * session.c: one client's connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "domcaps.h"
#include "lift_cache.h"
#include "qemu_props_alias.h"
#include "rewrite.h"
#include "session_private.h"

#include <string.h>


void
sessionReapJobs(Session *session)
{
    if (session->device && session->device->ended)
        session->device = NULL;
    if (session->validate && session->validate->ended)
        session->validate = NULL;
    jobListReap(session->jobs);
}


/* Handles the reply to CONNECT_OPEN. */
static void
sessionOpened(Session *session, const RPCHeader *header, const CallEntry *entry)
{
    session->opening = FALSE;
    if (header->status != RPC_OK)
        return;
    session->open = TRUE;
    session->readonly |= entry->readonly;
}


/* Returns the procedure if HEADER is that of an event with the alias of a device, otherwise
 * NULL. */
static const Procedure *
sessionFindEvent(const RPCHeader *header)
{
    const Procedure *proc = NULL;

    if (header->type == RPC_MESSAGE && header->program == RPC_PROGRAM_REMOTE)
        proc = procedureLookup(header->procedure);
    return proc && proc->action == PROCEDURE_ALIAS ? proc : NULL;
}


/* For rewriteFrame(): the alias of a device that was attached to a running domain becomes the
 * user's. */
static ProjectionResult
sessionShortenAlias(const char *alias, gsize len,
                    const ProjectionOptions *opts G_GNUC_UNUSED,
                    char **out, gsize *outlen,
                    GError **err G_GNUC_UNUSED)
{
    g_autofree char *whole = g_strndup(alias, len);

    if (!qemuPropsAliasIsMarked(whole))
        return PROJECTION_UNCHANGED;
    *out = qemuPropsAliasGetName(whole);
    *outlen = strlen(*out);
    return PROJECTION_CHANGED;
}


/* Forwards an event to the client. */
static void
sessionPassEvent(RPCChannel *channel, const RPCHeader *header, const Procedure *proc, RPCFrame *frame)
{
    g_autoptr(GByteArray) changed = NULL;

    rewriteFrame(proc, frame->bytes, sessionPayloadOffset(header), sessionShortenAlias, NULL,
                 &changed, NULL);
    if (changed) {
        g_byte_array_unref(frame->bytes);
        frame->bytes = g_steal_pointer(&changed);
    }
    rpcChannelInject(channel, frame);
}


static RPCVerdict
sessionReplyHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    const CallEntry *entry;

    if (sessionFindEvent(header))
        return RPC_VERDICT_COLLECT;
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


/* Handles a complete reply: one that is rewritten, or one to the relay's own call. */
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
    if (sessionFindEvent(header)) {
        sessionPassEvent(channel, header, sessionFindEvent(header), g_steal_pointer(&reply));
        return;
    }
    if (!found) {
        rpcChannelInject(channel, g_steal_pointer(&reply));
        return;
    }

    entry = *found;
    sessionEndCall(session, header->serial);
    if (entry.func) {
        entry.func(header, g_steal_pointer(&reply), entry.opaque);
        sessionReapJobs(session);
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
        /* The reply is forwarded unchanged, because dropping it would be worse. */
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
    g_autoptr(GError) err = NULL;

    session->loop = eventLoopNew(&err);
    if (!session->loop) {
        daemonWarning("session", "%s", err->message);
        g_free(session);
        return NULL;
    }
    session->port = sessionPort;
    session->jobs = jobListNew(session->loop);
    session->opts = opts;
    session->projection = opts->projection;
    session->readonly = opts->readonly;
    session->calls = callTableNew();
    session->machines = machineNamesNew(&session->port);
    if (opts->definitions >= 0) {
        session->definitions = definitionClientNew(&session->port, opts->definitions);
        jobListAdd(session->jobs, definitionClientJob(session->definitions));
        session->projection.definition = definitionClientDefinition;
        session->projection.definitionOpaque = session->definitions;
    }
    session->projection.launcher = definitionClientLauncher;
    session->projection.launcherOpaque = session->definitions;
    if (session->projection.machineMin.major > 0) {
        session->projection.machine = machineNamesGet;
        session->projection.machineOpaque = session->machines;
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

    jobListFree(session->jobs);
    rpcFrameFree(session->pending);
    rpcChannelFree(session->toServer);
    rpcChannelFree(session->toClient);
    callTableFree(session->calls);
    machineNamesFree(session->machines);
    eventLoopFree(session->loop);
    g_free(session);
}
