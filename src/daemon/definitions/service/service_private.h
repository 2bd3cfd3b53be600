/*
 * service_private.h: shared by the files of the definitions service
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_store.h"
#include "check_process.h"
#include "definition_message.h"
#include "definition_service.h"
#include "event_loop.h"

/* A connection */
struct _DefinitionPeer {
    DefinitionService *service;
    EventSource source;
    EventSource rightsSource;
    int fd;
    Identity id;
    gboolean readonly;
    gboolean trusted;           /* libvirtd has granted read-write access */
    gboolean subscribed;
    gboolean writing;           /* waits until the connection reads */
    GHashTable *uses;           /* set of names; NULL: none */
    GQueue queue;               /* of GByteArray */
    gsize queued;               /* bytes */
    guint waiting;              /* number of requests */
    GQueue unjudged;            /* of ServiceRequest: until its rights are known */
    CheckProcess *rights;       /* the process that checks its rights, or NULL */
};

/* A request that waits */
typedef struct {
    DefinitionService *service;
    DefinitionPeer *peer;       /* NULL: the connection has ended */
    DefinitionKind kind;
    guint32 serial;
    guint32 value;
    char *name;
    char *text;
    gsize textLen;
} ServiceRequest;

/* The event that the first change waits for */
typedef enum {
    CHECK_NONE = 0,
    CHECK_USES,                 /* until no connection uses the definition */
    CHECK_DOMAINS,              /* a process asks libvirtd which domains use it */
} ServiceCheck;

struct _DefinitionService {
    DefinitionStore *store;
    GStrv upstream;             /* see definitionServiceSetUpstream() */
    char *own;
    gboolean start;
    const char *launchDir;      /* see launchLinkMake() */
    const char *qemuDir;
    EventLoop *loop;
    GHashTable *peers;          /* set */
    GQueue changes;             /* of ServiceRequest; the first one is being made */
    GQueue parked;              /* DEFINITION_USE requests for a definition that is being removed */
    GQueue unchecked;           /* of DefinitionPeer that wait for a process */
    GHashTable *checked;        /* set of DefinitionPeer that have a process */
    gsize waitingBytes;         /* of all requests that wait */

    ServiceCheck check;         /* of the first change */
    gint64 useDeadline;
    CheckProcess *domains;      /* the process that checks the domains, or NULL */
    EventSource domainsSource;
    guint8 *buffer;             /* DEFINITION_MESSAGE_MAX + 1 bytes */
};

/* --- service_peers.c --- */

/**
 * serviceRequestNew:
 * @service: the service
 * @peer: the connection
 * @message: the request, which is copied
 * @name: the name in the request, which is copied
 *
 * Returns a request that waits, to be freed with serviceRequestFree(). Never NULL.
 */
ServiceRequest *serviceRequestNew(DefinitionService *service,
                                  DefinitionPeer *peer,
                                  const DefinitionMessage *message,
                                  const char *name);

/**
 * serviceRequestFree:
 * @request: the request
 *
 * Frees the request, and no longer counts it for its connection.
 */
void serviceRequestFree(ServiceRequest *request);

/**
 * servicePeerFree:
 * @peer: the connection
 *
 * Closes the connection and frees it. Its checking process is killed.
 */
void servicePeerFree(DefinitionPeer *peer);

/**
 * serviceCutOff:
 * @peer: the connection
 * @why: the reason, for the log; not translated
 *
 * Shuts the connection down. It is freed later, because callers may still use it.
 */
void serviceCutOff(DefinitionPeer *peer, const char *why);

/**
 * serviceSend:
 * @service: the service
 * @peer: the connection
 * @message: the message, which is copied
 *
 * Sends a message at once, or when the connection reads. A connection that leaves more than
 * SERVICE_QUEUE_MAX bytes unread is cut off.
 */
void serviceSend(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message);

/**
 * serviceReply:
 * @service: the service
 * @peer: the connection, or NULL if it has gone
 * @serial: the serial of the request; 0 for an event
 * @kind: the kind of the reply
 * @value: its value, see DefinitionKind
 * @name: its name, or NULL
 * @text: its text, or NULL
 *
 * Sends a reply. Does nothing without a connection.
 */
void serviceReply(DefinitionService *service,
                  DefinitionPeer *peer,
                  guint32 serial,
                  DefinitionKind kind,
                  guint32 value,
                  const char *name,
                  const char *text);

/**
 * serviceReplyError:
 * @service: the service
 * @peer: the connection, or NULL if it has gone
 * @serial: the serial of the request
 * @err: the error, which remains the caller's
 *
 * Sends a reply with an error. Messages are cut to 4096 characters.
 */
void serviceReplyError(DefinitionService *service,
                       DefinitionPeer *peer,
                       guint32 serial,
                       const GError *err);

/**
 * serviceTell:
 * @service: the service
 * @kind: DEFINITION_LIFECYCLE, DEFINITION_UPDATED or DEFINITION_RELOADED
 * @value: the type of a lifecycle event (virNodeDeviceEventLifecycleType), otherwise 0
 * @name: the name of the definition, or NULL
 *
 * Sends an event to all connections that have subscribed; DEFINITION_RELOADED is sent to all.
 */
void serviceTell(DefinitionService *service, DefinitionKind kind, guint32 value, const char *name);

/* --- service_requests.c --- */

/**
 * serviceHandleRequest:
 * @service: the service
 * @peer: the connection
 * @message: the request
 *
 * Handles a request of a connection.
 *
 * Returns TRUE, or FALSE if a connection process does not send such a request; then the connection
 * has to be cut off.
 */
gboolean serviceHandleRequest(DefinitionService *service,
                              DefinitionPeer *peer,
                              const DefinitionMessage *message);

/**
 * serviceUnpark:
 * @service: the service
 *
 * Handles the DEFINITION_USE requests that waited for a change, which has been made or rejected
 * now.
 */
void serviceUnpark(DefinitionService *service);

/* --- service_changes.c --- */

/**
 * serviceBeingTaken:
 * @service: the service
 *
 * Returns the name of the definition that the first change undefines or destroys when its checks
 * have finished, or NULL. It belongs to the change.
 */
const char *serviceBeingTaken(const DefinitionService *service);

/**
 * serviceEnqueue:
 * @service: the service
 * @peer: the connection
 * @message: the request for a change, which is copied
 * @name: the name in the request
 *
 * Adds a change to the queue. If it is not known whether the connection may make changes, its
 * rights are checked first. A change that is rejected is answered at once.
 */
void serviceEnqueue(DefinitionService *service,
                    DefinitionPeer *peer,
                    const DefinitionMessage *message,
                    const char *name);

/**
 * serviceRun:
 * @service: the service
 *
 * Makes changes until the first one in the queue has to wait for a check.
 */
void serviceRun(DefinitionService *service);

/**
 * serviceDomainsChecked:
 * @service: the service
 *
 * Continues with the first change after its process has found the domains that use the definition:
 * makes the change, or answers it with an error.
 */
void serviceDomainsChecked(DefinitionService *service);

/* --- service_checks.c --- */

/**
 * serviceAsk:
 * @service: the service
 * @id: user whom the process becomes, or NULL
 * @definition: definition whose domains are looked for, or NULL
 * @source: watches the process
 * @err: set on failure
 *
 * Returns a process that asks libvirtd, or NULL with ERR set.
 */
CheckProcess *serviceAsk(DefinitionService *service,
                         const Identity *id,
                         const char *definition,
                         EventSource *source,
                         GError **err);

/**
 * serviceEndRights:
 * @service: the service
 * @peer: the connection
 *
 * Kills the process that checks the rights of the connection, if there is one.
 */
void serviceEndRights(DefinitionService *service, DefinitionPeer *peer);

/**
 * serviceStartChecks:
 * @service: the service
 *
 * Starts checking processes for connections that wait for one, as far as the limits allow.
 */
void serviceStartChecks(DefinitionService *service);

/**
 * serviceExpire:
 * @service: the service
 *
 * Handles the results of checking processes whose time is over.
 */
void serviceExpire(DefinitionService *service);

/**
 * serviceRightsReady:
 * @events: not used
 * @opaque: the DefinitionPeer
 *
 * An EventFunc: handles the result of the process that checks the rights of a connection.
 */
void serviceRightsReady(guint32 events, void *opaque);

/**
 * serviceDomainsReady:
 * @events: not used
 * @opaque: the DefinitionService
 *
 * An EventFunc: handles the result of the process that finds the domains that use a definition.
 */
void serviceDomainsReady(guint32 events, void *opaque);
