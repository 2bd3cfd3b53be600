/*
 * session_loop.c: the event loop and the timeouts of a connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "lift_cache.h"
#include "session_private.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The time after the last frame until memory is returned to the system, in milliseconds */
#define SESSION_IDLE 500

/* The longest time that the process waits for a client that has closed its connection, or that
 * still has to read an error, in milliseconds */
#define SESSION_LINGER 10000

/* The longest time that a client may neither read nor send while its connection holds the lock of
 * a domain or a definition, or while the daemon stops, in milliseconds */
#define SESSION_PATIENCE_LOCK 5000
#define SESSION_PATIENCE_STOP 1000


static void
sessionLogError(const char *who, RPCChannelStatus status, int errnum)
{
    switch (status) {
    case RPC_CHANNEL_OK:
        break;
    case RPC_CHANNEL_ERROR_READ:
    case RPC_CHANNEL_ERROR_WRITE:
        /* A peer that has disconnected is not an error. */
        daemonInfo("session", "%s: %s", who, g_strerror(errnum));
        break;
    case RPC_CHANNEL_ERROR_LENGTH:
        daemonWarning("session", "%s sent a frame that is too short or longer than %u bytes",
                      who, RPC_FRAME_MAX);
        break;
    case RPC_CHANNEL_ERROR_REFUSED:
        break;
    case RPC_CHANNEL_ERROR_FDS:
        daemonWarning("session", "%s sent a frame with file descriptors that are more than %u "
                      "or did not come", who, RPC_FDS_MAX);
        break;
    }
}


/* Parses and writes the data of a channel. Returns FALSE if the connection must end. */
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


/* Sends frames that were injected, and continues with frames that had to wait. Returns FALSE
 * at the end of the session. */
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


/* --- a client that holds us up --- */

/* Returns whether the client blocks the connection: it does not read its replies, or has not sent
 * a complete frame, after which nothing can be injected. */
static gboolean
sessionIsHeldUp(const Session *session)
{
    return rpcChannelWantsWrite(session->toClient) ||
        (rpcChannelInFrame(session->toServer) && !rpcChannelWantsWrite(session->toServer));
}


/* Returns the time that the client may still neither read nor send, in milliseconds, or -1
 * if nobody waits for it. */
static int
sessionPatience(const Session *session)
{
    if (*session->opts->stop)
        return SESSION_PATIENCE_STOP;
    if (jobListOthersWait(session->jobs))
        return SESSION_PATIENCE_LOCK;
    return -1;
}


/* Returns the time until the client must have made progress, in ms; -1: unlimited. */
static int
sessionTimeLeft(Session *session)
{
    int patience = sessionPatience(session);
    guint64 bytes = rpcChannelSent(session->toClient) + rpcChannelReceived(session->toServer);
    gint64 now = g_get_monotonic_time();

    if (patience < 0 || !sessionIsHeldUp(session)) {
        session->heldSince = 0;
        return -1;
    }
    if (!session->heldSince || session->heldBytes != bytes) {
        session->heldSince = now;
        session->heldBytes = bytes;
    }
    return MAX(0, (int) (patience - (now - session->heldSince) / 1000));
}


/* --- the loop --- */

static int
sessionTimeout(Session *session, int wait)
{
    int left = eventSooner(wait, jobListTimeout(session->jobs));

    if (session->deadline)
        left = eventSooner(left, eventTimeUntil(session->deadline));
    if (session->active)
        left = eventSooner(left, SESSION_IDLE);
    return eventSooner(left, sessionTimeLeft(session));
}


/* Returns whether there is no active call. A frame that a client has begun to send does not
 * count. */
static gboolean
sessionCanStop(const Session *session)
{
    return callTableSize(session->calls) == 0 && !session->device && !session->pending &&
        !rpcChannelInFrame(session->toServer) && !rpcChannelInFrame(session->toClient) &&
        !rpcChannelOwes(session->toServer) && !rpcChannelOwes(session->toClient);
}


/* Watches one of the two sockets, whose directions are FROM and TO. */
static gboolean
sessionWatchSocket(Session *session,
                   EventSource *source,
                   int fd,
                   gboolean hungUp,
                   const RPCChannel *from,
                   const RPCChannel *to)
{
    const guint32 events = (rpcChannelWantsRead(from) ? EPOLLIN : 0) |
        (rpcChannelWantsWrite(to) ? EPOLLOUT : 0);

    /* A hangup is always reported. */
    return eventLoopWatch(session->loop, source, hungUp && !events ? -1 : fd, events);
}


static gboolean
sessionWatch(Session *session)
{
    if (sessionWatchSocket(session, &session->client, session->opts->client, session->clientHungUp,
                           session->toServer, session->toClient) &&
        sessionWatchSocket(session, &session->upstream, session->opts->upstream,
                           session->upstreamHungUp, session->toClient, session->toServer) &&
        jobListWatch(session->jobs))
        return TRUE;
    daemonWarning("session", "epoll_ctl: %s", g_strerror(errno));
    return FALSE;
}


/* Frees memory after some time without events. */
static void
sessionTrim(Session *session)
{
    rpcChannelTrim(session->toServer);
    rpcChannelTrim(session->toClient);
    if (session->busy) {
        liftCacheDrop();
        malloc_trim(0);
    }
    session->busy = FALSE;
    session->active = FALSE;
}


/* Moves data between the two sockets. Returns FALSE if the connection must end. */
static gboolean
sessionMoveFrames(Session *session)
{
    const guint32 readable = EPOLLIN | EPOLLHUP | EPOLLERR;

    if (session->client.ready & readable && rpcChannelWantsRead(session->toServer) &&
        !sessionRead(session->toServer, "the client"))
        return FALSE;
    if (session->upstream.ready & readable && rpcChannelWantsRead(session->toClient) &&
        !sessionRead(session->toClient, "upstream"))
        return FALSE;
    if (session->upstream.ready & EPOLLOUT && !sessionPump(session->toServer, "upstream"))
        return FALSE;
    if (session->client.ready & EPOLLOUT && !sessionPump(session->toClient, "the client"))
        return FALSE;
    return TRUE;
}


/* Runs the jobs and moves data. Returns FALSE if the connection must end. */
static gboolean
sessionMove(Session *session)
{
    /* The jobs first, because they may change the meaning of the client's calls. */
    if (!jobListRead(session->jobs, &session->busy))
        return FALSE;
    sessionReapJobs(session);

    if (!sessionMoveFrames(session) ||
        !jobListTick(session->jobs, rpcChannelInjected(session->toServer) > 0))
        return FALSE;
    sessionReapJobs(session);
    return sessionSettle(session);
}


/* Handles a connection that the client or libvirtd has closed. Returns FALSE at the end of the
 * session. */
static gboolean
sessionClose(Session *session)
{
    const gint64 linger = g_get_monotonic_time() + SESSION_LINGER * 1000LL;

    /* libvirtd has closed the connection: the client gets the pending data, and then the end. */
    if (rpcChannelAtEnd(session->toClient)) {
        if (!rpcChannelWantsWrite(session->toClient))
            return FALSE;
        if (!session->deadline)
            session->deadline = linger;
    }

    /* The client has closed the connection: libvirtd gets the pending data, and then the end; it
     * then closes the connection, as it does with a client. */
    if (rpcChannelAtEnd(session->toServer) && !session->halfClosed &&
        !rpcChannelWantsWrite(session->toServer) && !rpcChannelWaits(session->toServer)) {
        session->halfClosed = TRUE;
        shutdown(session->opts->upstream, SHUT_WR);
        session->deadline = linger;
    }
    return !session->clientHungUp || !rpcChannelAtEnd(session->toServer) ||
        !rpcChannelWantsWrite(session->toClient);
}


/* Does the work that sessionStep() has waited for. */
static SessionState
sessionWork(Session *session, gboolean any)
{
    const guint32 hangup = EPOLLHUP | EPOLLERR;

    session->clientHungUp |= (session->client.ready & hangup) != 0;
    session->upstreamHungUp |= (session->upstream.ready & hangup) != 0;
    /* A client that has disconnected gets no reply, so that its document is not validated. */
    if (session->clientHungUp && session->validate)
        return SESSION_ENDED;
    if (!sessionMove(session))
        return SESSION_BROKEN;

    /* Small calls that are forwarded require no memory that is freed later. */
    if (any)
        session->active = session->busy || rpcChannelCanTrim(session->toServer) ||
            rpcChannelCanTrim(session->toClient);

    if (!sessionClose(session))
        return SESSION_ENDED;
    if (sessionTimeLeft(session) == 0) {
        daemonWarning("session", "the client does not read or does not finish a frame, while "
                      "others wait for it: the connection ends");
        return SESSION_BROKEN;
    }
    return SESSION_RUNS;
}


SessionState
sessionStep(Session *session, int wait)
{
    int rc;

    if (*session->opts->stop && sessionCanStop(session))
        return SESSION_ENDED;
    if (!sessionWatch(session))
        return SESSION_BROKEN;

    rc = eventLoopWait(session->loop, sessionTimeout(session, wait), session->opts->sigmask);
    if (rc < 0 && errno == EINTR)
        return SESSION_RUNS;
    if (rc < 0) {
        daemonWarning("session", "epoll: %s", g_strerror(errno));
        return SESSION_BROKEN;
    }

    if (session->deadline && g_get_monotonic_time() >= session->deadline)
        return SESSION_ENDED;
    if (rc == 0 && session->active)
        sessionTrim(session);
    return sessionWork(session, rc > 0);
}


gboolean
sessionRun(const SessionOptions *opts)
{
    g_autoptr(Session) session = sessionNew(opts);
    SessionState state;

    if (!session)
        return FALSE;
    do {
        state = sessionStep(session, -1);
    } while (state == SESSION_RUNS);
    return state == SESSION_ENDED;
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

    /* The frame is small, and the socket is empty, so that this does not block. */
    reply = rpcMessageNewError(&header, code, VIR_FROM_RPC, message, errnum);
    if (send(client, reply->data, reply->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        daemonInfo("session", "the client: %s", g_strerror(errno));
}
