/*
 * session_private.h: what the files of a session share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "procedures.h"
#include "rpc_channel.h"
#include "rpc_message.h"
#include "session.h"

/* Calls whose replies are awaited, of a client that may make any number. */
#define SESSION_PENDING_MAX 4096

/* Replies of our own that wait until the client reads. */
#define SESSION_INJECTED_MAX (256 * 1024)

typedef struct _Session Session;
typedef struct _DeviceJob DeviceJob;
typedef struct _ValidateJob ValidateJob;
typedef struct _NodedevSession NodedevSession;
typedef struct _MachineNames MachineNames;

/* The reply to a call of ours. */
typedef void (*SessionReplyFunc)(Session *session,
                                 const RPCHeader *header,
                                 RPCFrame *reply,
                                 void *opaque);

typedef struct {
    const Procedure *proc;              /* a client's call: rewrite the reply */
    SessionReplyFunc func;              /* a call of ours */
    void *opaque;
} SessionPending;

struct _Session {
    const SessionOptions *opts;
    RPCChannel *toServer;
    RPCChannel *toClient;
    GHashTable *pending;                /* serial -> SessionPending */
    guint32 lastSerial;                 /* of the client's calls */
    guint32 ownSerial;
    gint64 inflight;                    /* calls without a reply so far */
    gboolean busy;                      /* something was rewritten: memory to give back */
    gboolean open;                      /* upstream has let the client in */
    gboolean readonly;                  /* the client asked for no more */
    gboolean resolving;                 /* something is being asked for a call */
    ProjectionOptions projection;       /* with the definitions */

    DeviceJob *device;                  /* the one that runs, or NULL */
    ValidateJob *validate;              /* the one that runs, or NULL */
    NodedevSession *nodedev;            /* NULL: there are no definitions */
    MachineNames *machines;             /* NULL: nothing was asked for */
};

/* Answers CALL with an error; the second with one of libvirt's part DOMAIN,
 * a virErrorDomain. */
void sessionReplyError(Session *session, const RPCHeader *call, const GError *err);
void sessionReplyErrorFrom(Session *session,
                           const RPCHeader *call,
                           int domain,
                           const GError *err);

/* Answers CALL with success and PAYLOAD, which may be NULL. */
void sessionReply(Session *session, const RPCHeader *call, const GByteArray *payload);

/* Answers CALL with REPLY, which came for a call of ours and now belongs to
 * the session. */
void sessionForward(Session *session, const RPCHeader *call, RPCFrame *reply);

/* Sends a call of ours; FUNC gets the reply. PAYLOAD may be NULL. */
void sessionCall(Session *session,
                 guint32 procedure,
                 const GByteArray *payload,
                 SessionReplyFunc func,
                 void *opaque);
