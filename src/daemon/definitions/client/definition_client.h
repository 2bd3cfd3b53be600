/*
 * definition_client.h: the definitions of devices in a connection
 *
 * Libvirt's clients see definitions as node devices whose names begin with DEFINITION_PREFIX. The
 * client's calls about them are answered with the help of the service in the listener
 * (definition_service.h). Lists contain libvirtd's node devices and the definitions. The
 * definitions to which an <emulatedpci definition='…'/> of a domain refers are fetched here, too.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"
#include "procedures.h"
#include "relay_job.h"
#include "relay_port.h"

typedef struct _DefinitionClient DefinitionClient;

/**
 * definitionClientNew:
 * @port: the connection, which must outlive the client
 * @fd: the client's end of the connection to the service; the client takes ownership
 *
 * Returns a new client of the service, which is freed as the job that definitionClientJob()
 * returns. Never NULL.
 */
DefinitionClient *definitionClientNew(RelayPort *port, int fd);

/**
 * definitionClientJob:
 * @client: the client of the service
 *
 * Returns the job of the client, which the relay runs and frees. It belongs to the client.
 */
RelayJob *definitionClientJob(DefinitionClient *client);

/**
 * definitionClientIsFull:
 * @client: the client of the service
 *
 * Returns TRUE if so many requests have no reply yet that the next call about node devices must
 * wait.
 */
gboolean definitionClientIsFull(const DefinitionClient *client);

typedef enum {
    DEFINITION_CALL_OTHER,      /* the call is not about a definition, and libvirtd handles it */
    DEFINITION_CALL_TAKEN,      /* the call has been or will be answered */
    DEFINITION_CALL_VALIDATE,   /* the XML must be validated before definitionClientDefine() */
} DefinitionCallResult;

/**
 * definitionClientCall:
 * @client: the client of the service
 * @header: header of the client's call
 * @proc: its procedure
 * @call: the call, which stays the caller's
 * @readonly: whether the connection is read-only
 *
 * Handles a call about node devices.
 *
 * Returns how the call goes on.
 */
DefinitionCallResult definitionClientCall(DefinitionClient *client,
                                          const RPCHeader *header,
                                          const Procedure *proc,
                                          const RPCFrame *call,
                                          gboolean readonly);

/**
 * definitionClientDefine:
 * @client: the client of the service
 * @header: header of the client's call
 * @call: a call for which definitionClientCall() has returned DEFINITION_CALL_VALIDATE; it stays
 *        the caller's
 *
 * Asks the service to define or create the definition in a valid document.
 */
void definitionClientDefine(DefinitionClient *client, const RPCHeader *header, const RPCFrame *call);

/**
 * definitionClientWant:
 * @client: the client of the service
 * @name: name or UUID of a definition that the document to be lowered refers to
 *
 * Notes what definitionClientFetch() has to fetch. Beyond DEFINITION_WANTED_MAX nothing is noted,
 * and lowering will fail.
 */
void definitionClientWant(DefinitionClient *client, const char *name);

/**
 * definitionClientWants:
 * @client: the client of the service
 *
 * Returns TRUE if there are definitions to fetch.
 */
gboolean definitionClientWants(const DefinitionClient *client);

/**
 * definitionClientFetch:
 * @client: the client of the service
 * @serial: serial of the client's call; until definitionClientEndCall() the definitions cannot be
 *          undefined
 * @ready: called once when the service has answered, perhaps before this returns
 * @opaque: for @ready
 *
 * Fetches the definitions that have been noted.
 */
void definitionClientFetch(DefinitionClient *client,
                           guint32 serial,
                           void (*ready)(void *opaque),
                           void *opaque);

/**
 * definitionClientDefinition:
 * @name: the name or UUID of a definition that has been fetched
 * @opaque: the DefinitionClient
 * @err: set to the error of the service; to VIR_ERR_INTERNAL_ERROR if the service has exited; or
 *       to VIR_ERR_CONFIG_UNSUPPORTED if the document refers to more than DEFINITION_WANTED_MAX
 *       definitions
 *
 * For ProjectionOptions.definition.
 *
 * Returns the fields of the definition, which belong to the client until definitionClientForget(),
 * or NULL with @err set.
 */
const EmulatedPCIDef *definitionClientDefinition(const char *name, void *opaque, GError **err);

/**
 * definitionClientForget:
 * @client: the client of the service
 *
 * Drops the names that have been noted and the definitions that have been fetched. The parsed
 * definitions remain in the cache for the next call, unless there are more than
 * DEFINITION_CACHE_MAX; then the cache is emptied.
 */
void definitionClientForget(DefinitionClient *client);

/**
 * definitionClientEndCall:
 * @client: the client of the service
 * @serial: the serial of the call
 *
 * Notes that a call of the client has been answered. If it was the last one that uses definitions,
 * the service is told that they can be undefined again.
 */
void definitionClientEndCall(DefinitionClient *client, guint32 serial);

/**
 * definitionClientLauncher:
 * @qemu: path of the domain's QEMU
 * @launcher: path of the link that stands for it
 * @opaque: the DefinitionClient, or NULL: there is no service
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * For ProjectionOptions.launcher: makes sure that the launcher is there. If it is missing, the
 * service is asked to make it, which is waited for, DEFINITION_LINK_TIMEOUT ms at most.
 *
 * Returns TRUE, or FALSE with ERR set.
 */
gboolean definitionClientLauncher(const char *qemu, const char *launcher, void *opaque, GError **err);
