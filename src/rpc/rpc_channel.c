/*
 * rpc_channel.c: one direction of a relayed connection
 *
 * The buffer is
 *
 *     0 ........ start ........ ready ........ end ........ RPC_CHANNEL_BUFFER
 *       sent           may go          not judged    free
 *                      out             yet
 *
 * and the parser moves "ready" forward: over headers that it was told to
 * pass, and over their bodies as they arrive. Whatever must not overtake
 * (collecting, descriptors, injected frames) is done when start == ready.
 *
 * In the common case a frame costs one recvmsg() and one send().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef enum {
    STATE_HEADER = 0,           /* before or within a header */
    STATE_BODY,                 /* in a frame that is forwarded */
    STATE_FDS,                  /* before a descriptor that is forwarded */
    STATE_COLLECT,              /* in a frame that is collected */
    STATE_COLLECT_FDS,          /* before a descriptor of a collected frame */
} RPCChannelState;

struct _RPCChannel {
    int in;
    int out;
    RPCType fdtype;
    RPCHeaderFunc headerFunc;
    RPCFrameFunc frameFunc;
    void *opaque;

    guint8 *buf;
    gsize start;
    gsize ready;
    gsize end;
    gsize used;                 /* high-water mark since the last trim */
    gsize page;                 /* the size of a page; one page is kept */

    RPCChannelState state;
    RPCHeader header;           /* the header of the current frame */
    gsize remaining;            /* the bytes of the frame that have not been parsed */
    guint fdsLeft;              /* the descriptors of the frame that are missing */
    RPCFrame *frame;            /* the frame that is collected */

    int fds[RPC_FDS_MAX];       /* descriptors that were received and belong to no frame yet */
    guint nfds;

    GQueue injected;            /* of RPCFrame */
    gsize injectedBytes;
    guint64 received;           /* the number of all bytes */
    guint64 sent;

    gboolean eof;
    gboolean blocked;           /* the receiver's socket is full */
    gboolean waits;             /* the header function has returned RPC_VERDICT_WAIT */
};


RPCFrame *
rpcFrameNew(GByteArray *bytes)
{
    RPCFrame *frame = g_new0(RPCFrame, 1);

    frame->bytes = bytes;
    return frame;
}


void
rpcFrameFree(RPCFrame *frame)
{
    guint i;

    if (!frame)
        return;

    for (i = frame->sentfds; i < frame->nfds; i++)
        close(frame->fds[i]);
    if (frame->bytes)
        g_byte_array_unref(frame->bytes);
    g_free(frame);
}


RPCChannel *
rpcChannelNew(int in,
              int out,
              RPCType fdtype,
              RPCHeaderFunc headerFunc,
              RPCFrameFunc frameFunc,
              void *opaque)
{
    RPCChannel *channel = g_new0(RPCChannel, 1);

    channel->in = in;
    channel->out = out;
    channel->fdtype = fdtype;
    channel->headerFunc = headerFunc;
    channel->frameFunc = frameFunc;
    channel->opaque = opaque;
    g_queue_init(&channel->injected);
    channel->page = sysconf(_SC_PAGESIZE);

    /* Not allocated by malloc(): unused pages require no memory, and rpcChannelTrim() frees the
     * others. */
    channel->buf = mmap(NULL, RPC_CHANNEL_BUFFER, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (channel->buf == MAP_FAILED)
        g_error("cannot allocate %d bytes", RPC_CHANNEL_BUFFER);
    return channel;
}


static void
rpcChannelCloseFDs(RPCChannel *channel)
{
    while (channel->nfds > 0)
        close(channel->fds[--channel->nfds]);
}


void
rpcChannelFree(RPCChannel *channel)
{
    if (!channel)
        return;

    rpcChannelCloseFDs(channel);
    rpcFrameFree(channel->frame);
    while (!g_queue_is_empty(&channel->injected))
        rpcFrameFree(g_queue_pop_head(&channel->injected));
    munmap(channel->buf, RPC_CHANNEL_BUFFER);
    g_free(channel);
}


/* Stores the descriptors of a control message. There is space for all of them, because nothing is
 * read while a descriptor belongs to no frame. */
static void
rpcChannelTakeFDs(RPCChannel *channel, struct msghdr *msg)
{
    struct cmsghdr *cmsg;

    for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
        gsize count;
        gsize i;

        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;

        count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
            if (channel->nfds < RPC_FDS_MAX)
                channel->fds[channel->nfds++] = fd;
            else
                close(fd);
        }
    }
}


RPCChannelStatus
rpcChannelRead(RPCChannel *channel)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int) * RPC_FDS_MAX)];
    } control;
    struct iovec iov;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t got;

    if (channel->end == RPC_CHANNEL_BUFFER) {
        if (channel->start == 0)
            return RPC_CHANNEL_OK;
        memmove(channel->buf, channel->buf + channel->start, channel->end - channel->start);
        channel->ready -= channel->start;
        channel->end -= channel->start;
        channel->start = 0;
    }

    iov.iov_base = channel->buf + channel->end;
    iov.iov_len = RPC_CHANNEL_BUFFER - channel->end;
    msg.msg_control = control.buf;
    msg.msg_controllen = sizeof(control.buf);

    do {
        got = recvmsg(channel->in, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0)
        return errno == EAGAIN ? RPC_CHANNEL_OK : RPC_CHANNEL_ERROR_READ;

    if (got == 0) {
        channel->eof = TRUE;
        return RPC_CHANNEL_OK;
    }

    if (msg.msg_controllen > 0)
        rpcChannelTakeFDs(channel, &msg);

    channel->end += got;
    channel->received += got;
    channel->used = MAX(channel->used, channel->end);
    return RPC_CHANNEL_OK;
}


/* Sends DATA, of LEN bytes. Returns the number of bytes sent, which is 0 if the receiver's socket
 * is full, or -1. */
static gssize
rpcChannelSend(RPCChannel *channel, const guint8 *data, gsize len)
{
    ssize_t sent;

    do {
        sent = send(channel->out, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);

    if (sent < 0 && errno == EAGAIN) {
        channel->blocked = TRUE;
        return 0;
    }
    if (sent > 0)
        channel->sent += sent;
    return sent;
}


/* Sends one descriptor with a separate byte, as libvirt does. Returns 1, or 0 if the receiver's
 * socket is full, or -1 on error. */
static int
rpcChannelSendFD(RPCChannel *channel, guint8 byte, int fd)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr *cmsg;
    ssize_t sent;

    memset(&control, 0, sizeof(control));
    msg.msg_control = control.buf;
    msg.msg_controllen = sizeof(control.buf);
    cmsg = CMSG_FIRSTHDR(&msg);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));

    do {
        sent = sendmsg(channel->out, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);

    if (sent < 0 && errno == EAGAIN) {
        channel->blocked = TRUE;
        return 0;
    }
    return sent < 0 ? -1 : 1;
}


/* Returns the oldest unclaimed descriptor, or -1. */
static int
rpcChannelClaimFD(RPCChannel *channel)
{
    int fd;

    if (channel->nfds == 0)
        return -1;

    fd = channel->fds[0];
    channel->nfds--;
    memmove(channel->fds, channel->fds + 1, channel->nfds * sizeof(int));
    return fd;
}


typedef enum {
    STEP_ERROR = -1,
    STEP_STOP = 0,              /* more input is required, or it must be called again later */
    STEP_AGAIN = 1,
} RPCChannelStep;


/* Processes a header. The data before it has been parsed, but not necessarily sent. */
static RPCChannelStep
rpcChannelStepHeader(RPCChannel *channel, RPCChannelStatus *status)
{
    const guint8 *data = channel->buf + channel->ready;
    gsize have = channel->end - channel->ready;
    RPCHeader *header = &channel->header;
    guint32 nfds = 0;

    /* The length is validated as soon as it has been received, as in libvirt. */
    if (have >= 4 && !rpcLengthIsValid(rpcGetU32(data))) {
        channel->header.length = rpcGetU32(data);
        *status = RPC_CHANNEL_ERROR_LENGTH;
        return STEP_ERROR;
    }
    if (have < RPC_HEADER_SIZE)
        return STEP_STOP;

    rpcHeaderDecode(data, header);

    if (G_UNLIKELY(header->type == (guint32) channel->fdtype)) {
        if (header->length < RPC_HEADER_SIZE + 4) {
            *status = RPC_CHANNEL_ERROR_LENGTH;
            return STEP_ERROR;
        }
        if (have < RPC_HEADER_SIZE + 4)
            return STEP_STOP;
        nfds = rpcGetU32(data + RPC_HEADER_SIZE);
        if (nfds > RPC_FDS_MAX) {
            *status = RPC_CHANNEL_ERROR_FDS;
            return STEP_ERROR;
        }
    }

    channel->waits = FALSE;
    switch (channel->headerFunc(channel, header, channel->opaque)) {
    case RPC_VERDICT_PASS:
        channel->state = STATE_BODY;
        break;
    case RPC_VERDICT_COLLECT:
        channel->frame = rpcFrameNew(g_byte_array_new());
        channel->state = STATE_COLLECT;
        break;
    case RPC_VERDICT_WAIT:
        channel->waits = TRUE;
        return STEP_STOP;
    case RPC_VERDICT_REFUSE:
        *status = RPC_CHANNEL_ERROR_REFUSED;
        return STEP_ERROR;
    }

    channel->remaining = header->length;
    channel->fdsLeft = nfds;
    return STEP_AGAIN;
}


static RPCChannelStep
rpcChannelStepBody(RPCChannel *channel)
{
    gsize n = MIN(channel->remaining, channel->end - channel->ready);

    channel->ready += n;
    channel->remaining -= n;
    if (channel->remaining > 0)
        return STEP_STOP;

    channel->state = channel->fdsLeft > 0 ? STATE_FDS : STATE_HEADER;
    return STEP_AGAIN;
}


static RPCChannelStep
rpcChannelStepFD(RPCChannel *channel, RPCChannelStatus *status)
{
    int rc;

    if (channel->end == channel->ready)
        return STEP_STOP;

    if (channel->nfds == 0) {
        *status = RPC_CHANNEL_ERROR_FDS;
        return STEP_ERROR;
    }

    rc = rpcChannelSendFD(channel, channel->buf[channel->ready], channel->fds[0]);
    if (rc < 0) {
        *status = RPC_CHANNEL_ERROR_WRITE;
        return STEP_ERROR;
    }
    if (rc == 0)
        return STEP_STOP;

    close(rpcChannelClaimFD(channel));
    channel->start++;
    channel->ready++;
    if (--channel->fdsLeft == 0)
        channel->state = STATE_HEADER;
    return STEP_AGAIN;
}


static void
rpcChannelDeliver(RPCChannel *channel)
{
    RPCFrame *frame = g_steal_pointer(&channel->frame);
    RPCHeader header = channel->header;

    channel->state = STATE_HEADER;
    channel->frameFunc(channel, &header, frame, channel->opaque);
}


static RPCChannelStep
rpcChannelStepCollect(RPCChannel *channel)
{
    gsize n = MIN(channel->remaining, channel->end - channel->ready);

    g_byte_array_append(channel->frame->bytes, channel->buf + channel->ready, n);
    channel->ready += n;
    channel->start = channel->ready;
    channel->remaining -= n;
    if (channel->remaining > 0)
        return STEP_STOP;

    if (channel->fdsLeft > 0)
        channel->state = STATE_COLLECT_FDS;
    else
        rpcChannelDeliver(channel);
    return STEP_AGAIN;
}


static RPCChannelStep
rpcChannelStepCollectFD(RPCChannel *channel, RPCChannelStatus *status)
{
    if (channel->end == channel->ready)
        return STEP_STOP;

    if (channel->nfds == 0) {
        *status = RPC_CHANNEL_ERROR_FDS;
        return STEP_ERROR;
    }

    channel->frame->fds[channel->frame->nfds++] = rpcChannelClaimFD(channel);
    channel->start++;
    channel->ready++;
    if (--channel->fdsLeft == 0)
        rpcChannelDeliver(channel);
    return STEP_AGAIN;
}


/* Sends the first of the injected frames. */
static RPCChannelStep
rpcChannelStepInjected(RPCChannel *channel, RPCChannelStatus *status)
{
    RPCFrame *frame = g_queue_peek_head(&channel->injected);

    while (frame->sent < frame->bytes->len) {
        gssize n = rpcChannelSend(channel, frame->bytes->data + frame->sent,
                                  frame->bytes->len - frame->sent);

        if (n < 0) {
            *status = RPC_CHANNEL_ERROR_WRITE;
            return STEP_ERROR;
        }
        if (n == 0)
            return STEP_STOP;
        frame->sent += n;
        channel->injectedBytes -= n;
    }

    while (frame->sentfds < frame->nfds) {
        int rc = rpcChannelSendFD(channel, 0, frame->fds[frame->sentfds]);

        if (rc < 0) {
            *status = RPC_CHANNEL_ERROR_WRITE;
            return STEP_ERROR;
        }
        if (rc == 0)
            return STEP_STOP;
        close(frame->fds[frame->sentfds++]);
    }

    rpcFrameFree(g_queue_pop_head(&channel->injected));
    return STEP_AGAIN;
}


/* Sends what was parsed. */
static RPCChannelStep
rpcChannelFlush(RPCChannel *channel, RPCChannelStatus *status)
{
    while (channel->start < channel->ready) {
        gssize n = rpcChannelSend(channel, channel->buf + channel->start,
                                  channel->ready - channel->start);

        if (n < 0) {
            *status = RPC_CHANNEL_ERROR_WRITE;
            return STEP_ERROR;
        }
        if (n == 0)
            return STEP_STOP;
        channel->start += n;
    }

    if (channel->start == channel->end)
        channel->start = channel->ready = channel->end = 0;
    return STEP_AGAIN;
}


static RPCChannelStep
rpcChannelStep(RPCChannel *channel, RPCChannelStatus *status)
{
    RPCChannelStep step;

    switch (channel->state) {
    case STATE_HEADER:
        if (G_UNLIKELY(!g_queue_is_empty(&channel->injected))) {
            if ((step = rpcChannelFlush(channel, status)) != STEP_AGAIN)
                return step;
            return rpcChannelStepInjected(channel, status);
        }
        return rpcChannelStepHeader(channel, status);
    case STATE_BODY:
        return rpcChannelStepBody(channel);
    case STATE_FDS:
    case STATE_COLLECT:
    case STATE_COLLECT_FDS:
        if ((step = rpcChannelFlush(channel, status)) != STEP_AGAIN)
            return step;
        break;
    }

    if (channel->state == STATE_FDS)
        return rpcChannelStepFD(channel, status);
    if (channel->state == STATE_COLLECT)
        return rpcChannelStepCollect(channel);
    return rpcChannelStepCollectFD(channel, status);
}


RPCChannelStatus
rpcChannelPump(RPCChannel *channel)
{
    RPCChannelStatus status = RPC_CHANNEL_OK;
    RPCChannelStep step;

    channel->blocked = FALSE;
    do {
        step = rpcChannelStep(channel, &status);
    } while (step == STEP_AGAIN);

    /* Valid data before a malformed frame is still sent. */
    if (!channel->blocked && rpcChannelFlush(channel, &status) == STEP_ERROR)
        step = STEP_ERROR;

    if (step == STEP_ERROR)
        return status;

    /* A descriptor arrives with the last byte of a read. If this byte was parsed and no frame
     * has used the descriptor, no frame will use it. */
    if (G_UNLIKELY(channel->nfds > 0) && !channel->blocked && !channel->waits)
        rpcChannelCloseFDs(channel);
    return RPC_CHANNEL_OK;
}


void
rpcChannelInject(RPCChannel *channel, RPCFrame *frame)
{
    channel->injectedBytes += frame->bytes->len;
    g_queue_push_tail(&channel->injected, frame);
}


gsize
rpcChannelInjected(const RPCChannel *channel)
{
    return channel->injectedBytes;
}


gboolean
rpcChannelWantsRead(const RPCChannel *channel)
{
    return !channel->eof && channel->nfds == 0 &&
        channel->end - channel->start < RPC_CHANNEL_BUFFER;
}


gboolean
rpcChannelWantsWrite(const RPCChannel *channel)
{
    return channel->blocked;
}


gboolean
rpcChannelWaits(const RPCChannel *channel)
{
    return channel->waits;
}


gboolean
rpcChannelAtEnd(const RPCChannel *channel)
{
    return channel->eof;
}


gboolean
rpcChannelIsIdle(const RPCChannel *channel)
{
    return channel->state == STATE_HEADER && channel->start == channel->end &&
        g_queue_is_empty((GQueue *) &channel->injected);
}


gboolean
rpcChannelInFrame(const RPCChannel *channel)
{
    return channel->state != STATE_HEADER;
}


gboolean
rpcChannelOwes(const RPCChannel *channel)
{
    return channel->start < channel->ready || !g_queue_is_empty((GQueue *) &channel->injected);
}


guint64
rpcChannelReceived(const RPCChannel *channel)
{
    return channel->received;
}


guint64
rpcChannelSent(const RPCChannel *channel)
{
    return channel->sent;
}


gboolean
rpcChannelCanTrim(const RPCChannel *channel)
{
    return channel->used > channel->page;
}


void
rpcChannelTrim(RPCChannel *channel)
{
    if (!rpcChannelIsIdle(channel) || !rpcChannelCanTrim(channel))
        return;
    madvise(channel->buf + channel->page, RPC_CHANNEL_BUFFER - channel->page, MADV_DONTNEED);
    channel->used = 0;
}
