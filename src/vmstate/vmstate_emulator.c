/*
 * vmstate_emulator.c: requests registers from an emulator, and restores them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_emulator.h"

#include "gettext.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define _(s) gettext(s)

#define CALL_MESSAGE_MAX (EMULATOR_STATE_HEADER + EMULATOR_STATE_MAX)

typedef struct {
    guint32 command;        /* EmulatorStateCommand */
    guint32 device;
    guint32 sequence;
    guint32 reserved;
    guint8 registers[EMULATOR_STATE_MAX];
} CallRequest;

typedef enum {
    CALL_REPLY = 0,     /* a reply was received */
    CALL_REPEAT,        /* there was no reply in time */
    CALL_FAILED,        /* errno is set */
} CallResult;


static gboolean
callIsFarewell(const VMStateReply *reply)
{
    return reply->sequence == 0 && reply->closed == EMULATOR_STATUS_GONE;
}


/* Receives a message into REPLY, truncated to CALL_MESSAGE_MAX bytes. Returns its original length, 0
 * if the emulator has ended, or -1 with errno set. */
static ssize_t
callReceive(int fd,
            VMStateReply *reply)
{
    ssize_t got;

    /* The kernel returns ECONNRESET once, before the last messages, if the emulator has ended and
     * has not read a request. */
    do {
        got = recv(fd, reply, CALL_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);
    } while (got < 0 && errno == ECONNRESET);
    return got;
}


/* Returns whether the emulator has reported its exit. Late replies are dropped. */
static gboolean
callReadFarewell(int fd,
                 VMStateReply *reply)
{
    ssize_t got;

    while ((got = callReceive(fd, reply)) > 0) {
        if (got >= EMULATOR_STATE_HEADER && got <= CALL_MESSAGE_MAX && callIsFarewell(reply)) {
            reply->nregisters = 0;
            return TRUE;
        }
    }
    return FALSE;
}


gboolean
vmstateEmulatorHasLeft(int fd)
{
    VMStateReply reply;

    return callReadFarewell(fd, &reply);
}


/* Waits for the reply to request SEQUENCE, until UNTIL. Late replies to requests
 * before are dropped. */
static CallResult
callWait(int fd,
         guint32 sequence,
         VMStateReply *reply,
         gint64 until)
{
    for (;;) {
        const gint64 left = (until - g_get_monotonic_time() + 999) / 1000;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        ssize_t got;
        int rc;

        if (left <= 0)
            return CALL_REPEAT;
        rc = poll(&p, 1, left);
        if (rc < 0 && errno != EINTR)
            return CALL_FAILED;
        if (rc <= 0)
            continue;

        got = callReceive(fd, reply);
        if (got >= EMULATOR_STATE_HEADER && got <= CALL_MESSAGE_MAX &&
            (reply->sequence == sequence || callIsFarewell(reply))) {
            reply->nregisters = got - EMULATOR_STATE_HEADER;
            return CALL_REPLY;
        }
        if (got == 0) {
            errno = ECONNRESET;
            return CALL_FAILED;
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return CALL_FAILED;
    }
}


static gboolean
callSend(int fd,
         const CallRequest *request,
         gsize len)
{
    return send(fd, request, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}


/* Returns the sequence number of the next request. It is unique among the requests to all emulators. */
static guint32
callNext(void)
{
    static guint32 sequence;

    return ++sequence;
}


/* Sends REQUEST, of LEN bytes, unless it was SENT, and repeats it until there is a reply. A request
 * that was sent gets another number when it is repeated, because the emulator may have executed
 * later ones, and executes no request to restore registers whose number is lower. */
static CallResult
callRepeat(int fd,
           CallRequest *request,
           gsize len,
           gboolean sent,
           VMStateReply *reply)
{
    const gint64 deadline = g_get_monotonic_time() + VMSTATE_EMULATOR_TIMEOUT * INT64_C(1000);
    CallResult result = CALL_REPEAT;
    int times;

    reply->repeated = FALSE;

    /* An emulator that has exited does not receive the request. */
    if (!sent && callReadFarewell(fd, reply))
        return CALL_REPLY;
    for (times = 0; result == CALL_REPEAT && g_get_monotonic_time() < deadline; times++) {
        if (times == 1 && sent)
            request->sequence = callNext();
        if ((times > 0 || !sent) && !callSend(fd, request, len) && errno != EAGAIN && errno != EINTR)
            return CALL_FAILED;
        result = callWait(fd, request->sequence, reply,
                          MIN(deadline, g_get_monotonic_time() + VMSTATE_EMULATOR_REPEAT * INT64_C(1000)));
    }
    if (result == CALL_REPEAT)
        errno = ETIMEDOUT;
    reply->repeated = times > 1;
    return result == CALL_REPLY ? result : CALL_FAILED;
}


static void
callInit(CallRequest *request,
         EmulatorStateCommand command,
         guint device,
         const guint8 *registers,
         gsize n)
{
    *request = (CallRequest) { .command = command, .device = device };
    if (n > 0)
        memcpy(request->registers, registers, n);
}


guint32
vmstateEmulatorSend(int fd,
                    EmulatorStateCommand command,
                    guint device,
                    const guint8 *registers,
                    gsize n)
{
    CallRequest request;

    callInit(&request, command, device, registers, n);
    request.sequence = callNext();
    return callSend(fd, &request, EMULATOR_STATE_HEADER + n) ? request.sequence : 0;
}


gboolean
vmstateEmulatorCall(int fd,
                    EmulatorStateCommand command,
                    guint device,
                    const guint8 *registers,
                    gsize n,
                    guint32 sent,
                    VMStateReply *reply,
                    GError **err)
{
    CallRequest request;

    callInit(&request, command, device, registers, n);
    request.sequence = sent ? sent : callNext();

    if (callRepeat(fd, &request, EMULATOR_STATE_HEADER + n, sent != 0, reply) == CALL_FAILED) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("its emulator does not answer: %1$s"), g_strerror(errno));
        return FALSE;
    }
    if (reply->error != 0) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("its emulator refuses: %1$s"), g_strerror(reply->error));
        return FALSE;
    }
    return TRUE;
}
