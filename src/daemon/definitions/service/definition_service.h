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

/**
 * definitionServiceNew:
 * @err: set to VIR_ERR_SYSTEM_ERROR on failure
 *
 * Returns a service without definitions, to be freed with definitionServiceFree(), or NULL with
 * @err set.
 */
DefinitionService *definitionServiceNew(GError **err);

/**
 * definitionServiceFree:
 * @service: the service, or NULL
 *
 * Kills the checking processes, disconnects all connections and frees the service.
 */
void definitionServiceFree(DefinitionService *service);

/**
 * definitionServiceSetUpstream:
 * @service: the service
 * @paths: the paths of upstreamPaths(); the service takes ownership
 * @own: the path of this daemon's socket, or NULL; copied
 * @start: whether the user's libvirt may be started
 *
 * Sets the libvirtd that is asked whether a client may change definitions, and which domains use
 * them. For the arguments, see upstreamConnect().
 */
void definitionServiceSetUpstream(DefinitionService *service,
                               GStrv paths,
                               const char *own,
                               gboolean start);

/**
 * definitionServiceSetLauncher:
 * @service: the service
 * @launchDir: the directory of the launchers; must exist as long as @service
 * @qemuDir: the directory of QEMU's programs; must exist as long as @service
 *
 * Sets the directories for launchers that connections request, see launchLinkMake().
 */
void definitionServiceSetLauncher(DefinitionService *service, const char *launchDir, const char *qemuDir);

/**
 * definitionServiceRead:
 * @builtinDir: the definitions that ship with us; NULL: none
 * @dir: the others
 * @err: set on failure
 *
 * Returns what is there, for definitionServiceReplace(); NULL with ERR set.
 */
DefinitionStore *definitionServiceRead(const char *builtinDir, const char *dir, GError **err);

/**
 * definitionServiceReplace:
 * @service: the service
 * @store: the new definitions; the service takes ownership
 *
 * Replaces the definitions. Transient definitions, and the state of the others, are kept. Sends
 * events about the differences.
 */
void definitionServiceReplace(DefinitionService *service, DefinitionStore *store);

/**
 * definitionServiceLoad:
 * @service: the service
 * @builtinDir: the directory of the built-in definitions; NULL: none
 * @dir: the directory of the other definitions
 * @err: set on failure
 *
 * Reads the definitions and replaces those of the service; see definitionServiceRead() and
 * definitionServiceReplace().
 *
 * Returns TRUE, or FALSE with @err set; then nothing has changed.
 */
gboolean definitionServiceLoad(DefinitionService *service,
                            const char *builtinDir,
                            const char *dir,
                            GError **err);

/**
 * definitionServiceAddPeer:
 * @service: the service
 * @id: the client's identity, which is copied
 * @readonly: whether the client's connection is read-only
 *
 * Adds a connection to the service.
 *
 * Returns the connection's end of a socket pair, which the caller closes, or -1 on failure, which
 * is logged.
 */
int definitionServiceAddPeer(DefinitionService *service, const Identity *id, gboolean readonly);

/**
 * definitionServiceForget:
 * @service: the service
 *
 * Closes the descriptors of the listener in a process that was forked. The memory is not freed.
 */
void definitionServiceForget(DefinitionService *service);

/**
 * definitionServiceFD:
 * @service: the service
 *
 * Returns a descriptor that becomes readable when definitionServiceDispatch() has work. It belongs
 * to @service.
 */
int definitionServiceFD(const DefinitionService *service);

/**
 * definitionServiceTimeout:
 * @service: the service
 *
 * Returns the time after which definitionServiceDispatch() must be called, in ms; -1: none.
 */
int definitionServiceTimeout(const DefinitionService *service);

/**
 * definitionServiceDispatch:
 * @service: the service
 *
 * Handles requests and results that have arrived, and timeouts. Does not wait.
 */
void definitionServiceDispatch(DefinitionService *service);

/**
 * definitionServiceReaped:
 * @service: the service
 * @pid: the process ID of a child that the listener has reaped
 *
 * Notes that a process has been reaped, which may be a checking process.
 */
void definitionServiceReaped(DefinitionService *service, pid_t pid);

/**
 * definitionServiceStop:
 * @service: the service
 *
 * Kills the checking processes, because no client waits for their results any more.
 */
void definitionServiceStop(DefinitionService *service);

/**
 * definitionServiceHasTransient:
 * @service: the service
 *
 * Returns TRUE if there are definitions that would be lost when the daemon exits.
 */
gboolean definitionServiceHasTransient(const DefinitionService *service);
