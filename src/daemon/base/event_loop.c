/*
 * event_loop.c: waits for descriptors
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "event_loop.h"

#include "gettext.h"

#include <errno.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The maximum number of sources that one call of epoll_wait() reports. The next call reports the
 * others. */
#define EVENT_BATCH 16

struct _EventLoop {
    int epoll;
    EventSource *ready[EVENT_BATCH];    /* NULL: it was removed in the meantime */
    int nready;
};


EventLoop *
eventLoopNew(GError **err)
{
    EventLoop *loop;
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot create an epoll instance: %1$s"), g_strerror(errno));
        return NULL;
    }
    loop = g_new0(EventLoop, 1);
    loop->epoll = fd;
    return loop;
}


void
eventLoopFree(EventLoop *loop)
{
    if (!loop)
        return;
    close(loop->epoll);
    g_free(loop);
}


int
eventLoopFD(const EventLoop *loop)
{
    return loop->epoll;
}


gboolean
eventLoopWatch(EventLoop *loop, EventSource *source, int fd, guint32 events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    if (source->watched && fd != source->fd)
        eventLoopRemove(loop, source);
    if (fd < 0 || (source->watched && source->events == events))
        return TRUE;

    if (epoll_ctl(loop->epoll, source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        return FALSE;
    source->watched = TRUE;
    source->fd = fd;
    source->events = events;
    return TRUE;
}


void
eventLoopRemove(EventLoop *loop, EventSource *source)
{
    int i;

    if (source->watched)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->watched = FALSE;
    source->ready = 0;
    for (i = 0; i < loop->nready; i++) {
        if (loop->ready[i] == source)
            loop->ready[i] = NULL;
    }
}


int
eventLoopWait(EventLoop *loop, int timeout, const sigset_t *sigmask)
{
    struct epoll_event events[EVENT_BATCH];
    int count;
    int i;

    for (i = 0; i < loop->nready; i++) {
        if (loop->ready[i])
            loop->ready[i]->ready = 0;
    }
    loop->nready = 0;

    count = epoll_pwait(loop->epoll, events, EVENT_BATCH, timeout, sigmask);
    for (i = 0; i < count; i++) {
        loop->ready[i] = events[i].data.ptr;
        loop->ready[i]->ready = events[i].events;
    }
    loop->nready = MAX(0, count);
    return count;
}


gboolean
eventLoopDispatch(EventLoop *loop)
{
    struct epoll_event event;
    EventSource *source;

    /* Only one source is handled, because its function can remove the next one. */
    if (epoll_wait(loop->epoll, &event, 1, 0) != 1)
        return FALSE;
    source = event.data.ptr;
    source->func(event.events, source->opaque);
    return TRUE;
}


int
eventSooner(int timeout, int other)
{
    return timeout < 0 || (other >= 0 && other < timeout) ? other : timeout;
}


int
eventTimeUntil(gint64 deadline)
{
    const gint64 left = deadline - g_get_monotonic_time();

    return left <= 0 ? 0 : (int) MIN(left / 1000 + 1, G_MAXINT);
}
