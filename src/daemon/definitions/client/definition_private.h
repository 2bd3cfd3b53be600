/*
 * definition_private.h: shared by the files of a DefinitionClient
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_client.h"
#include "definition_message.h"

/* The longest time that the service may take to create a launcher, in milliseconds */
#define DEFINITION_LINK_TIMEOUT 10000

/* Parent and capability of all definitions. */
#define DEFINITION_PARENT "computer"
#define DEFINITION_CAPABILITY "emulatedpci"

typedef struct _DefinitionCall DefinitionCall;

/* Handles the service's reply. CALL is freed after it. */
typedef void (*DefinitionReplyFunc)(DefinitionClient *client,
                                    DefinitionCall *call,
                                    const DefinitionMessage *reply);

/* A client's call that waits for a reply of the service or of libvirtd. */
struct _DefinitionCall {
    DefinitionClient *client;
    RPCHeader header;
    const Procedure *proc;
    DefinitionReplyFunc func;
    RPCFrame *frame;            /* the call itself, or NULL */
    char *name;                 /* of a device or a capability, or NULL */
    guint32 value;              /* flags, number of names or event, depending on the call */
    guint32 flags;
    gboolean results;           /* the client wants names, not only their number */
    GByteArray *list;           /* names so far, in XDR */
    guint count;                /* of names */
    void *opaque;               /* for func; stays the caller's */
};

/* A client's registration for events. */
typedef struct {
    gint32 callbackID;
    guint32 event;              /* virNodeDeviceEventID */
    char *name;                 /* of one device; NULL: all */
} DefinitionCallback;

/* A definition as the service has sent it. */
typedef struct {
    GBytes *text;
    EmulatedPCIDef *def;
    gboolean builtIn;           /* valid until DEFINITION_RELOADED */
} DefinitionCached;

struct _DefinitionClient {
    RelayJob base;
    RelayPort *port;
    int fd;
    gboolean gone;              /* the service has ended */
    gboolean readonly;          /* the connection, at the latest call */
    guint32 serial;             /* of the latest request */
    int linkTimeout;            /* DEFINITION_LINK_TIMEOUT, except in tests */
    GHashTable *calls;          /* serial -> DefinitionCall that the service will answer */
    guint upstream;             /* number of calls that libvirtd will answer */
    GArray *callbacks;          /* of DefinitionCallback, or NULL */
    gint32 ownCallbacks;
    GHashTable *cache;          /* name -> DefinitionCached, or NULL */

    /* of the call that is about to be lowered */
    GHashTable *definitions;    /* name -> EmulatedPCIDef of the cache, or NULL */
    GHashTable *errors;         /* name -> GError, or NULL */
    GPtrArray *wanted;          /* names, or NULL */
    guint asked;                /* how many of them have been asked for */
    guint fetching;             /* how many of those have no reply */
    gboolean asking;            /* more are being asked for right now */
    void (*ready)(void *opaque);
    void *opaque;
    GHashTable *uses;           /* set of serials of calls that use definitions, or NULL */
};

/* --- definition_client.c --- */

/* Returns a new call of a client, which definitionCallFree() frees. */
DefinitionCall *definitionCallNew(DefinitionClient *client,
                                  const RPCHeader *header,
                                  const Procedure *proc);
void definitionCallFree(DefinitionCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionCall, definitionCallFree)

/* definitionAsk:
 * @client: the client of the service
 * @call: now belongs to @client
 * @kind: kind of the request, whose value is that of @call
 * @name: name in the request, or NULL
 * @text: text in the request, not terminated, or NULL
 * @textLen: its length in bytes
 * @func: handles the reply
 *
 * Sends a request to the service.
 *
 * Returns the serial of the request. */
guint32 definitionAsk(DefinitionClient *client,
                      DefinitionCall *call,
                      DefinitionKind kind,
                      const char *name,
                      const char *text,
                      gsize textLen,
                      DefinitionReplyFunc func);

/* Sends a request that has no reply. Returns FALSE if the service has ended. */
gboolean definitionSend(DefinitionClient *client, const DefinitionMessage *message);

/* Fails the requests that have no reply, because the service has ended. */
void definitionClientDisconnect(DefinitionClient *client);

/* Reads one message of the service, if there is one. */
void definitionClientRead(DefinitionClient *client);

/* These answer the client's call: with an error of libvirt's node devices, a string or an int. */
void definitionReplyError(DefinitionClient *client,
                          const RPCHeader *header,
                          int code,
                          const char *message);
void definitionReplyString(DefinitionClient *client,
                           const RPCHeader *header,
                           const char *str,
                           guint len);
void definitionReplyInt(DefinitionClient *client, const RPCHeader *header, gint32 value);

/* Returns whether REPLY is of KIND. If not, the client has got its error. */
gboolean definitionExpect(DefinitionClient *client,
                          const RPCHeader *header,
                          const DefinitionMessage *reply,
                          DefinitionKind kind);

/* Return TRUE if the connection is read-only, or if FLAGS has others than SUPPORTED; then the
 * client has got an error. */
gboolean definitionRefuseReadOnly(DefinitionClient *client, const RPCHeader *header);
gboolean definitionRefuseFlags(DefinitionClient *client,
                               const RPCHeader *header,
                               guint32 flags,
                               guint32 supported);

/* Returns whether NAME can be the name of a definition. */
gboolean definitionIsOurs(const char *name, guint len);

/* Returns whether an error of libvirtd says that it has no node devices at all: no driver for
 * them or, where they have a daemon of their own, no socket of that daemon. All other errors mean
 * that it has node devices and could not list them, so that a list without them would be
 * wrong. */
gboolean definitionHasNoDriver(const RPCFrame *reply);

/* DefinitionReplyFuncs that answer with success, or with the name of the new device. */
void definitionChanged(DefinitionClient *client,
                       DefinitionCall *call,
                       const DefinitionMessage *reply);
void definitionDefined(DefinitionClient *client,
                       DefinitionCall *call,
                       const DefinitionMessage *reply);

/* --- the other files; for the results see definitionClientCall() --- */

DefinitionCallResult definitionCallByName(DefinitionClient *client,
                                          const RPCHeader *header,
                                          const Procedure *proc,
                                          const RPCFrame *frame);
DefinitionCallResult definitionCallXML(DefinitionClient *client,
                                       const RPCHeader *header,
                                       const Procedure *proc,
                                       const RPCFrame *frame);
DefinitionCallResult definitionCallList(DefinitionClient *client,
                                        const RPCHeader *header,
                                        const Procedure *proc,
                                        const RPCFrame *frame);
DefinitionCallResult definitionCallRegister(DefinitionClient *client,
                                            const RPCHeader *header,
                                            const Procedure *proc,
                                            const RPCFrame *frame);
DefinitionCallResult definitionCallDeregister(DefinitionClient *client,
                                              const RPCHeader *header,
                                              const RPCFrame *frame);

/* Sends an event of the service to the client, if it has registered for it. */
void definitionGotEvent(DefinitionClient *client, const DefinitionMessage *event);

/* The built-in definitions in the cache have to be asked for again. */
void definitionInvalidate(DefinitionClient *client);
