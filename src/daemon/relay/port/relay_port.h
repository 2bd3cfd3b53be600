/*
 * relay_port.h: the requests that a job can make to its connection
 *
 * A job belongs to a client, whose connection the relay owns. A job can use its connection only
 * through this interface.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_channel.h"
#include "rpc_frame.h"

#include <glib.h>

typedef struct _RelayPort RelayPort;

/* Handles the reply to a call that a job has sent to libvirtd. HEADER is that of REPLY, which
 * now belongs to the function. */
typedef void (*RelayReplyFunc)(const RPCHeader *header, RPCFrame *reply, void *opaque);

struct _RelayPort {
    /* call:
     * @port: the connection
     * @procedure: number of a procedure of the remote program
     * @payload: its arguments in XDR, copied; NULL: none
     * @func: handles the reply
     * @opaque: for @func
     * @freeOpaque: frees @opaque if the connection ends before the reply comes; NULL: nothing
     *
     * Sends a call to libvirtd. */
    void (*call)(RelayPort *port,
                 guint32 procedure,
                 const GByteArray *payload,
                 RelayReplyFunc func,
                 void *opaque,
                 GDestroyNotify freeOpaque);

    /* reply:
     * @port: the connection
     * @call: header of the client's call
     * @payload: the results in XDR, copied; NULL: none
     *
     * Answers the client's call with success. */
    void (*reply)(RelayPort *port, const RPCHeader *call, const GByteArray *payload);

    /* replyError:
     * @port: the connection
     * @call: header of the client's call
     * @domain: the part of libvirt that the error is from (virErrorDomain)
     * @err: the error, which stays the caller's
     *
     * Answers the client's call with an error. */
    void (*replyError)(RelayPort *port, const RPCHeader *call, int domain, const GError *err);

    /* forward:
     * @port: the connection
     * @call: header of the client's call
     * @header: header of @reply
     * @reply: libvirtd's reply to a call of the job, which now belongs to the connection
     *
     * Answers the client's call with libvirtd's reply. */
    void (*forward)(RelayPort *port,
                    const RPCHeader *call,
                    const RPCHeader *header,
                    RPCFrame *reply);

    /* sendEvent:
     * @port: the connection
     * @event: a whole message, which now belongs to the connection
     *
     * Sends an event to the client. It is dropped if the client has left too many unread. */
    void (*sendEvent)(RelayPort *port, GByteArray *event);
};
