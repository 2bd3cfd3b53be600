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

/* The parent and the capability of all definitions */
#define DEFINITION_PARENT "computer"
#define DEFINITION_CAPABILITY "emulatedpci"

typedef struct _DefinitionCall DefinitionCall;

/* Handles the reply of the service. The call is freed afterwards. */
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

/**
 * definitionCallNew:
 * @client: the client of the service
 * @header: the header of the client's call
 * @proc: the procedure of the call
 *
 * Returns a new call, to be freed with definitionCallFree(). Never NULL.
 */
DefinitionCall *definitionCallNew(DefinitionClient *client,
                                  const RPCHeader *header,
                                  const Procedure *proc);

/**
 * definitionCallFree:
 * @call: a call
 *
 * Frees the call and the data in it.
 */
void definitionCallFree(DefinitionCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionCall, definitionCallFree)

/**
 * definitionAsk:
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
 * Returns the serial of the request.
 */
guint32 definitionAsk(DefinitionClient *client,
                      DefinitionCall *call,
                      DefinitionKind kind,
                      const char *name,
                      const char *text,
                      gsize textLen,
                      DefinitionReplyFunc func);

/**
 * definitionSend:
 * @client: the client of the service
 * @message: the message, which is copied
 *
 * Sends a request that has no reply. This blocks while the service does not read, at most
 * DEFINITION_SEND_TIMEOUT.
 *
 * Returns TRUE, or FALSE if the service has exited.
 */
gboolean definitionSend(DefinitionClient *client, const DefinitionMessage *message);

/**
 * definitionClientDisconnect:
 * @client: the client of the service
 *
 * Ends the connection to the service, and fails all requests that have no reply with
 * VIR_ERR_INTERNAL_ERROR.
 */
void definitionClientDisconnect(DefinitionClient *client);

/**
 * definitionClientRead:
 * @client: the client of the service
 *
 * Reads one message of the service, if there is one, and handles it. Does not wait. Calls
 * definitionClientDisconnect() if the service has exited or the message is malformed.
 */
void definitionClientRead(DefinitionClient *client);

/**
 * definitionReplyError:
 * @client: the client of the service
 * @header: the header of the client's call
 * @code: libvirt's error code
 * @message: the message, translated
 *
 * Answers the client's call with an error of libvirt's node device driver (VIR_FROM_NODEDEV).
 */
void definitionReplyError(DefinitionClient *client,
                          const RPCHeader *header,
                          int code,
                          const char *message);

/**
 * definitionReplyString:
 * @client: the client of the service
 * @header: the header of the client's call
 * @str: the string, not terminated
 * @len: its length, in bytes
 *
 * Answers the client's call with one string.
 */
void definitionReplyString(DefinitionClient *client,
                           const RPCHeader *header,
                           const char *str,
                           guint len);

/**
 * definitionReplyInt:
 * @client: the client of the service
 * @header: the header of the client's call
 * @value: the number
 *
 * Answers the client's call with one number.
 */
void definitionReplyInt(DefinitionClient *client, const RPCHeader *header, gint32 value);

/**
 * definitionExpect:
 * @client: the client of the service
 * @header: the header of the client's call
 * @reply: the reply of the service, which is valid during the call
 * @kind: the expected kind of the reply
 *
 * Checks the reply of the service. If it is of another kind, the client's call is answered with
 * the error of the service, or with VIR_ERR_INTERNAL_ERROR.
 *
 * Returns TRUE if the reply is of the expected kind.
 */
gboolean definitionExpect(DefinitionClient *client,
                          const RPCHeader *header,
                          const DefinitionMessage *reply,
                          DefinitionKind kind);

/**
 * definitionRefuseReadOnly:
 * @client: the client of the service
 * @header: the header of the client's call
 *
 * Answers the client's call with VIR_ERR_OPERATION_DENIED if the connection is read-only.
 *
 * Returns TRUE if the call has been answered.
 */
gboolean definitionRefuseReadOnly(DefinitionClient *client, const RPCHeader *header);

/**
 * definitionRefuseFlags:
 * @client: the client of the service
 * @header: the header of the client's call
 * @flags: the flags of the call
 * @supported: the flags that the call supports
 *
 * Answers the client's call with VIR_ERR_INVALID_ARG if it has unsupported flags.
 *
 * Returns TRUE if the call has been answered.
 */
gboolean definitionRefuseFlags(DefinitionClient *client,
                               const RPCHeader *header,
                               guint32 flags,
                               guint32 supported);

/**
 * definitionIsOurs:
 * @name: the name of a node device, not terminated
 * @len: its length, in bytes
 *
 * Returns TRUE if this can be the name of a definition: DEFINITION_PREFIX and at least one
 * character.
 */
gboolean definitionIsOurs(const char *name, guint len);

/**
 * definitionHasNoDriver:
 * @reply: libvirtd's reply with an error
 *
 * Returns TRUE if the error says that libvirtd does not support node devices: there is no driver
 * for them or, if they have a separate daemon, no socket of that daemon. All other errors mean
 * that libvirtd has node devices and could not list them, so that a list without them would be
 * wrong.
 */
gboolean definitionHasNoDriver(const RPCFrame *reply);

/**
 * definitionChanged:
 * @client: the client of the service
 * @call: the client's call, which remains the caller's
 * @reply: the reply of the service, which is valid during the call
 *
 * A DefinitionReplyFunc: answers the client's call with success, or with the error of the service.
 */
void definitionChanged(DefinitionClient *client,
                       DefinitionCall *call,
                       const DefinitionMessage *reply);

/**
 * definitionDefined:
 * @client: the client of the service
 * @call: the client's call, which remains the caller's
 * @reply: the reply of the service, which is valid during the call
 *
 * A DefinitionReplyFunc: answers the client's call with the name of the new device, or with the
 * error of the service.
 */
void definitionDefined(DefinitionClient *client,
                       DefinitionCall *call,
                       const DefinitionMessage *reply);

/* --- the other files; for the results see definitionClientCall() --- */

/**
 * definitionCallByName:
 * @client: the client of the service
 * @header: the header of the client's call
 * @proc: the procedure of the call
 * @frame: the client's call, which remains the caller's
 *
 * Handles a call whose first argument is the name of a node device.
 *
 * Returns DEFINITION_CALL_OTHER if it is not the name of a definition, otherwise
 * DEFINITION_CALL_TAKEN.
 */
DefinitionCallResult definitionCallByName(DefinitionClient *client,
                                          const RPCHeader *header,
                                          const Procedure *proc,
                                          const RPCFrame *frame);

/**
 * definitionCallXML:
 * @client: the client of the service
 * @header: the header of the client's call
 * @proc: the procedure of the call
 * @frame: the client's call, which remains the caller's
 *
 * Handles a call whose argument is the XML of a node device: create, define or update.
 *
 * Returns DEFINITION_CALL_OTHER if it is not that of a definition, DEFINITION_CALL_VALIDATE if the
 * client requests validation, otherwise DEFINITION_CALL_TAKEN.
 */
DefinitionCallResult definitionCallXML(DefinitionClient *client,
                                       const RPCHeader *header,
                                       const Procedure *proc,
                                       const RPCFrame *frame);

/**
 * definitionCallList:
 * @client: the client of the service
 * @header: the header of the client's call
 * @proc: the procedure of the call
 * @frame: the client's call, which remains the caller's
 *
 * Handles a call that lists or counts node devices: appends the definitions to libvirtd's list.
 *
 * Returns DEFINITION_CALL_OTHER if the list cannot contain definitions, otherwise
 * DEFINITION_CALL_TAKEN.
 */
DefinitionCallResult definitionCallList(DefinitionClient *client,
                                        const RPCHeader *header,
                                        const Procedure *proc,
                                        const RPCFrame *frame);

/**
 * definitionCallRegister:
 * @client: the client of the service
 * @header: the header of the client's call
 * @proc: the procedure of the call
 * @frame: the client's call, which remains the caller's
 *
 * Handles the registration of an event of node devices, with libvirtd and with the service. If
 * libvirtd does not support node devices, the registration has an id from DEFINITION_CALLBACK_OWN
 * on.
 *
 * Returns DEFINITION_CALL_OTHER if it is an event that definitions do not have, otherwise
 * DEFINITION_CALL_TAKEN.
 */
DefinitionCallResult definitionCallRegister(DefinitionClient *client,
                                            const RPCHeader *header,
                                            const Procedure *proc,
                                            const RPCFrame *frame);

/**
 * definitionCallDeregister:
 * @client: the client of the service
 * @header: the header of the client's call
 * @frame: the client's call, which remains the caller's
 *
 * Handles the removal of a registration.
 *
 * Returns DEFINITION_CALL_TAKEN if libvirtd does not have this registration, otherwise
 * DEFINITION_CALL_OTHER.
 */
DefinitionCallResult definitionCallDeregister(DefinitionClient *client,
                                              const RPCHeader *header,
                                              const RPCFrame *frame);

/**
 * definitionGotEvent:
 * @client: the client of the service
 * @event: a message of kind DEFINITION_LIFECYCLE or DEFINITION_UPDATED
 *
 * Sends an event of the service to the client, once for each registration that it matches.
 */
void definitionGotEvent(DefinitionClient *client, const DefinitionMessage *event);

/**
 * definitionInvalidate:
 * @client: the client of the service
 *
 * Marks the built-in definitions in the cache as outdated, so that they are fetched again.
 */
void definitionInvalidate(DefinitionClient *client);
