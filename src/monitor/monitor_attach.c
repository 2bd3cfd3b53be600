/*
 * monitor_attach.c: device_add and device_del for an emulated PCI device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_attach.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ignore-value.h"
#include "monitor_detach.h"
#include "monitor_lines.h"
#include "qemu_props_marker.h"

#define ATTACH_GETFD_ID "emulatedpci-getfd"
#define ATTACH_CLOSEFD_ID "emulatedpci-closefd"

#define ATTACH_NO_GUARD "the process that starts emulators has ended"

static const char getfd[] =
    "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"" QEMU_PROPS_ATTACH_FDNAME "\"},"
    "\"id\":\"" ATTACH_GETFD_ID "\"}\r\n";
static const char closefd[] =
    "{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"" QEMU_PROPS_ATTACH_FDNAME "\"},"
    "\"id\":\"" ATTACH_CLOSEFD_ID "\"}\r\n";


static void
attachFence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}


/* Changes the state with one store. */
static void
attachEnter(MonitorAttach *attach,
            MonitorAttachState state)
{
    attachFence();
    attach->state = state;
    attachFence();
}


void
monitorAttachRefuse(MonitorAttach *attach,
                    const char *reason)
{
    attach->answer = MONITOR_ANSWER_REFUSE;
    attach->textLen = snprintf(attach->text, sizeof(attach->text),
                               "{\"id\":\"%s\",\"error\":{\"class\":\"GenericError\","
                               "\"desc\":\"%s\"}}\r\n", attach->id, reason);
    if (attach->textLen >= sizeof(attach->text))
        attach->textLen = sizeof(attach->text) - 1;
}


/* Returns whether the guard and its deputy have ended. */
static bool
attachGuardHasGone(const MonitorSession *session)
{
    struct pollfd pfd = { .fd = session->guard };

    return session->guard >= 0 && poll(&pfd, 1, 0) == 1;
}


void
monitorAttachCloseLink(MonitorSession *session)
{
    if (session->link >= 0)
        close(session->link);
    session->link = -1;
}


/* Notifies the guard of a change of the state. */
static void
attachTellGuard(const MonitorSession *session)
{
    char byte = 0;
    struct iovec vector = { &byte, 1 };
    struct mmsghdr message = { .msg_hdr = { .msg_iov = &vector, .msg_iovlen = 1 } };

    /* If the socket is full, the guard has not yet read earlier notifications. */
    if (session->guard >= 0)
        ignore_value(sendmmsg(session->guard, &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL));
}


void
monitorAttachHear(MonitorSession *session)
{
    for (;;) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(sizeof(int))];
        } control = { .space = "" };
        char byte;
        struct iovec vector = { &byte, 1 };
        struct mmsghdr message = {
            .msg_hdr = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
            },
        };

        if (session->guard < 0 ||
            recvmmsg(session->guard, &message, 1, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL) <= 0 ||
            message.msg_len == 0)
            return;
        if (message.msg_hdr.msg_controllen >= CMSG_LEN(sizeof(int)) &&
            control.header.cmsg_type == SCM_RIGHTS) {
            monitorAttachCloseLink(session);
            memcpy(&session->link, CMSG_DATA(&control.header), sizeof(int));
        }
    }
}


/* Continues with the answer of the guard about the command. */
static void
attachAnswered(const MonitorSession *session)
{
    MonitorStatus *status = session->status;
    MonitorAttach *attach = &status->attach;

    if (attach->textLen > sizeof(attach->text))
        attach->textLen = sizeof(attach->text);

    switch (attach->answer) {
    case MONITOR_ANSWER_PASS:
        status->flow[MONITOR_TO_QEMU].pass = 1;
        attachEnter(attach, MONITOR_ATTACH_RELEASE);
        break;
    case MONITOR_ANSWER_SEND:
        attachEnter(attach, MONITOR_ATTACH_DEVICE_SEND);
        break;
    case MONITOR_ANSWER_SEND_FD:
        /* The socket for QEMU is received after the answer. */
        if (session->link >= 0) {
            attachEnter(attach, MONITOR_ATTACH_GETFD_SEND);
        } else if (attachGuardHasGone(session)) {
            monitorAttachRefuse(attach, ATTACH_NO_GUARD);
            attachEnter(attach, MONITOR_ATTACH_REFUSE_SEND);
        }
        break;
    case MONITOR_ANSWER_REFUSE:
    default:
        attachEnter(attach, MONITOR_ATTACH_REFUSE_SEND);
        break;
    }
}


/* Continues with the result of QEMU's reply to a question about the device. All of this can be
 * repeated. Returns the next state. */
static MonitorAttachState
attachDecided(MonitorStatus *status)
{
    MonitorAttach *attach = &status->attach;

    attach->question = attach->next;
    switch (attach->question) {
    case MONITOR_QUESTION_TYPE:
    case MONITOR_QUESTION_PENDING:
    case MONITOR_QUESTION_TABLE:
        monitorDetachAsk(attach);
        status->flow[MONITOR_TO_QEMU].textLen = 0;
        return MONITOR_ATTACH_ASK_SEND;
    case MONITOR_QUESTION_PASS:
        status->flow[MONITOR_TO_QEMU].pass = 1;
        return MONITOR_ATTACH_RELEASE;
    case MONITOR_QUESTION_REFUSE:
    default:
        monitorAttachRefuse(attach, MONITOR_DETACH_REFUSAL);
        return MONITOR_ATTACH_REFUSE_SEND;
    }
}


/* Sends TEXT in this direction, and enters the state NEXT when all of it has been sent. */
static MonitorFlowResult
attachSend(MonitorSession *session,
           MonitorDirection direction,
           const char *text,
           size_t len,
           int fd,
           MonitorAttachState next)
{
    MonitorFlow *flow = &session->status->flow[direction];
    MonitorFlowResult result;

    /* The rest of an incomplete line, and data that is still in the socket, are sent first. */
    if (flow->inLine || flow->owed > 0)
        return MONITOR_FLOW_EMPTY;

    result = monitorFlowText(flow, direction == MONITOR_TO_QEMU ? session->qemu : session->libvirt,
                             text, len, fd);
    if (flow->textLen == len && flow->textSent >= len) {
        attachEnter(&session->status->attach, next);
        return MONITOR_FLOW_MOVED;
    }
    return result;
}


void
monitorAttachRun(MonitorSession *session,
                 MonitorFlowResult *result,
                 MonitorDirection *direction)
{
    MonitorStatus *status = session->status;
    MonitorAttach *attach = &status->attach;
    MonitorFlow *toQEMU = &status->flow[MONITOR_TO_QEMU];
    MonitorFlow *toLibvirt = &status->flow[MONITOR_TO_LIBVIRT];

    for (;;) {
        const uint32_t state = attach->state;

        *result = MONITOR_FLOW_EMPTY;
        *direction = MONITOR_TO_QEMU;
        switch (state) {
        case MONITOR_ATTACH_REQUESTED:
            if (attachGuardHasGone(session)) {
                monitorAttachRefuse(attach, ATTACH_NO_GUARD);
                attachEnter(attach, MONITOR_ATTACH_REFUSE_SEND);
            } else if (!session->asked) {
                session->asked = true;
                attachTellGuard(session);
            }
            break;

        case MONITOR_ATTACH_ANSWERED:
            session->asked = false;
            attachAnswered(session);
            break;

        case MONITOR_ATTACH_GETFD_SEND:
            *result = attachSend(session, MONITOR_TO_QEMU, getfd, strlen(getfd), session->link,
                                 MONITOR_ATTACH_GETFD_WAIT);
            break;

        case MONITOR_ATTACH_DEVICE_SEND:
            *result = attachSend(session, MONITOR_TO_QEMU, attach->text, attach->textLen, -1,
                                 MONITOR_ATTACH_DEVICE_DROP);
            break;

        case MONITOR_ATTACH_CLOSEFD_SEND:
            *result = attachSend(session, MONITOR_TO_QEMU, closefd, strlen(closefd), -1,
                                 MONITOR_ATTACH_CLOSEFD_WAIT);
            break;

        case MONITOR_ATTACH_ASK_SEND:
            *result = attachSend(session, MONITOR_TO_QEMU, attach->text, attach->textLen, -1,
                                 MONITOR_ATTACH_ASK_WAIT);
            break;

        case MONITOR_ATTACH_REFUSE_SEND:
            *direction = MONITOR_TO_LIBVIRT;
            *result = attachSend(session, MONITOR_TO_LIBVIRT, attach->text, attach->textLen, -1,
                                 MONITOR_ATTACH_REFUSE_DROP);
            break;

        case MONITOR_ATTACH_DEVICE_DROP:
        case MONITOR_ATTACH_REFUSE_DROP:
            /* No byte is read from the socket before the next state has been stored. */
            toQEMU->owed = attach->lineLen;
            attachEnter(attach, state == MONITOR_ATTACH_DEVICE_DROP ? MONITOR_ATTACH_DEVICE_WAIT :
                        MONITOR_ATTACH_RELEASE);
            break;

        case MONITOR_ATTACH_GETFD_DROP:
            toLibvirt->owed = attach->dropLen;
            if (attach->dropError)
                monitorAttachRefuse(attach, "QEMU does not take the socket of the emulated PCI "
                                    "device");
            attachEnter(attach, attach->dropError ? MONITOR_ATTACH_REFUSE_SEND :
                        MONITOR_ATTACH_DEVICE_SEND);
            break;

        case MONITOR_ATTACH_CLOSEFD_DROP:
            toLibvirt->owed = attach->dropLen;
            attachEnter(attach, MONITOR_ATTACH_RELEASE);
            break;

        case MONITOR_ATTACH_ASK_DROP:
            toLibvirt->owed = attach->dropLen;
            attachEnter(attach, attachDecided(status));
            break;

        case MONITOR_ATTACH_RELEASE:
            monitorAttachCloseLink(session);
            attachEnter(attach, MONITOR_ATTACH_NONE);
            attachTellGuard(session);
            break;

        default:
            return;
        }

        /* Each text is sent only once. */
        if (attach->state != state)
            toQEMU->textLen = toLibvirt->textLen = 0;
        else if (*result != MONITOR_FLOW_MOVED)
            return;
    }
}


/* Returns whether a text must be sent in STATE, or a reply must be received, before other data is
 * forwarded. */
static bool
attachHasText(uint32_t state)
{
    switch (state) {
    case MONITOR_ATTACH_GETFD_SEND:
    case MONITOR_ATTACH_GETFD_WAIT:
    case MONITOR_ATTACH_DEVICE_SEND:
    case MONITOR_ATTACH_CLOSEFD_SEND:
    case MONITOR_ATTACH_ASK_SEND:
    case MONITOR_ATTACH_ASK_WAIT:
    case MONITOR_ATTACH_REFUSE_SEND:
        return true;
    default:
        return false;
    }
}


bool
monitorAttachIsPaused(const MonitorStatus *status,
                      MonitorDirection direction)
{
    /* A line that has been sent in part is completed first. */
    return direction == MONITOR_TO_QEMU && attachHasText(status->attach.state) &&
        !status->flow[direction].inLine;
}


/* Stores the command in LINE, of N bytes, whose id is ID. */
static void
attachStore(MonitorAttach *attach,
            const char *line,
            size_t n,
            const char *id)
{
    memcpy(attach->line, line, n);
    attach->line[n] = '\0';
    attach->lineLen = n;
    memcpy(attach->id, id, sizeof(attach->id));
}


/* Begins with the command in LINE, of N bytes, which is device_del if ISDETACH. */
static void
attachBegin(MonitorAttach *attach,
            const char *line,
            size_t n,
            const char *id,
            bool isDetach)
{
    attachStore(attach, line, n, id);
    if (!isDetach) {
        attachEnter(attach, MONITOR_ATTACH_REQUESTED);
        return;
    }
    attach->question = MONITOR_QUESTION_TYPE;
    monitorDetachAsk(attach);
    attachEnter(attach, MONITOR_ATTACH_ASK_SEND);
}


size_t
monitorAttachJudgeLibvirt(MonitorFlow *flow,
                          const char *data,
                          size_t len,
                          bool ended,
                          void *opaque)
{
    MonitorAttach *attach = &((MonitorSession *) opaque)->status->attach;
    bool inLine = flow->inLine || flow->pass;
    size_t pos = 0;

    flow->held = 0;
    while (pos < len) {
        const size_t n = monitorLineLength(data + pos, len - pos);
        char id[MONITOR_ID_MAX + 1];
        const char *device;
        size_t deviceLen;
        const bool isDetach = !inLine && n > 0 &&
            monitorLineIsDetach(data + pos, n, id, &device, &deviceLen);
        const bool isAttach = !inLine && n > 0 && !isDetach &&
            monitorLineIsAttach(data + pos, n, id);

        /* The line is incomplete: wait for the rest, if the buffer has space for it. */
        if (isAttach || isDetach ||
            (!inLine && n == 0 && !ended && len - pos < MONITOR_CHUNK &&
             monitorLineMayBeCommand(data + pos, len - pos))) {
            if (pos > 0)
                return pos;
            if (n > 0 && attach->state == MONITOR_ATTACH_NONE)
                attachBegin(attach, data, n, id, isDetach);
            else
                flow->held = 1;
            return 0;
        }
        if (n == 0)
            return len;
        inLine = false;
        pos += n;
        if (attachHasText(attach->state))
            return pos;
    }
    return len;
}


/* Returns the id of the command whose reply is expected, or NULL. */
static const char *
attachGetAwaited(const MonitorAttach *attach)
{
    switch (attach->state) {
    case MONITOR_ATTACH_GETFD_WAIT:
        return ATTACH_GETFD_ID;
    case MONITOR_ATTACH_CLOSEFD_WAIT:
        return ATTACH_CLOSEFD_ID;
    case MONITOR_ATTACH_ASK_WAIT:
        return MONITOR_DETACH_ID;
    case MONITOR_ATTACH_DEVICE_WAIT:
        return attach->id;
    default:
        return NULL;
    }
}


/* Handles the expected reply, the first N bytes of DATA. Returns the number of bytes to forward to
 * libvirt. */
static size_t
attachTakeReply(MonitorAttach *attach,
                const char *data,
                size_t n,
                bool error)
{
    attach->dropLen = n;
    attach->dropError = error;
    switch (attach->state) {
    case MONITOR_ATTACH_GETFD_WAIT:
        attachEnter(attach, MONITOR_ATTACH_GETFD_DROP);
        return 0;
    case MONITOR_ATTACH_CLOSEFD_WAIT:
        attachEnter(attach, MONITOR_ATTACH_CLOSEFD_DROP);
        return 0;
    case MONITOR_ATTACH_ASK_WAIT:
        attach->next = monitorDetachJudge(attach->question, data, n);
        attachEnter(attach, MONITOR_ATTACH_ASK_DROP);
        return 0;
    default:
        attachEnter(attach, error && attach->answer == MONITOR_ANSWER_SEND_FD ?
                    MONITOR_ATTACH_CLOSEFD_SEND : MONITOR_ATTACH_RELEASE);
        return n;
    }
}


size_t
monitorAttachJudgeQEMU(MonitorFlow *flow,
                       const char *data,
                       size_t len,
                       bool ended,
                       void *opaque)
{
    MonitorAttach *attach = &((MonitorSession *) opaque)->status->attach;
    const char *awaited = attachGetAwaited(attach);
    bool inLine = flow->inLine;
    size_t pos = 0;

    flow->held = 0;
    /* The error for libvirt is sent between two lines. */
    if (attach->state == MONITOR_ATTACH_REFUSE_SEND) {
        const size_t n = inLine ? monitorLineLength(data, len) : 0;

        return inLine ? (n > 0 ? n : len) : 0;
    }
    while (awaited && pos < len) {
        const size_t n = monitorLineLength(data + pos, len - pos);
        bool error;

        if (!inLine && n == 0 && !ended) {
            if (pos > 0)
                return pos;
            if (len < MONITOR_CHUNK) {
                flow->held = 1;
                return 0;
            }
        }
        if (!inLine && n > 0 && monitorLineIsReply(data + pos, n, awaited, &error))
            return pos > 0 ? pos : attachTakeReply(attach, data, n, error);
        if (n == 0)
            return len;
        inLine = false;
        pos += n;
    }
    return len;
}
