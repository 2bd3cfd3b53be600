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

/* A connection. */
struct _DefinitionPeer {
    DefinitionService *service;
    EventSource source;
    EventSource rightsSource;
    int fd;
    Identity id;
    gboolean readonly;
    gboolean trusted;           /* libvirtd lets it write, too */
    gboolean subscribed;
    gboolean writing;           /* waits until the connection reads */
    GHashTable *uses;           /* set of names; NULL: none */
    GQueue queue;               /* of GByteArray */
    gsize queued;               /* bytes */
    guint waiting;              /* number of requests */
    GQueue unjudged;            /* of ServiceRequest: until its rights are known */
    CheckProcess *rights;       /* asks libvirtd about its rights; NULL: none */
};

/* A request that waits. */
typedef struct {
    DefinitionService *service;
    DefinitionPeer *peer;       /* NULL: it has gone */
    DefinitionKind kind;
    guint32 serial;
    guint32 value;
    char *name;
    char *text;
    gsize textLen;
} ServiceRequest;

/* The event that the first change waits for. */
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
    GQueue parked;              /* DEFINITION_USE of a definition that is about to go */
    GQueue unchecked;           /* of DefinitionPeer: wait for a process */
    GHashTable *checked;        /* set of DefinitionPeer: have one */
    gsize waitingBytes;         /* of all requests that wait */

    ServiceCheck check;         /* of the first change */
    gint64 useDeadline;
    CheckProcess *domains;      /* asks libvirtd for it; NULL: none */
    EventSource domainsSource;
    guint8 *buffer;             /* DEFINITION_MESSAGE_MAX + 1 bytes */
};

/* --- service_peers.c --- */

/* Returns a request that waits, which serviceRequestFree() frees. */
ServiceRequest *serviceRequestNew(DefinitionService *service,
                                  DefinitionPeer *peer,
                                  const DefinitionMessage *message,
                                  const char *name);
void serviceRequestFree(ServiceRequest *request);

void servicePeerFree(DefinitionPeer *peer);

/* Disconnects PEER, which may be in use further up, so that it is dropped later. WHY is for the
 * log. */
void serviceCutOff(DefinitionPeer *peer, const char *why);

/* Sends MESSAGE, now or when the connection reads. */
void serviceSend(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message);

/* Send a reply to the request SERIAL of PEER, which may be NULL: it has gone. */
void serviceReply(DefinitionService *service,
                  DefinitionPeer *peer,
                  guint32 serial,
                  DefinitionKind kind,
                  guint32 value,
                  const char *name,
                  const char *text);
void serviceReplyError(DefinitionService *service,
                       DefinitionPeer *peer,
                       guint32 serial,
                       const GError *err);

/* Sends an event to all connections that have subscribed; DEFINITION_RELOADED to all. */
void serviceTell(DefinitionService *service, DefinitionKind kind, guint32 value, const char *name);

/* --- service_requests.c --- */

/* Handles a request. Returns FALSE if no connection process sends it. */
gboolean serviceHandleRequest(DefinitionService *service,
                              DefinitionPeer *peer,
                              const DefinitionMessage *message);

/* Answers the requests that have waited for a change that is decided now. */
void serviceUnpark(DefinitionService *service);

/* --- service_changes.c --- */

/* Returns the name of the definition that the first change is about to undefine or destroy, or
 * NULL. */
const char *serviceBeingTaken(const DefinitionService *service);

/* Puts a change into the queue, or first has the rights of PEER checked. */
void serviceEnqueue(DefinitionService *service,
                    DefinitionPeer *peer,
                    const DefinitionMessage *message,
                    const char *name);

/* Makes changes until one has to wait. */
void serviceRun(DefinitionService *service);

/* Goes on with the first change: the process has found out which domains use the definition. */
void serviceDomainsChecked(DefinitionService *service);

/* --- service_checks.c --- */

/* serviceAsk:
 * @service: the service
 * @id: user whom the process becomes, or NULL
 * @definition: definition whose domains are looked for, or NULL
 * @source: watches the process
 * @err: set on failure
 *
 * Returns a process that asks libvirtd, or NULL with ERR set. */
CheckProcess *serviceAsk(DefinitionService *service,
                         const Identity *id,
                         const char *definition,
                         EventSource *source,
                         GError **err);

/* Ends the process that checks the rights of PEER, if there is one. */
void serviceEndRights(DefinitionService *service, DefinitionPeer *peer);

/* Starts checking processes for clients that wait for one. */
void serviceStartChecks(DefinitionService *service);

/* Takes the results of the processes whose time is over. */
void serviceExpire(DefinitionService *service);

/* For eventLoopDispatch(): the process for a DefinitionPeer, or for the DefinitionService, has
 * finished. */
void serviceRightsReady(guint32 events, void *opaque);
void serviceDomainsReady(guint32 events, void *opaque);
