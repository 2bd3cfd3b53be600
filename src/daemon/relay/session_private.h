/*
 * session_private.h: shared by the files of a connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "call_table.h"
#include "definition_client.h"
#include "event_loop.h"
#include "job_list.h"
#include "machine_names.h"
#include "procedures.h"
#include "relay_port.h"
#include "rpc_channel.h"
#include "rpc_message.h"
#include "session.h"

/* The maximum size of the relay's replies that wait until the client reads, in bytes */
#define SESSION_INJECTED_MAX (256 * 1024)

/* The maximum size of waiting data when an event arrives, in bytes. If there is more, the event is
 * dropped. */
#define SESSION_EVENTS_MAX (4 * 1024 * 1024)

/* Continues with a client's call. The function takes ownership of CALL, whose header is HEADER. */
typedef void (*SessionNextFunc)(Session *session, const RPCHeader *header, RPCFrame *call);

struct _Session {
    RelayPort port;                     /* for the jobs; the first member */
    const SessionOptions *opts;
    RPCChannel *toServer;
    RPCChannel *toClient;
    CallTable *calls;                   /* calls that have no reply yet */
    guint32 lastSerial;                 /* the serial of the latest call of the client */
    guint32 ownSerial;
    gboolean busy;                      /* data was rewritten, and there is memory to free */
    gboolean opening;                   /* CONNECT_OPEN has no reply yet */
    gboolean open;                      /* libvirtd has accepted the client */
    gboolean readonly;                  /* because of its socket, or at its request */
    ProjectionOptions projection;

    JobList *jobs;                      /* these three are in the list if they are not NULL */
    RelayJob *device;
    RelayJob *validate;
    DefinitionClient *definitions;
    MachineNames *machines;

    /* The client's call that waits for definitions, machine types or the validation */
    RPCFrame *pending;                  /* NULL: none */
    RPCHeader pendingHeader;
    SessionNextFunc pendingNext;
    guint fetching;                     /* the number of sets of answers that it waits for */

    /* of session_loop.c */
    EventLoop *loop;
    EventSource client;
    EventSource upstream;
    gint64 deadline;                    /* of the end, monotonic, us; 0: none */
    gboolean active;                    /* memory must be freed after some time without events */
    gboolean halfClosed;                /* libvirtd knows that the client has closed */
    gboolean clientHungUp;
    gboolean upstreamHungUp;
    gint64 heldSince;                   /* the time since which the client blocks the connection; 0:
                                         * it does not */
    guint64 heldBytes;                  /* the number of bytes sent and received until then */
};

/**
 * sessionReapJobs:
 * @session: the connection
 *
 * Frees the jobs that have ended. None of their functions may be active.
 */
void sessionReapJobs(Session *session);

/* --- session_port.c --- */

extern const RelayPort sessionPort;

/**
 * sessionEndCall:
 * @session: the connection
 * @serial: the serial of the call
 *
 * Removes a call of the client from the table, because it gets its reply.
 */
void sessionEndCall(Session *session, guint32 serial);

/**
 * sessionMapError:
 * @session: the connection
 * @reply: a reply with an error; its content is replaced
 *
 * Replaces the paths of launchers in an error message of libvirtd by those of QEMU, which the
 * client knows.
 */
void sessionMapError(Session *session, RPCFrame *reply);

/* --- session_calls.c --- */

/**
 * sessionPayloadOffset:
 * @header: the header of a frame
 *
 * Returns the offset of the arguments or results in the frame, in bytes.
 */
gsize sessionPayloadOffset(const RPCHeader *header);

/**
 * sessionCallHeader:
 * @channel: the channel to libvirtd
 * @header: the header of a frame of the client
 * @opaque: the Session
 *
 * The RPCHeaderFunc of the channel to libvirtd: decides whether a call is passed, waits, or is
 * collected.
 *
 * Returns the decision.
 */
RPCVerdict sessionCallHeader(RPCChannel *channel, const RPCHeader *header, void *opaque);

/**
 * sessionCallFrame:
 * @channel: the channel to libvirtd
 * @header: the header of @frame
 * @frame: a collected call of the client; the function takes ownership
 * @opaque: the Session
 *
 * The RPCFrameFunc of the channel to libvirtd: handles a call.
 */
void sessionCallFrame(RPCChannel *channel, const RPCHeader *header, RPCFrame *frame, void *opaque);
