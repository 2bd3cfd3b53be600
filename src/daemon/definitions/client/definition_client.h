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

/* definitionClientNew:
 * @port: the connection, which must outlive the result
 * @fd: this end of the connection to the service; becomes the result's
 *
 * Returns a new client of the service. It ends as definitionClientJob(). */
DefinitionClient *definitionClientNew(RelayPort *port, int fd);

/* Returns CLIENT as the job that it is. */
RelayJob *definitionClientJob(DefinitionClient *client);

/* Returns whether so many requests wait for a reply that the next call about node devices has to
 * wait. */
gboolean definitionClientIsFull(const DefinitionClient *client);

typedef enum {
    DEFINITION_CALL_OTHER,      /* it is not about a definition: libvirtd answers it */
    DEFINITION_CALL_TAKEN,      /* it is, or will be, answered */
    DEFINITION_CALL_VALIDATE,   /* its XML is to be validated before definitionClientDefine() */
} DefinitionCallResult;

/* definitionClientCall:
 * @client: the client of the service
 * @header: header of the client's call
 * @proc: its procedure
 * @call: the call, which stays the caller's
 * @readonly: whether the connection is read-only
 *
 * Handles a call about node devices.
 *
 * Returns how the call goes on. */
DefinitionCallResult definitionClientCall(DefinitionClient *client,
                                          const RPCHeader *header,
                                          const Procedure *proc,
                                          const RPCFrame *call,
                                          gboolean readonly);

/* definitionClientDefine:
 * @client: the client of the service
 * @header: header of the client's call
 * @call: a call for which definitionClientCall() has returned DEFINITION_CALL_VALIDATE; it stays
 *        the caller's
 *
 * Asks the service to define or create the definition in a valid document. */
void definitionClientDefine(DefinitionClient *client, const RPCHeader *header, const RPCFrame *call);

/* definitionClientWant:
 * @client: the client of the service
 * @name: name or UUID of a definition that the document to be lowered refers to
 *
 * Notes what definitionClientFetch() has to fetch. Beyond DEFINITION_WANTED_MAX nothing is noted,
 * and lowering will fail. */
void definitionClientWant(DefinitionClient *client, const char *name);

/* Returns whether there are definitions to fetch. */
gboolean definitionClientWants(const DefinitionClient *client);

/* definitionClientFetch:
 * @client: the client of the service
 * @serial: serial of the client's call; until definitionClientEndCall() the definitions cannot be
 *          undefined
 * @ready: called once when the service has answered, perhaps before this returns
 * @opaque: for @ready
 *
 * Fetches the definitions that have been noted. */
void definitionClientFetch(DefinitionClient *client,
                           guint32 serial,
                           void (*ready)(void *opaque),
                           void *opaque);

/* For ProjectionOptions.definition, whose opaque is the DefinitionClient: returns the fields of the
 * definition NAME, which has been fetched, or NULL with ERR set. */
const EmulatedPCIDef *definitionClientDefinition(const char *name, void *opaque, GError **err);

/* Drops the definitions that have been fetched. */
void definitionClientForget(DefinitionClient *client);

/* Notes that the client's call SERIAL has been answered. */
void definitionClientEndCall(DefinitionClient *client, guint32 serial);

/* definitionClientLauncher:
 * @qemu: path of the domain's QEMU
 * @launcher: path of the link that stands for it
 * @opaque: the DefinitionClient, or NULL: there is no service
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * For ProjectionOptions.launcher: makes sure that the launcher is there. If it is missing, the
 * service is asked to make it, which is waited for, DEFINITION_LINK_TIMEOUT ms at most.
 *
 * Returns TRUE, or FALSE with ERR set. */
gboolean definitionClientLauncher(const char *qemu, const char *launcher, void *opaque, GError **err);
