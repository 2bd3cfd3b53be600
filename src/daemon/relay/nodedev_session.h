/*
 * nodedev_session.h: the definitions, as a connection sees them
 *
 * Definitions are node devices of libvirt's whose names begin with
 * NODEDEV_PREFIX: what a client asks of them is asked of the listener
 * (nodedev_service.h), and lists hold upstream's and ours. Here too is what
 * an <emulatedpci definition='…'/> of a domain needs to know.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

/* FD is the connection's end of its pair and becomes the result's. */
NodedevSession *nodedevSessionNew(int fd);
void nodedevSessionFree(NodedevSession *nodedev);

/* Becomes readable when the listener has said something; -1: it never will. */
int nodedevSessionFD(const NodedevSession *nodedev);

/* Takes what the listener has said. */
void nodedevSessionRead(Session *session);

/* Whether so much is under way that a client's next call has to wait. */
gboolean nodedevSessionIsFull(const NodedevSession *nodedev);

/* Whether the listener owes us an answer. */
gboolean nodedevSessionIsIdle(const NodedevSession *nodedev);

/* Begins with CALL, whose header is HEADER; takes a reference of its own of
 * what it needs. FALSE if the call is no business of ours. */
gboolean nodedevSessionCall(Session *session,
                            const RPCHeader *header,
                            const Procedure *proc,
                            RPCFrame *call);

/* Notes that the call that is to be lowered refers to the definition NAME. Each
 * document refers to few: what is too much is left out, and lowering fails. */
void nodedevSessionWant(Session *session, const char *name);

/* Whether there are definitions that have to be fetched. */
gboolean nodedevSessionWants(const Session *session);

typedef void (*NodedevReadyFunc)(Session *session, const RPCHeader *header, RPCFrame *call);

/* Gets them, and then has READY, which now owns CALL, go on with it. It does so once. */
void nodedevSessionFetch(Session *session,
                         const RPCHeader *header,
                         RPCFrame *call,
                         NodedevReadyFunc ready);

/* For ProjectionOptions, whose opaque is the session: the fields of the definition NAME, which
 * was fetched. */
const EmulatedPCIDef *nodedevSessionDefinition(const char *name, void *opaque, GError **err);

/* Whether definitions are in use until calls are answered: they cannot be undefined so
 * long. */
gboolean nodedevSessionUses(const NodedevSession *nodedev);

/* Forgets what was fetched. */
void nodedevSessionForget(Session *session);

/* The client's call SERIAL has been answered. */
void nodedevSessionEnded(Session *session, guint32 serial);

/* For ProjectionOptions.launcher, whose opaque is the session: makes sure that LAUNCHER, the link
 * that stands for QEMU, is there. The listener is asked to make it if it is missing, which is
 * waited for, NODEDEV_LINK_TIMEOUT ms at most. TRUE, or FALSE with ERR set. */
gboolean nodedevSessionLauncher(const char *qemu, const char *launcher, void *opaque, GError **err);
