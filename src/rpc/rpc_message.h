/*
 * rpc_message.h: whole frames, made and taken apart
 *
 * Calls and error replies for those who speak for themselves instead of
 * relaying.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_frame.h"

#include <glib.h>

/* A new frame: HEADER, whose length is filled in by rpcMessageFinish(). The
 * payload is appended in between. */
GByteArray *rpcMessageNew(const RPCHeader *header);

/* Writes the length word. */
void rpcMessageFinish(GByteArray *frame);

/* The error reply to the call CALL: libvirt's error CODE of the error
 * domain DOMAIN (virErrorDomain) with DETAIL, to which libvirt's own words for
 * the code are put in front, as libvirt does. ERRNUM is for
 * VIR_ERR_SYSTEM_ERROR, else 0. */
GByteArray *rpcMessageNewError(const RPCHeader *call,
                               int code,
                               int domain,
                               const char *detail,
                               int errnum);

/* The code and the message of the error reply in FRAME; FALSE if it is
 * malformed. MESSAGE is a new string. */
gboolean rpcMessageReadError(const GByteArray *frame, int *code, char **message);

typedef struct {
    int code;                   /* virErrorNumber */
    int errnum;                 /* of VIR_ERR_SYSTEM_ERROR: errno; else what libvirt sent */
} RPCErrorReply;

/* rpcMessageReadErrorReply:
 * @frame: a whole error reply
 * @error: is filled in
 *
 * Returns FALSE if the frame is malformed. The layout is remote_error in libvirt's
 * src/remote/remote_protocol.x. */
gboolean rpcMessageReadErrorReply(const GByteArray *frame, RPCErrorReply *error);

/* What a text of an error becomes: newly allocated, or NULL if it stays as it is. */
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
