/*
 * monitor_flow.c: one direction of the relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_flow.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* Linux's SCM_MAX_FD, the maximum number of descriptors in a message */
#define FLOW_FDS_MAX 253

/* The descriptors of a message */
typedef struct {
    int fds[FLOW_FDS_MAX];
    size_t n;
    bool cut;                   /* the kernel dropped others, because this process had no free ones */
} FlowFds;

typedef union {
    struct cmsghdr header;
    char space[CMSG_SPACE(FLOW_FDS_MAX * sizeof(int))];
} FlowControl;


/* Prevents the compiler from reordering stores. */
static void
flowFence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}


/* Begins a step, whose message consists of LEN bytes at DATA. */
static void
flowBegin(MonitorFlow *flow,
          MonitorStep step,
          uint32_t before,
          const char *data,
          size_t len)
{
    flow->vector = (struct iovec) { (char *) data, len };
    flow->message = (struct mmsghdr) { .msg_hdr = { .msg_iov = &flow->vector, .msg_iovlen = 1 } };
    flow->before = before;
    flowFence();
    flow->step = step;
    flowFence();
}


void
monitorFlowSettle(MonitorFlow *flow)
{
    const uint32_t n = flow->message.msg_len;

    flowFence();
    switch (flow->step) {
    case MONITOR_STEP_SEND:
        if (n > 0 && n <= MONITOR_CHUNK) {
            flow->owed = n;
            flow->inLine = flow->data[n - 1] != '\n';
            flow->pass = 0;
        }
        break;

    case MONITOR_STEP_TEXT:
        flow->textSent = flow->before + n;
        break;

    case MONITOR_STEP_TAKE:
        flow->owed = n < flow->before ? flow->before - n : 0;
        break;

    default:
        break;
    }
    flowFence();
    flow->moved += n;
    flow->step = MONITOR_STEP_NONE;
}


/* Returns the meaning of errno after a failure to send. */
static MonitorFlowResult
flowSendResult(bool *gone)
{
    switch (errno) {
    case EINTR:
        return MONITOR_FLOW_MOVED;
    case EAGAIN:
        return MONITOR_FLOW_FULL;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        *gone = true;
        return MONITOR_FLOW_MOVED;
    default:
        return MONITOR_FLOW_LATER;
    }
}


/* Sends the message of flowBegin(), with the descriptors in FDS, to the socket TO. */
static MonitorFlowResult
flowSend(MonitorFlow *flow,
         int to,
         const int *fds,
         size_t n,
         bool *gone)
{
    FlowControl control = { .space = "" };
    MonitorFlowResult result = MONITOR_FLOW_MOVED;

    *gone = false;
    if (n > 0) {
        flow->message.msg_hdr.msg_control = &control;
        flow->message.msg_hdr.msg_controllen = CMSG_SPACE(n * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
    }
    if (sendmmsg(to, &flow->message, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        result = flowSendResult(gone);
    flow->message.msg_hdr.msg_control = NULL;
    flow->message.msg_hdr.msg_controllen = 0;
    monitorFlowSettle(flow);
    return result;
}


/* Reads the bytes that have been sent already from the socket FROM, and drops them. */
static MonitorFlowResult
flowTake(MonitorFlow *flow,
         int from)
{
    const size_t owed = flow->owed;
    int rc;

    flowBegin(flow, MONITOR_STEP_TAKE, owed, flow->data,
              owed < sizeof(flow->data) ? owed : sizeof(flow->data));
    rc = recvmmsg(from, &flow->message, 1, MSG_DONTWAIT, NULL);
    /* The bytes are in the socket, because they were read with MSG_PEEK. */
    if (rc < 0 && errno != EINTR && errno != ECONNRESET)
        flow->message.msg_len = owed;
    monitorFlowSettle(flow);
    return MONITOR_FLOW_MOVED;
}


static void
flowCloseFds(FlowFds *fds)
{
    size_t i;

    for (i = 0; i < fds->n; i++)
        close(fds->fds[i]);
    fds->n = 0;
}


/* Reads up to LEN bytes from FROM without removing them. Returns their number, 0 at the end, or -1
 * with errno set. The caller closes the descriptors in FDS. */
static ssize_t
flowPeek(MonitorFlow *flow,
         int from,
         size_t len,
         FlowFds *fds)
{
    FlowControl control;
    struct iovec vector = { flow->data, len };
    struct mmsghdr message = {
        .msg_hdr = {
            .msg_iov = &vector,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof(control),
        },
    };
    struct cmsghdr *header;

    fds->n = 0;
    fds->cut = false;
    if (recvmmsg(from, &message, 1, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL) < 0)
        return -1;

    fds->cut = (message.msg_hdr.msg_flags & MSG_CTRUNC) != 0;
    for (header = CMSG_FIRSTHDR(&message.msg_hdr); header;
         header = CMSG_NXTHDR(&message.msg_hdr, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        fds->n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds->fds, CMSG_DATA(header), fds->n * sizeof(int));
    }
    return message.msg_len;
}


/* Returns the number of the LEN bytes that precede the byte to which the descriptors in FDS
 * belong, or -1 with errno set. The kernel does not tell the boundary, but a shorter message
 * without this byte has no descriptors. */
static ssize_t
flowFindBoundary(MonitorFlow *flow,
                 int from,
                 size_t len)
{
    size_t low = 0;
    size_t high = len;
    FlowFds fds;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        const ssize_t got = flowPeek(flow, from, middle, &fds);
        const bool found = fds.n > 0 || fds.cut;

        if (got < 0)
            return -1;
        flowCloseFds(&fds);
        if (found)
            high = middle;
        else
            low = middle;
    }
    return high - 1;
}


/* The same as flowPeek(), except that the descriptors in FDS belong to the first byte. */
static ssize_t
flowLook(MonitorFlow *flow,
         int from,
         FlowFds *fds)
{
    ssize_t got = flowPeek(flow, from, sizeof(flow->data), fds);
    ssize_t before;

    if (got <= 0 || (fds->n == 0 && !fds->cut))
        return got;

    flowCloseFds(fds);
    before = flowFindBoundary(flow, from, got);
    if (before < 0)
        return -1;
    return flowPeek(flow, from, before > 0 ? before : got, fds);
}


static bool
flowHasEnded(int from)
{
    struct pollfd pfd = { .fd = from, .events = POLLRDHUP };

    return poll(&pfd, 1, 0) == 1;
}


/* Sends the first LEN bytes of the data, and the descriptors in FDS. */
static MonitorFlowResult
flowPass(MonitorFlow *flow,
         int to,
         size_t len,
         const FlowFds *fds)
{
    MonitorFlowResult result;
    bool gone;

    flowBegin(flow, MONITOR_STEP_SEND, 0, flow->data, len);
    result = flowSend(flow, to, fds->fds, fds->n, &gone);
    /* QEMU would drop the descriptors, too. */
    if (gone)
        flow->owed = len;
    return result;
}


MonitorFlowResult
monitorFlowRun(MonitorFlow *flow,
               int from,
               int to,
               MonitorFlowJudge judge,
               void *opaque)
{
    MonitorFlowResult result;
    FlowFds fds;
    ssize_t got;
    size_t n;

    if (flow->owed > 0)
        return flowTake(flow, from);

    got = flowLook(flow, from, &fds);
    if (got < 0) {
        /* A socket reports only once that its peer has closed without reading all data. */
        if (errno == EINTR || errno == ECONNRESET)
            return MONITOR_FLOW_MOVED;
        return errno == EAGAIN ? MONITOR_FLOW_EMPTY : MONITOR_FLOW_LATER;
    }
    if (got == 0)
        return MONITOR_FLOW_END;
    if (fds.cut) {
        flowCloseFds(&fds);
        return MONITOR_FLOW_LATER;
    }

    n = fds.n > 0 ? (size_t) got : judge(flow, flow->data, got, false, opaque);
    /* In this order: data that arrives in between is handled in the next step. */
    if (n == 0 && flow->held && flowHasEnded(from))
        n = judge(flow, flow->data, got, true, opaque);
    result = n > 0 ? flowPass(flow, to, n, &fds) : MONITOR_FLOW_EMPTY;
    flowCloseFds(&fds);
    return result;
}


MonitorFlowResult
monitorFlowText(MonitorFlow *flow,
                int to,
                const char *text,
                size_t len,
                int fd)
{
    MonitorFlowResult result;
    bool gone;

    if (flow->textLen != len) {
        flow->textSent = 0;
        flowFence();
        flow->textLen = len;
    }
    if (flow->textSent >= len)
        return MONITOR_FLOW_MOVED;

    flowBegin(flow, MONITOR_STEP_TEXT, flow->textSent, text + flow->textSent,
              len - flow->textSent);
    result = flowSend(flow, to, &fd, flow->textSent == 0 && fd >= 0 ? 1 : 0, &gone);
    if (gone)
        flow->textSent = len;
    return result;
}
