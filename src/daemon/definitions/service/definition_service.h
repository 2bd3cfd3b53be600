/*
 * definition_service.h: the definitions, in the listener
 *
 * The service has the store of definitions, to which the connection processes send their
 * requests. They run with the identity of their clients and are not trusted: this process decides
 * whether a client can make changes, by the socket of the client and its access to libvirtd. It
 * does not wait for a connection process, and disconnects one that does not read.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_store.h"
#include "identity.h"

#include <glib.h>
#include <sys/types.h>

typedef struct _DefinitionService DefinitionService;
typedef struct _DefinitionPeer DefinitionPeer;

DefinitionService *definitionServiceNew(GError **err);
void definitionServiceFree(DefinitionService *service);

/* Sets the libvirtd that is asked whether a client may change definitions, and which domains use
 * them. PATHS, OWN and START are arguments of upstreamConnect(); the service takes ownership of
 * PATHS. */
void definitionServiceSetUpstream(DefinitionService *service,
                               GStrv paths,
                               const char *own,
                               gboolean start);

/* Sets the directories for launchers that connections request, see launchLinkMake(). Both strings
 * must exist as long as SERVICE. */
void definitionServiceSetLauncher(DefinitionService *service, const char *launchDir, const char *qemuDir);

/* definitionServiceRead:
 * @builtinDir: the definitions that ship with us; NULL: none
 * @dir: the others
 * @err: set on failure
 *
 * Returns what is there, for definitionServiceReplace(); NULL with ERR set. */
DefinitionStore *definitionServiceRead(const char *builtinDir, const char *dir, GError **err);

/* Replaces the store of the service with STORE and takes ownership of it; transient
 * definitions stay. */
void definitionServiceReplace(DefinitionService *service, DefinitionStore *store);

/* Both. On failure ERR is set, and all is as it was. */
gboolean definitionServiceLoad(DefinitionService *service,
                            const char *builtinDir,
                            const char *dir,
                            GError **err);

/* Returns a connection's end of its pair, or -1; the caller closes it in the listener. ID is
 * copied. */
int definitionServiceAddPeer(DefinitionService *service, const Identity *id, gboolean readonly);

/* In a process that was forked: closes what is the listener's. */
void definitionServiceForget(DefinitionService *service);

/* Becomes readable when there is something to do. */
int definitionServiceFD(const DefinitionService *service);

/* In how many ms there is, or -1. */
int definitionServiceTimeout(const DefinitionService *service);

/* Does it. */
void definitionServiceDispatch(DefinitionService *service);

/* The listener has reaped its child PID, which it did not fork itself. */
void definitionServiceReaped(DefinitionService *service, pid_t pid);

/* Ends the processes that ask libvirtd, because no client waits for their results any more. */
void definitionServiceStop(DefinitionService *service);

/* Returns whether there are definitions that end with the daemon. */
gboolean definitionServiceHasTransient(const DefinitionService *service);
