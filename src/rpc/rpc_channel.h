/*
 * rpc_channel.h: one direction of a relayed connection
 *
 * Frames come in from one socket and go out to another. Whoever owns the
 * channel is shown each header and says what happens to the frame: pass it on
 * as it arrives, or collect it and hand it over. Frames may also be put in,
 * which happens between two frames that pass. File descriptors that belong
 * to a frame travel with it.
 *
 * A channel holds at most RPC_CHANNEL_BUFFER bytes that pass: when the
 * reader does not read, the writer is not read from. What is collected is
 * limited by the protocol (RPC_FRAME_MAX), and grows only as the bytes
 * really arrive. Both sockets must be non-blocking Unix sockets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_frame.h"

#include <glib.h>

/* Holds the largest frame that libvirt's streams send, and its successor's
 * beginning. */
#define RPC_CHANNEL_BUFFER (320 * 1024)

typedef struct _RPCChannel RPCChannel;

typedef enum {
    RPC_VERDICT_PASS,           /* forward it as it arrives */
    RPC_VERDICT_COLLECT,        /* collect it; the frame function gets it */
    RPC_VERDICT_WAIT,           /* ask again at the next rpcChannelPump() */
    RPC_VERDICT_REFUSE,         /* the sender breaks the protocol: nothing more is parsed */
} RPCVerdict;

/* A whole frame and the descriptors that came with it. */
typedef struct {
    GByteArray *bytes;
    int fds[RPC_FDS_MAX];
    guint nfds;
    gsize sent;                 /* of bytes, then of fds: kept by the channel */
    guint sentfds;
} RPCFrame;

typedef RPCVerdict (*RPCHeaderFunc)(RPCChannel *channel, const RPCHeader *header, void *opaque);

/* FRAME now belongs to the function. */
typedef void (*RPCFrameFunc)(RPCChannel *channel,
                             const RPCHeader *header,
                             RPCFrame *frame,
                             void *opaque);

typedef enum {
    RPC_CHANNEL_OK = 0,
    RPC_CHANNEL_ERROR_READ,         /* errno says why */
    RPC_CHANNEL_ERROR_WRITE,
    RPC_CHANNEL_ERROR_LENGTH,       /* a frame beyond libvirt's limits */
    RPC_CHANNEL_ERROR_FDS,          /* too many descriptors, or missing ones */
    RPC_CHANNEL_ERROR_REFUSED,      /* the header function said so */
} RPCChannelStatus;

RPCFrame *rpcFrameNew(GByteArray *bytes);

/* Closes descriptors that were not given away. */
void rpcFrameFree(RPCFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RPCFrame, rpcFrameFree)

/* A channel from the socket IN to the socket OUT, which stay the caller's.
 * FDTYPE is the type of frame that carries descriptors in this direction:
 * RPC_CALL_WITH_FDS or RPC_REPLY_WITH_FDS. */
RPCChannel *rpcChannelNew(int in,
                          int out,
                          RPCType fdtype,
                          RPCHeaderFunc headerFunc,
                          RPCFrameFunc frameFunc,
                          void *opaque);
void rpcChannelFree(RPCChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RPCChannel, rpcChannelFree)

/* Reads once what there is. */
RPCChannelStatus rpcChannelRead(RPCChannel *channel);

/* Parses and writes until there is nothing left to do or the receiver is
 * slow. */
RPCChannelStatus rpcChannelPump(RPCChannel *channel);

/* Puts FRAME, which now belongs to the channel, between the frames that
 * pass. */
void rpcChannelInject(RPCChannel *channel, RPCFrame *frame);

/* Bytes of injected frames that wait to be sent. */
gsize rpcChannelInjected(const RPCChannel *channel);

/* What to poll for, and what is the matter. */
gboolean rpcChannelWantsRead(const RPCChannel *channel);
gboolean rpcChannelWantsWrite(const RPCChannel *channel);
gboolean rpcChannelWaits(const RPCChannel *channel);    /* the header function said so */
gboolean rpcChannelAtEnd(const RPCChannel *channel);    /* the sender closed */
gboolean rpcChannelIsIdle(const RPCChannel *channel);   /* nothing is held, between two frames */

/* rpcChannelInFrame:
 * @channel: the channel
 *
 * Returns whether the sender has sent a header, but not yet all of its frame. Until
 * it has, no injected frame can go out. */
gboolean rpcChannelInFrame(const RPCChannel *channel);

/* rpcChannelOwes:
 * @channel: the channel
 *
 * Returns whether the receiver is still to get something that does not depend on what
 * the sender does: parsed bytes or injected frames. */
gboolean rpcChannelOwes(const RPCChannel *channel);

/* rpcChannelReceived, rpcChannelSent:
 * @channel: the channel
 *
 * Returns how many bytes the sender has sent, or the receiver has taken, so far: while
 * that does not change, it holds the channel up. */
guint64 rpcChannelReceived(const RPCChannel *channel);
guint64 rpcChannelSent(const RPCChannel *channel);

/* Whether a busy time has left memory, and giving it back. The channel must be
 * idle for that. */
gboolean rpcChannelCanTrim(const RPCChannel *channel);
void rpcChannelTrim(RPCChannel *channel);
