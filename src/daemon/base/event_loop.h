/*
 * event_loop.h: waits for descriptors
 *
 * A layer over epoll(7). Each user of a descriptor has an EventSource for it. After a fork, the two
 * processes share the epoll instance: one of them must only free its loop.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/epoll.h>

typedef struct _EventLoop EventLoop;
typedef struct _EventSource EventSource;

/* Handles EVENTS (EPOLLIN...) of a source, which it may remove and free. */
typedef void (*EventFunc)(guint32 events, void *opaque);

/* A source belongs to its owner. All members except func and opaque must be zero at first. */
struct _EventSource {
    EventFunc func;             /* for eventLoopDispatch() */
    void *opaque;               /* for func */
    guint32 ready;              /* the events that eventLoopWait() has found (EPOLLIN...), or 0 */

    /* set by event_loop.c */
    gboolean watched;
    int fd;
    guint32 events;
};

/**
 * eventLoopNew:
 * @err: set to VIR_ERR_SYSTEM_ERROR on failure
 *
 * Returns a new loop, which eventLoopFree() frees, or NULL with ERR set.
 */
EventLoop *eventLoopNew(GError **err);

/**
 * eventLoopFree:
 * @loop: the loop, or NULL
 *
 * Frees the loop. The sources belong to their owners and are not changed; they must not be used
 * with another loop.
 */
void eventLoopFree(EventLoop *loop);

/**
 * eventLoopFD:
 * @loop: the loop
 *
 * Returns a descriptor that can be read when a source is ready. It stays the loop's.
 */
int eventLoopFD(const EventLoop *loop);

/**
 * eventLoopWatch:
 * @loop: the loop
 * @source: the source
 * @fd: the descriptor, which must stay open as long as it is watched; -1: watch nothing
 * @events: EPOLLIN and EPOLLOUT, or 0: only hangups and errors, which are always reported
 *
 * Watches a descriptor in place of what SOURCE has watched so far.
 *
 * Returns FALSE with errno set on failure; then nothing is watched.
 */
gboolean eventLoopWatch(EventLoop *loop, EventSource *source, int fd, guint32 events);

/**
 * eventLoopRemove:
 * @loop: the loop
 * @source: the source
 *
 * Watches nothing any more. Must be called before the descriptor is closed, because a forked
 * process that has it, too, would keep it in the epoll instance.
 */
void eventLoopRemove(EventLoop *loop, EventSource *source);

/**
 * eventLoopWait:
 * @loop: the loop
 * @timeout: ms to wait at most; -1: any time
 * @sigmask: signal mask in effect while waiting; NULL: the current one
 *
 * Waits until a source is ready, and sets the member ready of all sources.
 *
 * Returns the number of ready sources; 0 after the timeout; -1 with errno set, which may be
 * EINTR.
 */
int eventLoopWait(EventLoop *loop, int timeout, const sigset_t *sigmask);

/**
 * eventLoopDispatch:
 * @loop: the loop, all of whose sources have a func
 *
 * Calls the function of one source that is ready. Does not wait.
 *
 * Returns FALSE if none is ready.
 */
gboolean eventLoopDispatch(EventLoop *loop);

/**
 * eventSooner:
 * @timeout: ms, or -1: never
 * @other: ms, or -1: never
 *
 * Returns the shorter of the two timeouts.
 */
int eventSooner(int timeout, int other);

/**
 * eventTimeUntil:
 * @deadline: a time of g_get_monotonic_time(), in us
 *
 * Returns the ms until then, rounded up; 0 if it is over.
 */
int eventTimeUntil(gint64 deadline);
