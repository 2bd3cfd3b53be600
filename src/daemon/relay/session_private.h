/*
 * session_private.h: what the files of a session share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "call_table.h"
#include "procedures.h"
#include "rpc_channel.h"
#include "rpc_message.h"
#include "session.h"

/* Replies of our own that wait until the client reads. */
#define SESSION_INJECTED_MAX (256 * 1024)

typedef struct _DeviceJob DeviceJob;
typedef struct _ValidateJob ValidateJob;
typedef struct _DefinitionClient DefinitionClient;
typedef struct _MachineNames MachineNames;

/* The reply to a call of ours. */
typedef void (*SessionReplyFunc)(Session *session,
                                 const RPCHeader *header,
                                 RPCFrame *reply,
                                 void *opaque);

struct _Session {
    const SessionOptions *opts;
    RPCChannel *toServer;
    RPCChannel *toClient;
    CallTable *calls;                   /* without a reply so far */
    guint32 lastSerial;                 /* of the client's calls */
    guint32 ownSerial;
    gboolean busy;                      /* something was rewritten: memory to give back */
    gboolean opening;                   /* libvirtd is still to answer CONNECT_OPEN */
    gboolean open;                      /* libvirtd has let the client in */
    gboolean readonly;                  /* by its socket, or it asked for no more */
    gboolean resolving;                 /* something is being asked for a call */
    ProjectionOptions projection;       /* with the definitions */

    DeviceJob *device;                  /* the one that runs, or NULL */
    ValidateJob *validate;              /* the one that runs, or NULL */
    DefinitionClient *definitions;          /* NULL: there are no definitions */
    MachineNames *machines;             /* NULL: nothing was asked for */

    /* of session_loop.c */
    gint64 deadline;                    /* of the end, monotonic, us; 0: none */
    gboolean active;                    /* there is memory to give back later */
    gboolean halfClosed;                /* upstream knows that the client has closed */
    gboolean clientHungUp;
    gboolean upstreamHungUp;
    gint64 heldSince;                   /* the client holds us up; 0: it does not */
    guint64 heldBytes;                  /* that it has sent and taken until then */
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

/* Sends a call of ours; FUNC gets the reply. PAYLOAD may be NULL. FREEOPAQUE frees OPAQUE
 * if the connection ends before the reply comes. */
void sessionCallFull(Session *session,
                     guint32 procedure,
                     const GByteArray *payload,
                     SessionReplyFunc func,
                     void *opaque,
                     GDestroyNotify freeOpaque);

/* The same, with an OPAQUE that is not to be freed. */
void sessionCall(Session *session,
                 guint32 procedure,
                 const GByteArray *payload,
                 SessionReplyFunc func,
                 void *opaque);
