/*
 * fuzz-monitor.c: any bytes from libvirt and QEMU, through the relay of emulatedpci-monitor
 *
 * The first byte selects the result of commands, the second one the size of the pieces in which the
 * rest is sent. The rest up to a byte 0xff is sent by libvirt, and the bytes after it by QEMU.
 *
 * The relay must forward all bytes unchanged, except for commands that attach or detach a device and
 * for replies to the relay's own commands.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "monitor_attach.h"
#include "monitor_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The maximum number of bytes that are read from each side, which fit into a socket */
#define INPUT_MAX 16384

typedef struct {
    MonitorSession session;
    int peers[2];               /* indexed by the direction of the data that is read from them */
    GByteArray *received[2];
    bool attached;              /* whether a command was translated, checked or rejected */
    gsize questions;            /* the number of questions about devices */
    guint8 answer;
} Run;


/* Acts as the guard. */
static void
follow(Run *run)
{
    static const guint32 answers[] = {
        MONITOR_ANSWER_REFUSE, MONITOR_ANSWER_PASS, MONITOR_ANSWER_SEND, MONITOR_ANSWER_SEND_FD,
    };
    MonitorAttach *attach = &run->session.status->attach;

    g_assert_cmpuint(strlen(attach->line), ==, attach->lineLen);
    attach->answer = answers[run->answer % G_N_ELEMENTS(answers)];
    if (attach->answer == MONITOR_ANSWER_REFUSE) {
        monitorAttachRefuse(attach, "no");
    } else {
        g_strlcpy(attach->text, "{\"execute\":\"other\"}\n", sizeof(attach->text));
        attach->textLen = strlen(attach->text);
    }
    run->attached |= attach->answer != MONITOR_ANSWER_PASS;
    run->answer /= G_N_ELEMENTS(answers);
    if (run->session.link < 0)
        run->session.link = fcntl(run->session.qemu, F_DUPFD_CLOEXEC, 3);
    attach->state = MONITOR_ATTACH_ANSWERED;
}


static void
receive(Run *run)
{
    guint8 buf[4096];
    ssize_t got;
    int i;

    for (i = 0; i < 2; i++) {
        while ((got = recv(run->peers[i], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
            g_byte_array_append(run->received[i], buf, got);
    }
}


/* Acts as a worker until no data is left. */
static void
work(Run *run)
{
    MonitorStatus *status = run->session.status;
    bool moved = true;
    int i;

    while (moved) {
        MonitorFlowResult result;
        MonitorDirection direction;
        const guint32 before = status->attach.state;

        monitorAttachRun(&run->session, &result, &direction);
        moved = status->attach.state == MONITOR_ATTACH_REQUESTED;
        if (moved)
            follow(run);
        for (i = 0; i < 2; i++) {
            MonitorFlow *flow = &status->flow[i];

            if (flow->owed == 0 && monitorAttachIsPaused(status, i))
                continue;
            result = monitorFlowRun(flow, i == MONITOR_TO_QEMU ? run->session.libvirt : run->session.qemu,
                                    i == MONITOR_TO_QEMU ? run->session.qemu : run->session.libvirt,
                                    i == MONITOR_TO_QEMU ? monitorAttachJudgeLibvirt :
                                    monitorAttachJudgeQEMU, &run->session);
            moved |= result == MONITOR_FLOW_MOVED;
        }
        if (status->attach.state != before && status->attach.state == MONITOR_ATTACH_ASK_SEND) {
            run->attached = true;
            run->questions++;
        }
        moved |= status->attach.state != before;
        receive(run);
    }
}


/* Sends DATA from the side that is read in DIRECTION, in pieces of STEP bytes. Returns how many
 * bytes were sent: a socket has room for a few hundred pieces that wait for the end of a line. */
static gsize
feed(Run *run, MonitorDirection direction, const guint8 *data, gsize len, gsize step)
{
    const int fd = run->peers[direction == MONITOR_TO_QEMU ? MONITOR_TO_LIBVIRT : MONITOR_TO_QEMU];

    gsize sent = 0;

    while (sent < len) {
        const ssize_t n = send(fd, data + sent, MIN(step, len - sent), MSG_NOSIGNAL);

        if (n < 0) {
            g_assert_cmpint(errno, ==, EAGAIN);
            break;
        }
        sent += n;
        work(run);
    }
    return sent;
}


static void
check(const Run *run, MonitorDirection direction, const guint8 *data, gsize len)
{
    const GByteArray *received = run->received[direction];

    if (!run->attached)
        g_assert_cmpmem(received->data, received->len, data, len);
    /* A reply is not longer than the data that it replaces and the error in it. */
    g_assert_cmpuint(received->len, <=, len + MONITOR_TEXT_MAX * (1 + run->questions));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    static MonitorStatus status;
    Run run = { .session = { .status = &status, .guard = -1 } };
    const guint8 *border;
    gsize step;
    gsize len[2];
    int ends[2][2];
    int i;

    if (size < 2)
        return 0;
    run.answer = data[0];
    step = data[1] == 0 ? INPUT_MAX : data[1];
    data += 2;
    size -= 2;
    border = memchr(data, 0xff, size);
    len[MONITOR_TO_QEMU] = MIN(border ? (gsize) (border - data) : size, INPUT_MAX);
    len[MONITOR_TO_LIBVIRT] = border ? MIN(size - (border + 1 - data), INPUT_MAX) : 0;

    memset(&status, 0, sizeof(status));
    for (i = 0; i < 2; i++) {
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends[i]), ==, 0);
        run.peers[i] = ends[i][1];
        run.received[i] = g_byte_array_new();
    }
    run.session.qemu = ends[MONITOR_TO_QEMU][0];
    run.session.libvirt = ends[MONITOR_TO_LIBVIRT][0];
    run.session.link = -1;

    len[MONITOR_TO_QEMU] = feed(&run, MONITOR_TO_QEMU, data, len[MONITOR_TO_QEMU], step);
    len[MONITOR_TO_LIBVIRT] = feed(&run, MONITOR_TO_LIBVIRT, border ? border + 1 : data,
                                   len[MONITOR_TO_LIBVIRT], step);
    /* Both sides end: an incomplete line is not held back any more. */
    for (i = 0; i < 2; i++)
        shutdown(run.peers[i], SHUT_WR);
    work(&run);
    check(&run, MONITOR_TO_QEMU, data, len[MONITOR_TO_QEMU]);
    check(&run, MONITOR_TO_LIBVIRT, border ? border + 1 : data, len[MONITOR_TO_LIBVIRT]);

    monitorAttachCloseLink(&run.session);
    for (i = 0; i < 2; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
        g_byte_array_unref(run.received[i]);
    }
    return 0;
}
