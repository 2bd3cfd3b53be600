/*
 * rpc_message.h: creating and parsing complete frames
 *
 * Creates calls and error replies that are not forwarded from a peer.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_frame.h"

#include <glib.h>

/**
 * rpcMessageNew:
 * @header: the header; its length is ignored
 *
 * Creates a frame without a payload. The caller appends the payload and then calls
 * rpcMessageFinish().
 *
 * Returns the frame.
 */
GByteArray *rpcMessageNew(const RPCHeader *header);

/**
 * rpcMessageFinish:
 * @frame: a complete frame
 *
 * Sets the length word of the frame.
 */
void rpcMessageFinish(GByteArray *frame);

/**
 * rpcMessageNewError:
 * @call: the header of the call
 * @code: an error code (virErrorNumber)
 * @domain: an error domain (virErrorDomain)
 * @detail: the message, which libvirt's description of @code precedes, as in libvirt
 * @errnum: errno for VIR_ERR_SYSTEM_ERROR, otherwise 0
 *
 * Returns the error reply to a call.
 */
GByteArray *rpcMessageNewError(const RPCHeader *call,
                               int code,
                               int domain,
                               const char *detail,
                               int errnum);

/**
 * rpcMessageReadError:
 * @frame: a complete error reply
 * @code: set to the error code
 * @message: set to the message, to be freed with g_free()
 *
 * Returns FALSE if the frame is malformed.
 */
gboolean rpcMessageReadError(const GByteArray *frame, int *code, char **message);

typedef struct {
    int code;                   /* virErrorNumber */
    int errnum;                 /* errno for VIR_ERR_SYSTEM_ERROR, otherwise any number */
} RPCErrorReply;

/**
 * rpcMessageReadErrorReply:
 * @frame: a complete error reply
 * @error: filled in
 *
 * Parses an error reply. Source of the layout: remote_error in libvirt's
 * src/remote/remote_protocol.x.
 *
 * Returns FALSE if the frame is malformed.
 */
gboolean rpcMessageReadErrorReply(const GByteArray *frame, RPCErrorReply *error);

/* Returns the replacement for a text of an error, to be freed with g_free(), or NULL to keep the
 * text. */
typedef char *(*RPCErrorTextFunc)(const char *text, void *opaque);

/**
 * rpcMessageMapError:
 * @frame: a whole reply with the status RPC_ERROR
 * @func: called for the message and the three strings of the error
 * @opaque: for @func
 *
 * Source of the layout: remote_error in libvirt's src/rpc/virnetprotocol.x.
 *
 * Returns a new frame with the texts that @func gives, or NULL if none changes or @frame is
 * malformed.
 */
GByteArray *rpcMessageMapError(const GByteArray *frame, RPCErrorTextFunc func, void *opaque);
