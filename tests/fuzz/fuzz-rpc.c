/*
 * fuzz-rpc.c: any bytes from a client, and from upstream
 *
 * The bytes are sent through a channel; every frame of a procedure that carries XML is collected
 * and rewritten (lowered or lifted). The output must consist of frames within libvirt's limits, and
 * have as many bytes as the input unless a frame was rewritten or rejected.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "procedures.h"
#include "rewrite.h"
#include "rpc_channel.h"
#include "rpc_message.h"

#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The number of bytes that a socket always accepts at once */
#define INPUT_MAX 65536

typedef struct {
    gboolean rewritten;
} FuzzState;


static RPCVerdict
fuzzHeader(RPCChannel *channel, const RPCHeader *header, void *opaque)
{
    (void) channel;
    (void) opaque;
    g_assert_true(rpcLengthIsValid(header->length));
    return procedureLookup(header->procedure) ? RPC_VERDICT_COLLECT : RPC_VERDICT_PASS;
}


static void
fuzzFrame(RPCChannel *channel, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    const Procedure *proc = procedureLookup(header->procedure);
    gsize offset = RPC_HEADER_SIZE + (header->type == RPC_CALL_WITH_FDS ? 4 : 0);
    RewriteFunc func = header->type == RPC_REPLY ? projectionLift : projectionLower;
    g_autoptr(GByteArray) out = NULL;
    g_autoptr(GError) err = NULL;
    FuzzState *state = opaque;
    RewriteArguments args;

    g_assert_cmpuint(frame->bytes->len, ==, header->length);
    (void) rewriteRead(proc, frame->bytes, offset, &args);

    switch (rewriteFrame(proc, frame->bytes, offset, func, NULL, &out, &err)) {
    case PROJECTION_ERROR:
        g_byte_array_unref(frame->bytes);
        frame->bytes = rpcMessageNewError(header, err->code, 20, err->message, 0);
        state->rewritten = TRUE;
        break;
    case PROJECTION_UNCHANGED:
        break;
    case PROJECTION_CHANGED:
        g_byte_array_unref(frame->bytes);
        frame->bytes = g_steal_pointer(&out);
        state->rewritten = TRUE;
        break;
    }
    g_assert_cmpuint(rpcGetU32(frame->bytes->data), ==, frame->bytes->len);
    rpcChannelInject(channel, frame);
}


static gsize
drain(int fd)
{
    char buf[8192];
    gsize total = 0;
    ssize_t got;

    while ((got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        total += got;
    return total;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzState state = { 0 };
    RPCChannelStatus status = RPC_CHANNEL_OK;
    RPCChannel *channel;
    gsize total = 0;
    int a[2];
    int b[2];

    if (size == 0 || size > INPUT_MAX)
        return 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b) < 0)
        g_error("no sockets");
    channel = rpcChannelNew(a[1], b[0], RPC_CALL_WITH_FDS, fuzzHeader, fuzzFrame, &state);

    g_assert_cmpint(send(a[0], data, size, MSG_DONTWAIT), ==, size);
    close(a[0]);
    while (status == RPC_CHANNEL_OK && (!rpcChannelAtEnd(channel) || rpcChannelWantsWrite(channel))) {
        if (rpcChannelWantsRead(channel))
            status = rpcChannelRead(channel);
        if (status == RPC_CHANNEL_OK)
            status = rpcChannelPump(channel);
        total += drain(b[1]);
    }
    if (!state.rewritten)
        g_assert_cmpuint(total, <=, size);

    rpcChannelFree(channel);
    close(a[1]);
    close(b[0]);
    close(b[1]);
    return 0;
}
