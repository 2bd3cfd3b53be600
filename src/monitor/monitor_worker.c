/*
 * monitor_worker.c: the process that relays
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The time until the next attempt if memory or descriptors are missing, in milliseconds */
#define WORKER_PAUSE 50

/* The watched events: each socket for reading, and for writing while it is full */
typedef struct {
    int epfd;
    int fds[2];                 /* indexed by the direction that writes to the socket */
    bool full[2];
} WorkerWatch;


/* Only changes are reported (EPOLLET), so that an incomplete line does not cause a busy loop. */
static int
workerWatch(int epfd,
            int operation,
            int fd,
            bool full)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLRDHUP | EPOLLET | (full ? EPOLLOUT : 0),
        .data.fd = fd,
    };

    return epoll_ctl(epfd, operation, fd, &event);
}


int
monitorWorkerOpen(const MonitorSession *session)
{
    const int epfd = epoll_create1(EPOLL_CLOEXEC);

    if (epfd >= 0 &&
        workerWatch(epfd, EPOLL_CTL_ADD, session->libvirt, false) == 0 &&
        workerWatch(epfd, EPOLL_CTL_ADD, session->qemu, false) == 0 &&
        (session->guard < 0 || workerWatch(epfd, EPOLL_CTL_ADD, session->guard, false) == 0))
        return epfd;
    if (epfd >= 0)
        close(epfd);
    return -1;
}


/* Moves all available data in this direction. Returns the result of the last step. */
static MonitorFlowResult
workerMove(MonitorSession *session,
           MonitorDirection direction)
{
    const bool toQEMU = direction == MONITOR_TO_QEMU;
    MonitorFlow *flow = &session->status->flow[direction];

    /* The direction is paused when all of its pending data has been sent. */
    if (flow->owed == 0 && monitorAttachIsPaused(session->status, direction))
        return MONITOR_FLOW_EMPTY;
    return monitorFlowRun(flow, toQEMU ? session->libvirt : session->qemu,
                          toQEMU ? session->qemu : session->libvirt,
                          toQEMU ? monitorAttachJudgeLibvirt : monitorAttachJudgeQEMU, session);
}


/* Removes data that has been sent from its socket. Otherwise the peer would get a reset in place
 * of the end. */
static int
workerEnd(MonitorSession *session)
{
    int i;

    for (i = 0; i < 2; i++) {
        while (session->status->flow[i].owed > 0)
            workerMove(session, i);
    }
    session->status->ended = true;
    return MONITOR_EXIT_END;
}


/* Waits for a change, at most TIMEOUT milliseconds; -1: without limit. */
static int
workerWait(WorkerWatch *watch,
           const bool full[2],
           int timeout)
{
    struct epoll_event events[3];
    int i;

    for (i = 0; i < 2; i++) {
        if (full[i] != watch->full[i] &&
            workerWatch(watch->epfd, EPOLL_CTL_MOD, watch->fds[i], full[i]) < 0)
            return -1;
        watch->full[i] = full[i];
    }
    return epoll_wait(watch->epfd, events, 3, timeout) < 0 && errno != EINTR ? -1 : 0;
}


int
monitorWorkerRun(MonitorSession *session,
                 int epfd)
{
    WorkerWatch watch = { .epfd = epfd, .fds = { session->qemu, session->libvirt } };
    int i;

    for (i = 0; i < 2; i++)
        monitorFlowSettle(&session->status->flow[i]);
    /* The worker can have inherited the socket of the previous command. */
    if (session->status->attach.state == MONITOR_ATTACH_NONE)
        monitorAttachCloseLink(session);

    for (;;) {
        MonitorFlowResult results[3];
        MonitorDirection direction;
        bool full[2] = { false, false };
        bool later = false;
        bool moved = false;
        const uint32_t state = session->status->attach.state;

        if (state == MONITOR_ATTACH_REQUESTED || state == MONITOR_ATTACH_ANSWERED)
            monitorAttachHear(session);
        monitorAttachRun(session, &results[2], &direction);

        for (i = 0; i < 2; i++) {
            results[i] = workerMove(session, i);
            if (results[i] == MONITOR_FLOW_END)
                return workerEnd(session);
            full[i] = results[i] == MONITOR_FLOW_FULL;
            later |= results[i] == MONITOR_FLOW_LATER;
            moved |= results[i] == MONITOR_FLOW_MOVED;
        }
        full[direction] |= results[2] == MONITOR_FLOW_FULL;
        later |= results[2] == MONITOR_FLOW_LATER;

        if (moved || session->status->attach.state != state)
            continue;
        if (workerWait(&watch, full, later ? WORKER_PAUSE : -1) < 0)
            return MONITOR_EXIT_FAILURE;
    }
}
