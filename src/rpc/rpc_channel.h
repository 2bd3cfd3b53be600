/*
 * rpc_channel.h: one direction of a relayed connection
 *
 * A channel reads frames from one socket and writes them to another. Its owner gets each
 * header and decides whether the frame is forwarded as it arrives, or collected and
 * passed to the owner. Further frames can be injected between two forwarded frames. File
 * descriptors are forwarded with their frame.
 *
 * A channel buffers at most RPC_CHANNEL_BUFFER bytes of forwarded frames: it does not
 * read from the sender while the receiver does not read. Collected frames are limited by
 * the protocol (RPC_FRAME_MAX), and memory is allocated as the data arrives. Both sockets
 * must be non-blocking UNIX sockets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_frame.h"

#include <glib.h>

/* Size of the buffer, in bytes: the largest frame of libvirt's streams and the beginning of
 * the next one */
#define RPC_CHANNEL_BUFFER (320 * 1024)

typedef struct _RPCChannel RPCChannel;

typedef enum {
    RPC_VERDICT_PASS,           /* forward it as it arrives */
    RPC_VERDICT_COLLECT,        /* collect it and call the frame function */
    RPC_VERDICT_WAIT,           /* call the header function again at the next rpcChannelPump() */
    RPC_VERDICT_REFUSE,         /* the sender violates the protocol: stop parsing */
} RPCVerdict;

/* A whole frame and the descriptors that came with it. */
typedef struct {
    GByteArray *bytes;
    int fds[RPC_FDS_MAX];
    guint nfds;
    gsize sent;                 /* the number of bytes sent, and of descriptors; set by the channel */
    guint sentfds;
} RPCFrame;

typedef RPCVerdict (*RPCHeaderFunc)(RPCChannel *channel, const RPCHeader *header, void *opaque);

/* Handles a collected frame. The function takes ownership of FRAME. */
typedef void (*RPCFrameFunc)(RPCChannel *channel,
                             const RPCHeader *header,
                             RPCFrame *frame,
                             void *opaque);

typedef enum {
    RPC_CHANNEL_OK = 0,
    RPC_CHANNEL_ERROR_READ,         /* errno is set */
    RPC_CHANNEL_ERROR_WRITE,
    RPC_CHANNEL_ERROR_LENGTH,       /* a frame beyond libvirt's limits */
    RPC_CHANNEL_ERROR_FDS,          /* too many descriptors, or missing ones */
    RPC_CHANNEL_ERROR_REFUSED,      /* the header function returned RPC_VERDICT_REFUSE */
} RPCChannelStatus;

/**
 * rpcFrameNew:
 * @bytes: the frame; the result takes ownership
 *
 * Returns a frame without file descriptors, to be freed with rpcFrameFree(). Never NULL.
 */
RPCFrame *rpcFrameNew(GByteArray *bytes);

/**
 * rpcFrameFree:
 * @frame: a frame, or NULL
 *
 * Frees a frame and closes its descriptors, except for those that were sent.
 */
void rpcFrameFree(RPCFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RPCFrame, rpcFrameFree)

/**
 * rpcChannelNew:
 * @in, @out: the sockets of the sender and the receiver; the caller closes them
 * @fdtype: the type of frames with descriptors in this direction, RPC_CALL_WITH_FDS or
 *          RPC_REPLY_WITH_FDS
 * @headerFunc: called for each header
 * @frameFunc: called for each collected frame
 * @opaque: passed to both functions
 *
 * Returns a channel, to be freed with rpcChannelFree().
 */
RPCChannel *rpcChannelNew(int in,
                          int out,
                          RPCType fdtype,
                          RPCHeaderFunc headerFunc,
                          RPCFrameFunc frameFunc,
                          void *opaque);

/**
 * rpcChannelFree:
 * @channel: the channel, or NULL
 *
 * Frees the channel, the frames in it, and the descriptors that have not been sent. The sockets
 * belong to the caller.
 */
void rpcChannelFree(RPCChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RPCChannel, rpcChannelFree)

/**
 * rpcChannelRead:
 * @channel: the channel
 *
 * Reads once from the sender, without waiting.
 *
 * Returns the status.
 */
RPCChannelStatus rpcChannelRead(RPCChannel *channel);

/**
 * rpcChannelPump:
 * @channel: the channel
 *
 * Parses and writes until all data is processed or the receiver's socket is full.
 *
 * Returns the status.
 */
RPCChannelStatus rpcChannelPump(RPCChannel *channel);

/**
 * rpcChannelInject:
 * @channel: the channel
 * @frame: a frame; the channel takes ownership
 *
 * Sends a frame between two forwarded frames.
 */
void rpcChannelInject(RPCChannel *channel, RPCFrame *frame);

/**
 * rpcChannelInjected:
 * @channel: the channel
 *
 * Returns the number of bytes of injected frames that have not been sent.
 */
gsize rpcChannelInjected(const RPCChannel *channel);

/**
 * rpcChannelWantsRead:
 * @channel: the channel
 *
 * Returns TRUE if rpcChannelRead() can read more from the sender.
 */
gboolean rpcChannelWantsRead(const RPCChannel *channel);

/**
 * rpcChannelWantsWrite:
 * @channel: the channel
 *
 * Returns TRUE if the receiver's socket was full.
 */
gboolean rpcChannelWantsWrite(const RPCChannel *channel);

/**
 * rpcChannelWaits:
 * @channel: the channel
 *
 * Returns TRUE after RPC_VERDICT_WAIT, until the header function has been called again.
 */
gboolean rpcChannelWaits(const RPCChannel *channel);    /* after RPC_VERDICT_WAIT */

/**
 * rpcChannelAtEnd:
 * @channel: the channel
 *
 * Returns TRUE if the sender has closed its socket.
 */
gboolean rpcChannelAtEnd(const RPCChannel *channel);    /* the sender has closed its socket */

/**
 * rpcChannelIsIdle:
 * @channel: the channel
 *
 * Returns TRUE if the channel is between two frames and its buffers are empty.
 */
gboolean rpcChannelIsIdle(const RPCChannel *channel);   /* between two frames, buffers are empty */

/**
 * rpcChannelInFrame:
 * @channel: the channel
 *
 * Returns TRUE if the sender has sent a header but not the complete frame. No injected frame can
 * be sent until it is complete.
 */
gboolean rpcChannelInFrame(const RPCChannel *channel);

/**
 * rpcChannelOwes:
 * @channel: the channel
 *
 * Returns TRUE if parsed data or injected frames have not been sent, which does not depend on the
 * sender.
 */
gboolean rpcChannelOwes(const RPCChannel *channel);

/**
 * rpcChannelReceived, rpcChannelSent:
 * @channel: the channel
 *
 * Returns the number of bytes that were received from the sender, or written to the receiver. A peer
 * blocks the channel while this number does not change.
 */
guint64 rpcChannelReceived(const RPCChannel *channel);
guint64 rpcChannelSent(const RPCChannel *channel);

/**
 * rpcChannelCanTrim:
 * @channel: an idle channel
 *
 * Returns TRUE if rpcChannelTrim() would free memory.
 */
gboolean rpcChannelCanTrim(const RPCChannel *channel);

/**
 * rpcChannelTrim:
 * @channel: an idle channel
 *
 * Frees the buffers, which are allocated again when they are required.
 */
void rpcChannelTrim(RPCChannel *channel);
