/*
 * definition_client.h: the definitions, as a connection sees them
 *
 * Definitions are node devices of libvirt's whose names begin with
 * DEFINITION_PREFIX: what a client asks of them is asked of the listener
 * (definition_service.h), and lists hold upstream's and ours. Here too is what
 * an <emulatedpci definition='…'/> of a domain needs to know.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

/* FD is the connection's end of its pair and becomes the result's. */
DefinitionClient *definitionClientNew(int fd);
void definitionClientFree(DefinitionClient *client);

/* Becomes readable when the listener has said something; -1: it never will. */
int definitionClientFD(const DefinitionClient *client);

/* Takes what the listener has said. */
void definitionClientRead(Session *session);

/* Whether so much is under way that a client's next call has to wait. */
gboolean definitionClientIsFull(const DefinitionClient *client);

/* Whether the listener owes us an answer. */
gboolean definitionClientIsIdle(const DefinitionClient *client);

/* Begins with CALL, whose header is HEADER; takes a reference of its own of
 * what it needs. FALSE if the call is no business of ours. */
gboolean definitionClientCall(Session *session,
                            const RPCHeader *header,
                            const Procedure *proc,
                            RPCFrame *call);

/* Notes that the call that is to be lowered refers to the definition NAME. Each
 * document refers to few: what is too much is left out, and lowering fails. */
void definitionClientWant(Session *session, const char *name);

/* Whether there are definitions that have to be fetched. */
gboolean definitionClientWants(const Session *session);

typedef void (*DefinitionReadyFunc)(Session *session, const RPCHeader *header, RPCFrame *call);

/* Gets them, and then has READY, which now owns CALL, go on with it. It does so once. */
void definitionClientFetch(Session *session,
                         const RPCHeader *header,
                         RPCFrame *call,
                         DefinitionReadyFunc ready);

/* For ProjectionOptions, whose opaque is the session: the fields of the definition NAME, which
 * was fetched. */
const EmulatedPCIDef *definitionClientDefinition(const char *name, void *opaque, GError **err);

/* Whether definitions are in use until calls are answered: they cannot be undefined so
 * long. */
gboolean definitionClientUses(const DefinitionClient *client);

/* Forgets what was fetched. */
void definitionClientForget(Session *session);

/* The client's call SERIAL has been answered. */
void definitionClientEnded(Session *session, guint32 serial);

/* For ProjectionOptions.launcher, whose opaque is the session: makes sure that LAUNCHER, the link
 * that stands for QEMU, is there. The listener is asked to make it if it is missing, which is
 * waited for, DEFINITION_LINK_TIMEOUT ms at most. TRUE, or FALSE with ERR set. */
gboolean definitionClientLauncher(const char *qemu, const char *launcher, void *opaque, GError **err);
