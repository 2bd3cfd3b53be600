/*
 * session.c: one client's connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "connect_uri.h"
#include "daemon_log.h"
#include "device_job.h"
#include "domcaps.h"
#include "emulatedpci_error.h"
#include "lift_cache.h"
#include "machine_names.h"
#include "nodedev_session.h"
#include "rewrite.h"
#include "session_private.h"
#include "validate_job.h"

#include "gettext.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

/* How long after the last frame memory is given back, in ms. */
#define SESSION_IDLE 500

/* How long a client that has gone, or one that is to be told why it cannot be
 * served, may keep the process, in ms. */
#define SESSION_LINGER 10000


/* The client's call SERIAL gets its answer. */
static void
sessionEndCall(Session *session, guint32 serial)
{
    session->inflight--;
    nodedevSessionEnded(session, serial);
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


void
sessionForward(Session *session, const RPCHeader *call, RPCFrame *reply)
{
    RPCHeader header;

    rpcHeaderDecode(reply->bytes->data, &header);
    header.procedure = call->procedure;
    header.serial = call->serial;
    rpcHeaderEncode(reply->bytes->data, &header);
    sessionEndCall(session, call->serial);
    rpcChannelInject(session->toClient, reply);
}


/* A serial that no reply to the client's calls has: clients count up, and this
 * is half the range away. */
static guint32
sessionNextSerial(Session *session)
{
    do {
        session->ownSerial++;
        if (session->ownSerial - session->lastSerial - 0x40000000u >= 0x80000000u)
            session->ownSerial = session->lastSerial + 0x80000000u;
    } while (session->ownSerial == 0 ||
             g_hash_table_contains(session->pending, GUINT_TO_POINTER(session->ownSerial)));

    return session->ownSerial;
}


static void
sessionAddPending(Session *session,
                  guint32 serial,
                  const Procedure *proc,
                  SessionReplyFunc func,
                  void *opaque)
{
    SessionPending *pending = g_new0(SessionPending, 1);

    pending->proc = proc;
    pending->func = func;
    pending->opaque = opaque;
    g_hash_table_insert(session->pending, GUINT_TO_POINTER(serial), pending);
}


void
sessionCall(Session *session,
            guint32 procedure,
            const GByteArray *payload,
            SessionReplyFunc func,
            void *opaque)
{
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = procedure,
        .type = RPC_CALL,
        .serial = sessionNextSerial(session),
    };
    GByteArray *frame = rpcMessageNew(&header);

    if (payload)
        g_byte_array_append(frame, payload->data, payload->len);
    rpcMessageFinish(frame);
    sessionAddPending(session, header.serial, NULL, func, opaque);
    session->inflight++;
    rpcChannelInject(session->toServer, rpcFrameNew(frame));
}


/* Where the arguments begin. */
static gsize
sessionPayloadOffset(const RPCHeader *header)
{
    if (header->type == RPC_CALL_WITH_FDS || header->type == RPC_REPLY_WITH_FDS)
        return RPC_HEADER_SIZE + 4;
    return RPC_HEADER_SIZE;
}


static RPCVerdict
sessionCallHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    const Procedure *proc;
    gboolean lifts;

    if (header->type != RPC_CALL && header->type != RPC_CALL_WITH_FDS)
        return RPC_VERDICT_PASS;

    if (header->program != RPC_PROGRAM_REMOTE ||
        !(proc = procedureLookup(header->procedure))) {
        session->lastSerial = header->serial;
        session->inflight++;
        return RPC_VERDICT_PASS;
    }

    /* Before upstream has judged the client, nothing is ours to answer. */
    if (proc->action == PROCEDURE_NODEDEV && (!session->nodedev || !session->open)) {
        session->lastSerial = header->serial;
        session->inflight++;
        return RPC_VERDICT_PASS;
    }

    lifts = proc->action == PROCEDURE_LIFT || proc->action == PROCEDURE_DOMCAPS;

    /* What must not overlap, and a client that asks without reading answers. */
    if ((!lifts && (session->device || session->validate || session->resolving)) ||
        (proc->action == PROCEDURE_NODEDEV && nodedevSessionIsFull(session->nodedev)) ||
        g_hash_table_size(session->pending) >= SESSION_PENDING_MAX ||
        rpcChannelInjected(session->toClient) > SESSION_INJECTED_MAX)
        return RPC_VERDICT_WAIT;

    session->lastSerial = header->serial;
    session->inflight++;

    if (lifts) {
        sessionAddPending(session, header->serial, proc, NULL, NULL);
        return RPC_VERDICT_PASS;
    }
    return RPC_VERDICT_COLLECT;
}


/* A call that has been validated, or needs to be no more, goes upstream. */
static void
sessionPassCall(Session *session, const RPCHeader *header, RPCFrame *call)
{
    deviceJobForwardCall(session, header, procedureLookup(header->procedure), call);
}


/* Does with a whole CALL, which now belongs to it, what the table says; once
 * more if it refers to definitions, when these are there. */
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

        if (nodedevSessionWants(session)) {
            nodedevSessionFetch(session, header, g_steal_pointer(&call), sessionRewriteCall);
            return;
        }
        nodedevSessionForget(session);
        if (!ours)
            rpcChannelInject(session->toServer, g_steal_pointer(&call));
        return;
    }

    result = rewriteFrame(proc, call->bytes, offset, func, &session->projection, &lowered, &err);
    if (nodedevSessionWants(session)) {
        nodedevSessionFetch(session, header, g_steal_pointer(&call), sessionRewriteCall);
        return;
    }
    if (machineNamesWants(session)) {
        machineNamesFetch(session, header, g_steal_pointer(&call), sessionRewriteCall);
        return;
    }
    nodedevSessionForget(session);
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
    if (proc->action == PROCEDURE_NODEDEV) {
        if (nodedevSessionCall(session, header, proc, frame))
            rpcFrameFree(frame);
        else
            rpcChannelInject(channel, frame);
        return;
    }

    if (proc->action == PROCEDURE_OPEN &&
        rewriteRead(proc, frame->bytes, sessionPayloadOffset(header), &args)) {
        session->readonly = (args.flags & VIR_CONNECT_RO) != 0;
        sessionAddPending(session, header->serial, proc, NULL, NULL);
    }
    sessionRewriteCall(session, header, frame);
}


static SessionPending *
sessionFindPending(Session *session, const RPCHeader *header)
{
    if (g_hash_table_size(session->pending) == 0 || header->program != RPC_PROGRAM_REMOTE)
        return NULL;
    return g_hash_table_lookup(session->pending, GUINT_TO_POINTER(header->serial));
}


static RPCVerdict
sessionReplyHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Session *session = opaque;
    SessionPending *pending;

    if (header->type != RPC_REPLY && header->type != RPC_REPLY_WITH_FDS)
        return RPC_VERDICT_PASS;

    sessionEndCall(session, header->serial);
    pending = sessionFindPending(session, header);
    if (G_LIKELY(!pending))
        return RPC_VERDICT_PASS;

    if (pending->func)
        return RPC_VERDICT_COLLECT;

    if (pending->proc->action == PROCEDURE_OPEN)
        session->open = header->status == RPC_OK;
    if (header->status != RPC_OK || pending->proc->action == PROCEDURE_OPEN) {
        g_hash_table_remove(session->pending, GUINT_TO_POINTER(header->serial));
        return RPC_VERDICT_PASS;
    }
    return RPC_VERDICT_COLLECT;
}


/* A reply that is rewritten, or that is to ourselves, whole. */
static void
sessionReplyFrame(RPCChannel *channel,
                  const RPCHeader *header,
                  RPCFrame *frame,
                  void *opaque)
{
    Session *session = opaque;
    SessionPending *found = sessionFindPending(session, header);
    SessionPending pending;
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GByteArray) lifted = NULL;
    g_autoptr(GError) err = NULL;
    RewriteFunc func;

    session->busy = TRUE;
    if (!found) {
        rpcChannelInject(channel, g_steal_pointer(&reply));
        return;
    }

    pending = *found;
    g_hash_table_remove(session->pending, GUINT_TO_POINTER(header->serial));

    if (pending.func) {
        pending.func(session, header, g_steal_pointer(&reply), pending.opaque);
        return;
    }

    func = pending.proc->action == PROCEDURE_DOMCAPS ? domcapsExtend : liftCached;
    if (rewriteFrame(pending.proc, reply->bytes, sessionPayloadOffset(header), func,
                     &session->projection, &lifted, &err) == PROJECTION_ERROR) {
        /* What libvirt holds is shown as it is rather than not at all. */
        daemonWarning("session", "reply to call %u, %s, is passed as it is: %s",
                      header->serial, pending.proc->name, err->message);
    }

    if (lifted) {
        g_byte_array_unref(reply->bytes);
        reply->bytes = g_steal_pointer(&lifted);
    }
    rpcChannelInject(channel, g_steal_pointer(&reply));
}


static void
sessionLogError(const char *who, RPCChannelStatus status, int errnum)
{
    switch (status) {
    case RPC_CHANNEL_OK:
        break;
    case RPC_CHANNEL_ERROR_READ:
    case RPC_CHANNEL_ERROR_WRITE:
        /* A peer that has gone is no event. */
        daemonInfo("session", "%s: %s", who, g_strerror(errnum));
        break;
    case RPC_CHANNEL_ERROR_LENGTH:
        daemonWarning("session", "%s sent a frame that is too short or longer than %u bytes",
                      who, RPC_FRAME_MAX);
        break;
    case RPC_CHANNEL_ERROR_FDS:
        daemonWarning("session", "%s sent a frame with file descriptors that are more than %u "
                      "or did not come", who, RPC_FDS_MAX);
        break;
    }
}


/* FALSE: the connection is to end. */
static gboolean
sessionPump(RPCChannel *channel, const char *who)
{
    RPCChannelStatus status = rpcChannelPump(channel);

    if (G_LIKELY(status == RPC_CHANNEL_OK))
        return TRUE;

    sessionLogError(who, status, errno);
    return FALSE;
}


static gboolean
sessionRead(RPCChannel *channel, const char *who)
{
    RPCChannelStatus status = rpcChannelRead(channel);

    if (G_LIKELY(status == RPC_CHANNEL_OK))
        return sessionPump(channel, who);

    sessionLogError(who, status, errno);
    return FALSE;
}


/* What one direction has put into the other, or has been waiting for. */
static gboolean
sessionSettle(Session *session)
{
    while (TRUE) {
        gboolean again = FALSE;

        if (rpcChannelInjected(session->toClient) > 0 &&
            !rpcChannelWantsWrite(session->toClient)) {
            if (!sessionPump(session->toClient, "the client"))
                return FALSE;
        }
        if (rpcChannelWaits(session->toServer)) {
            if (!sessionPump(session->toServer, "the client"))
                return FALSE;
            again = !rpcChannelWaits(session->toServer);
        }
        if (rpcChannelInjected(session->toServer) > 0 &&
            !rpcChannelWantsWrite(session->toServer)) {
            if (!sessionPump(session->toServer, "upstream"))
                return FALSE;
        }
        if (!again)
            return TRUE;
    }
}


static int
sessionTimeout(const Session *session, gint64 deadline, gboolean active)
{
    gint64 left = -1;

    if (deadline)
        left = MAX(0, (deadline - g_get_monotonic_time()) / 1000 + 1);
    if (active && (left < 0 || left > SESSION_IDLE))
        left = SESSION_IDLE;
    if (session->device) {
        int wait = deviceJobTimeout(session->device);

        if (wait >= 0 && (left < 0 || left > wait))
            left = wait;
    }
    return (int) left;
}


static gboolean
sessionCanStop(const Session *session)
{
    return session->inflight <= 0 && !session->device && !session->validate &&
        (!session->nodedev || nodedevSessionIsIdle(session->nodedev)) &&
        rpcChannelIsIdle(session->toServer) && rpcChannelIsIdle(session->toClient);
}


static gboolean
sessionLoop(Session *session)
{
    const SessionOptions *opts = session->opts;
    struct pollfd fds[4] = {
        { .fd = opts->client },
        { .fd = opts->upstream },
        { .fd = -1, .events = POLLIN },
        { .fd = -1, .events = POLLIN },
    };
    gint64 deadline = 0;
    gboolean active = FALSE;
    gboolean halfClosed = FALSE;
    gboolean hungUp[2] = { FALSE, FALSE };

    while (TRUE) {
        struct timespec ts;
        int timeout = sessionTimeout(session, deadline, active);
        int rc;

        fds[0].events = (rpcChannelWantsRead(session->toServer) ? POLLIN : 0) |
            (rpcChannelWantsWrite(session->toClient) ? POLLOUT : 0);
        fds[1].events = (rpcChannelWantsRead(session->toClient) ? POLLIN : 0) |
            (rpcChannelWantsWrite(session->toServer) ? POLLOUT : 0);
        /* poll() reports a hangup whether or not it is asked for. */
        fds[0].fd = hungUp[0] && !fds[0].events ? -1 : opts->client;
        fds[1].fd = hungUp[1] && !fds[1].events ? -1 : opts->upstream;
        fds[2].fd = session->validate ? validateJobFD(session->validate) : -1;
        fds[3].fd = session->nodedev ? nodedevSessionFD(session->nodedev) : -1;

        if (*opts->stop && sessionCanStop(session))
            return TRUE;

        ts.tv_sec = timeout / 1000;
        ts.tv_nsec = timeout % 1000 * 1000000L;
        rc = ppoll(fds, G_N_ELEMENTS(fds), timeout < 0 ? NULL : &ts, opts->sigmask);
        if (rc < 0) {
            if (errno == EINTR)
                continue;
            daemonWarning("session", "poll: %s", g_strerror(errno));
            return FALSE;
        }

        if (rc == 0) {
            if (deadline && g_get_monotonic_time() >= deadline)
                return TRUE;
            if (active) {
                rpcChannelTrim(session->toServer);
                rpcChannelTrim(session->toClient);
                if (session->busy) {
                    liftCacheDrop();
                    malloc_trim(0);
                }
                session->busy = FALSE;
                active = FALSE;
            }
        }

        hungUp[0] |= (fds[0].revents & (POLLHUP | POLLERR)) != 0;
        hungUp[1] |= (fds[1].revents & (POLLHUP | POLLERR)) != 0;

        /* first what may change what the client's calls mean */
        if (fds[3].revents)
            nodedevSessionRead(session);
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR) &&
            rpcChannelWantsRead(session->toServer) &&
            !sessionRead(session->toServer, "the client"))
            return FALSE;
        if (fds[1].revents & (POLLIN | POLLHUP | POLLERR) &&
            rpcChannelWantsRead(session->toClient) &&
            !sessionRead(session->toClient, "upstream"))
            return FALSE;
        if (fds[1].revents & POLLOUT && !sessionPump(session->toServer, "upstream"))
            return FALSE;
        if (fds[0].revents & POLLOUT && !sessionPump(session->toClient, "the client"))
            return FALSE;
        if (fds[2].revents)
            validateJobFinish(session);
        if (session->device)
            deviceJobTick(session);
        if (!sessionSettle(session))
            return FALSE;

        /* Small calls that pass leave nothing to be given back later. */
        if (rc > 0)
            active = session->busy || rpcChannelCanTrim(session->toServer) ||
                rpcChannelCanTrim(session->toClient);

        /* Upstream has closed: the client gets what came before, then its end. */
        if (rpcChannelAtEnd(session->toClient)) {
            if (!rpcChannelWantsWrite(session->toClient))
                return TRUE;
            if (!deadline)
                deadline = g_get_monotonic_time() + SESSION_LINGER * 1000LL;
        }

        /* The client has closed: upstream gets what came before, then its end,
         * and closes in turn, as it would do with the client. */
        if (rpcChannelAtEnd(session->toServer) && !halfClosed &&
            !rpcChannelWantsWrite(session->toServer) && !rpcChannelWaits(session->toServer)) {
            halfClosed = TRUE;
            shutdown(opts->upstream, SHUT_WR);
            deadline = g_get_monotonic_time() + SESSION_LINGER * 1000LL;
        }
        if (hungUp[0] && rpcChannelAtEnd(session->toServer) &&
            rpcChannelWantsWrite(session->toClient))
            return TRUE;
    }
}


gboolean
sessionRun(const SessionOptions *opts)
{
    Session session = { .opts = opts, .projection = opts->projection };
    gboolean ok;

    session.pending = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    if (opts->nodedev >= 0) {
        session.nodedev = nodedevSessionNew(opts->nodedev);
        session.projection.definition = nodedevSessionDefinition;
        session.projection.definitionOpaque = &session;
    }
    if (session.projection.machineMin.major > 0) {
        session.projection.machine = machineNamesGet;
        session.projection.machineOpaque = &session;
    }
    session.toServer = rpcChannelNew(opts->client, opts->upstream, RPC_CALL_WITH_FDS,
                                     sessionCallHeader, sessionCallFrame, &session);
    session.toClient = rpcChannelNew(opts->upstream, opts->client, RPC_REPLY_WITH_FDS,
                                     sessionReplyHeader, sessionReplyFrame, &session);

    ok = sessionLoop(&session);

    deviceJobFree(session.device);
    validateJobFree(session.validate);
    nodedevSessionFree(session.nodedev);
    machineNamesForget(&session);
    rpcChannelFree(session.toServer);
    rpcChannelFree(session.toClient);
    g_hash_table_unref(session.pending);
    return ok;
}


void
sessionRefuse(int client, int code, const char *message, int errnum)
{
    gint64 deadline = g_get_monotonic_time() + SESSION_LINGER * 1000LL;
    struct pollfd pfd = { .fd = client, .events = POLLIN };
    g_autoptr(GByteArray) reply = NULL;
    guint8 buf[RPC_HEADER_SIZE];
    RPCHeader header;
    gsize have = 0;

    while (have < sizeof(buf)) {
        gint64 left = (deadline - g_get_monotonic_time()) / 1000;
        ssize_t got;

        if (left <= 0 || poll(&pfd, 1, (int) left) <= 0)
            return;
        got = recv(client, buf + have, sizeof(buf) - have, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return;
        if (got > 0)
            have += got;
    }

    rpcHeaderDecode(buf, &header);
    if (!rpcLengthIsValid(header.length) || header.type != RPC_CALL)
        return;

    /* One small frame: it fits into an empty socket. */
    reply = rpcMessageNewError(&header, code, VIR_FROM_RPC, message, errnum);
    if (send(client, reply->data, reply->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        daemonInfo("session", "the client: %s", g_strerror(errno));
}
