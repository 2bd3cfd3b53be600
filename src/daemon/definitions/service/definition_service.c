/*
 * definition_service.c: the definitions, in the listener
 *
 * Questions are answered at once. A client whom libvirtd has not yet been asked about waits
 * until it has, in a process of its own (check_process.h): its changes hold up nobody
 * else's. The changes of those who may make them wait in one queue, in the order in which they
 * came, since to take a definition away a process asks upstream, too:
 *
 *     [nobody is about to use it]  --  [no domain uses it]  --  done
 *
 * A connection is about to use a definition from its question (DEFINITION_USE)
 * until upstream has answered the call in which the definition is; what asks
 * while it is being taken away waits until that is decided. For a built-in one,
 * which nobody takes away, it asks once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "catalog.h"
#include "check_process.h"
#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "launch_link.h"
#include "definition_message.h"
#include "definition_service.h"

#include "gettext.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)
#if !ENABLE_NLS
/* gettext.h's own macro hides from the compiler that the result is a format. */
# undef ngettext
# define ngettext(one, many, n) ((n) == 1 ? (one) : (many))
#endif

/* Bytes that a connection may leave unread: answers to DEFINITION_REQUESTS_MAX
 * questions (definition_client.c), and some thousand events. */
#define SERVICE_QUEUE_MAX (1024 * 1024)

/* Requests of one connection that may wait, more than its process sends
 * (DEFINITION_REQUESTS_MAX), and bytes of those of all that are not root's. */
#define SERVICE_WAITING_MAX 32
#define SERVICE_WAITING_BYTES (64 * 1024 * 1024)

/* Processes at once that ask about clients, of all and of one user. Others wait. */
#define SERVICE_CHECKS_MAX 16
#define SERVICE_CHECKS_USER_MAX 4

/* Definitions that one connection may be about to use. */
#define SERVICE_USES_MAX 4096

/* Packets that are read before the listener looks after other things. */
#define SERVICE_BATCH 64

/* How long a definition may be about to be used while it is to be taken away,
 * in ms. */
#define SERVICE_USE_TIMEOUT 30000

/* What epoll tells of. */
typedef enum {
    SOURCE_PEER,
    SOURCE_RIGHTS,              /* a DefinitionPeer's process */
    SOURCE_DOMAINS,             /* the process for the first change */
} ServiceSourceKind;

typedef struct {
    ServiceSourceKind kind;
    void *owner;
} ServiceSource;

struct DefinitionPeer {
    ServiceSource source;
    ServiceSource rightsSource;
    int fd;
    Identity id;
    gboolean readonly;
    gboolean trusted;           /* upstream lets it write, too */
    gboolean subscribed;
    gboolean writing;           /* waits until the connection reads */
    GHashTable *uses;           /* set of names; NULL: none */
    GQueue queue;               /* of GByteArray */
    gsize queued;               /* bytes */
    guint waiting;              /* requests */
    GQueue unjudged;            /* of ServiceRequest: until it is known to be trusted */
    CheckProcess *rights;       /* asks upstream; NULL: none */
};

/* A request that waits. */
typedef struct {
    DefinitionService *service;
    DefinitionPeer *peer;          /* NULL: it has gone */
    DefinitionKind kind;
    guint32 serial;
    guint32 value;
    char *name;
    char *text;
    gsize textLen;
} ServiceRequest;

typedef enum {
    CHECK_NONE = 0,
    CHECK_USES,                 /* until nobody is about to use it */
    CHECK_DOMAINS,              /* a process asks upstream */
} ServiceCheck;

struct DefinitionService {
    Catalog *catalog;
    GStrv upstream;             /* see definitionServiceSetUpstream() */
    char *own;
    gboolean start;
    const char *launchDir;      /* see launchLinkMake() */
    const char *qemuDir;
    int epoll;
    GHashTable *peers;          /* set */
    GQueue changes;             /* of ServiceRequest; the first one is at work */
    GQueue parked;              /* DEFINITION_USE of what is being taken away */
    GQueue unchecked;           /* of DefinitionPeer: wait for a process */
    GHashTable *checked;        /* set of DefinitionPeer: have one */
    gsize waitingBytes;         /* of all requests that wait */

    ServiceCheck check;         /* of the first change */
    gint64 useDeadline;
    CheckProcess *domains;      /* asks upstream for it; NULL: none */
    ServiceSource domainsSource;
    guint8 *buffer;             /* DEFINITION_MESSAGE_MAX + 1 */
};

static void serviceRun(DefinitionService *service);


/* --- what goes to a connection --- */

static void
serviceWatch(DefinitionService *service, DefinitionPeer *peer, gboolean writing)
{
    struct epoll_event event = { .events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = &peer->source };

    if (peer->writing == writing)
        return;
    peer->writing = writing;
    epoll_ctl(service->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}


static ServiceRequest *
serviceRequestNew(DefinitionService *service,
                  DefinitionPeer *peer,
                  const DefinitionMessage *message,
                  const char *name)
{
    ServiceRequest *request = g_new0(ServiceRequest, 1);

    request->service = service;
    request->peer = peer;
    request->kind = message->kind;
    request->serial = message->serial;
    request->value = message->value;
    request->name = g_strdup(name);
    request->text = g_strndup(message->text, message->textLen);
    request->textLen = message->textLen;
    service->waitingBytes += request->textLen;
    peer->waiting++;
    return request;
}


static void
serviceRequestFree(ServiceRequest *request)
{
    if (request->peer)
        request->peer->waiting--;
    request->service->waitingBytes -= request->textLen;
    g_free(request->name);
    g_free(request->text);
    g_free(request);
}


static void
servicePeerFree(DefinitionPeer *peer)
{
    while (!g_queue_is_empty(&peer->unjudged))
        serviceRequestFree(g_queue_pop_head(&peer->unjudged));
    checkProcessFree(peer->rights);
    close(peer->fd);
    identityClear(&peer->id);
    g_clear_pointer(&peer->uses, g_hash_table_unref);
    while (!g_queue_is_empty(&peer->queue))
        g_byte_array_unref(g_queue_pop_head(&peer->queue));
    g_free(peer);
}


static void
serviceForgetRequests(GQueue *queue, const DefinitionPeer *peer)
{
    GList *link;

    for (link = queue->head; link; link = link->next) {
        ServiceRequest *request = link->data;

        if (request->peer == peer)
            request->peer = NULL;
    }
}


/* Ends the process that asks about PEER, if there is one. */
static void
serviceEndRights(DefinitionService *service, DefinitionPeer *peer)
{
    if (!peer->rights)
        return;
    epoll_ctl(service->epoll, EPOLL_CTL_DEL, checkProcessFD(peer->rights), NULL);
    g_clear_pointer(&peer->rights, checkProcessFree);
    g_hash_table_remove(service->checked, peer);
}


/* The connection is served no longer: it has ended, or is cut off. */
static void
serviceDropPeer(DefinitionService *service, DefinitionPeer *peer)
{
    serviceForgetRequests(&service->changes, peer);
    serviceForgetRequests(&service->parked, peer);
    g_queue_remove(&service->unchecked, peer);
    serviceEndRights(service, peer);

    /* By hand: closing does not do it while a process that was forked has the
     * descriptor, too. */
    epoll_ctl(service->epoll, EPOLL_CTL_DEL, peer->fd, NULL);
    g_hash_table_remove(service->peers, peer);
}


/* Marks a connection that is in use further up; serviceSweep() drops it. */
static void
serviceCutOff(DefinitionPeer *peer, const char *why)
{
    daemonWarning("nodedev", "connection process of user %u: %s", peer->id.uid, why);
    shutdown(peer->fd, SHUT_RDWR);
}


/* Sends what the connection takes. */
static void
serviceFlush(DefinitionService *service, DefinitionPeer *peer)
{
    while (!g_queue_is_empty(&peer->queue)) {
        GByteArray *packet = g_queue_peek_head(&peer->queue);
        ssize_t sent;

        do {
            sent = send(peer->fd, packet->data, packet->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (sent < 0 && errno == EINTR);

        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            serviceWatch(service, peer, TRUE);
            return;
        }
        /* Other errors come with a hangup, which is seen when it is read from. */
        peer->queued -= packet->len;
        g_byte_array_unref(g_queue_pop_head(&peer->queue));
    }
    serviceWatch(service, peer, FALSE);
}


static void
serviceSend(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message)
{
    GByteArray *packet = definitionMessageEncode(message);

    g_return_if_fail(packet);
    if (peer->queued + packet->len > SERVICE_QUEUE_MAX) {
        g_byte_array_unref(packet);
        serviceCutOff(peer, "does not read");
        return;
    }

    peer->queued += packet->len;
    g_queue_push_tail(&peer->queue, packet);
    if (!peer->writing)
        serviceFlush(service, peer);
}


static void
serviceReply(DefinitionService *service,
             DefinitionPeer *peer,
             guint32 serial,
             DefinitionKind kind,
             guint32 value,
             const char *name,
             const char *text)
{
    DefinitionMessage message = {
        .kind = kind,
        .serial = serial,
        .value = value,
        .name = name,
        .nameLen = name ? strlen(name) : 0,
        .text = text,
        .textLen = text ? strlen(text) : 0,
    };

    if (peer)
        serviceSend(service, peer, &message);
}


static void
serviceReplyError(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const GError *err)
{
    int code = err->domain == EMULATED_PCI_ERROR ? err->code : VIR_ERR_INTERNAL_ERROR;
    g_autofree char *valid = g_utf8_make_valid(err->message, -1);
    g_autofree char *message = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), 4096));

    serviceReply(service, peer, serial, DEFINITION_ERROR, (guint32) code, NULL, message);
}


/* To all who want to know, which is everybody for DEFINITION_RELOADED. */
static void
serviceTell(DefinitionService *service, DefinitionKind kind, guint32 value, const char *name)
{
    GHashTableIter iter;
    void *peer;

    g_hash_table_iter_init(&iter, service->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        if (kind == DEFINITION_RELOADED || ((DefinitionPeer *) peer)->subscribed)
            serviceReply(service, peer, 0, kind, value, name, NULL);
    }
}


/* --- questions --- */

static guint32
serviceState(const CatalogDefinition *def)
{
    return (def->active ? DEFINITION_ACTIVE : 0) |
        (def->persistent ? DEFINITION_PERSISTENT : 0) |
        (def->autostart ? DEFINITION_AUTOSTART : 0) |
        (def->builtIn ? DEFINITION_BUILT_IN : 0);
}


static const CatalogDefinition *
serviceFind(DefinitionService *service, const char *name, GError **err)
{
    const CatalogDefinition *def = catalogFind(service->catalog, name);

    if (!def) {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("no node device with matching name '%1$s'"), name);
    }
    return def;
}


static void
serviceGet(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *name)
{
    g_autoptr(GError) err = NULL;
    const CatalogDefinition *def = serviceFind(service, name, &err);
    g_autofree char *xml = NULL;

    if (!def) {
        serviceReplyError(service, peer, serial, err);
        return;
    }
    xml = catalogDefinitionFormat(def);
    serviceReply(service, peer, serial, DEFINITION_FOUND, serviceState(def), def->name, xml);
}


static void
serviceList(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *after)
{
    g_autoptr(GPtrArray) list = catalogList(service->catalog);
    g_autoptr(GByteArray) text = g_byte_array_new();
    DefinitionMessage message = { .kind = DEFINITION_NAMES, .serial = serial };
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(list, i);

        if (strcmp(def->name, after) <= 0)
            continue;
        if (!definitionNamesAppend(text, def->name, serviceState(def))) {
            message.value = 1;
            break;
        }
    }
    message.text = (const char *) text->data;
    message.textLen = text->len;
    serviceSend(service, peer, &message);
}


/* The first change, if it takes a definition away and has got that far. */
static const char *
serviceBeingTaken(const DefinitionService *service)
{
    const ServiceRequest *first = g_queue_peek_head((GQueue *) &service->changes);

    return service->check == CHECK_USES || service->check == CHECK_DOMAINS ? first->name : NULL;
}


/* The definition NAME's <emulatedpci> for PEER, which is going to use it. */
static void
serviceUse(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *name)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GString) xml = g_string_new(NULL);
    const CatalogDefinition *def = catalogFind(service->catalog, name);
    const EmulatedPCIDef *fields;
    const char *taken = serviceBeingTaken(service);

    if (def && taken && strcmp(taken, def->name) == 0) {
        const DefinitionMessage message = { .kind = DEFINITION_USE, .serial = serial };

        g_queue_push_tail(&service->parked, serviceRequestNew(service, peer, &message, name));
        return;
    }

    fields = catalogResolve(name, service->catalog, &err);
    if (!fields) {
        serviceReplyError(service, peer, serial, err);
        return;
    }

    /* Whoever can write nothing takes nothing into use. */
    if (!peer->readonly) {
        if (!peer->uses)
            peer->uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (g_hash_table_size(peer->uses) >= SERVICE_USES_MAX) {
            serviceCutOff(peer, "uses too many definitions at once");
            return;
        }
        g_hash_table_add(peer->uses, g_strdup(def->name));
    }

    emulatedPCIDefFormat(fields, "", "", xml);
    serviceReply(service, peer, serial, DEFINITION_FOUND, serviceState(def), def->name, xml->str);
}


/* What waited for a decision that has been made. */
static void
serviceUnpark(DefinitionService *service)
{
    guint count = g_queue_get_length(&service->parked);

    while (count-- > 0) {
        ServiceRequest *request = g_queue_pop_head(&service->parked);

        if (request->peer)
            serviceUse(service, request->peer, request->serial, request->name);
        serviceRequestFree(request);
    }
}


/* --- changes --- */

/* Makes the change; *NAME gets the name for the reply. */
static gboolean
serviceChange(DefinitionService *service, const ServiceRequest *request, char **name, GError **err)
{
    Catalog *catalog = service->catalog;
    const CatalogDefinition *def;
    gboolean persistent;
    gboolean wasActive;
    gboolean created;

    switch (request->kind) {
    case DEFINITION_DEFINE:
        def = catalogDefine(catalog, request->text, request->textLen, &created, err);
        if (!def)
            return FALSE;
        *name = g_strdup(def->name);
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DEFINED, *name);
        if (created && def->active)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, *name);
        else if (!created)
            serviceTell(service, DEFINITION_UPDATED, 0, *name);
        return TRUE;

    case DEFINITION_CREATE:
        def = catalogCreate(catalog, request->text, request->textLen, err);
        if (!def)
            return FALSE;
        *name = g_strdup(def->name);
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, *name);
        return TRUE;

    case DEFINITION_START:
        if (!catalogStart(catalog, request->name, err))
            return FALSE;
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, request->name);
        return TRUE;

    case DEFINITION_SET_AUTOSTART:
        return catalogSetAutostart(catalog, request->name, request->value != 0, err);

    case DEFINITION_DESTROY:
        if (!catalogDestroy(catalog, request->name, err))
            return FALSE;
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, request->name);
        return TRUE;

    case DEFINITION_UNDEFINE:
        def = catalogFind(catalog, request->name);
        persistent = def && def->persistent;
        wasActive = def && def->active;
        if (!catalogUndefine(catalog, request->name, err))
            return FALSE;
        if (wasActive)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, request->name);
        if (persistent)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_UNDEFINED, request->name);
        return TRUE;

    default:
        g_return_val_if_reached(FALSE);
    }
}


/* Ends the first change, with ERR or with success. */
static void
serviceFinish(DefinitionService *service, const char *name, const GError *err)
{
    ServiceRequest *request = g_queue_pop_head(&service->changes);

    service->check = CHECK_NONE;
    if (err)
        serviceReplyError(service, request->peer, request->serial, err);
    else
        serviceReply(service, request->peer, request->serial, DEFINITION_DONE, 0, name, NULL);
    serviceRequestFree(request);
    serviceUnpark(service);
}


/* Makes the first change and ends it. */
static void
serviceCommit(DefinitionService *service)
{
    const ServiceRequest *request = g_queue_peek_head(&service->changes);
    g_autoptr(GError) err = NULL;
    g_autofree char *name = NULL;

    serviceChange(service, request, &name, &err);
    daemonInfo("nodedev", "change %u of '%s': %s", request->kind,
               name ? name : request->name, err ? err->message : "done");
    serviceFinish(service, name ? name : request->name, err);
}


/* --- before a change --- */

static gboolean
serviceTakesAway(const ServiceRequest *request)
{
    return request->kind == DEFINITION_UNDEFINE || request->kind == DEFINITION_DESTROY;
}


static gboolean
serviceIsInUse(const DefinitionService *service, const char *name)
{
    GHashTableIter iter;
    void *peer;

    g_hash_table_iter_init(&iter, service->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        GHashTable *uses = ((DefinitionPeer *) peer)->uses;

        if (uses && g_hash_table_contains(uses, name))
            return TRUE;
    }
    return FALSE;
}


/* Starts a process that asks upstream: as the user ID, if not NULL, about DEFINITION, if
 * not NULL. NULL with ERR set if that is not possible. */
static CheckProcess *
serviceAsk(DefinitionService *service,
           const Identity *id,
           const char *definition,
           ServiceSource *source,
           GError **err)
{
    DefinitionCheckOptions opts = {
        .paths = (const char *const *) service->upstream,
        .own = service->own,
        .start = service->start,
        .system = geteuid() == 0,
        .id = id,
        .definition = definition,
    };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };
    CheckProcess *process = checkProcessStart(&opts, err);

    if (process)
        epoll_ctl(service->epoll, EPOLL_CTL_ADD, checkProcessFD(process), &event);
    return process;
}


/* The first change takes a definition away: TRUE if it may be made now. */
static gboolean
serviceMayTake(DefinitionService *service, const ServiceRequest *request)
{
    const CatalogDefinition *def = catalogFind(service->catalog, request->name);
    g_autoptr(GError) err = NULL;

    /* What cannot be done anyway needs no question. A definition that is
     * inactive may be in use, too. */
    if (!def || def->builtIn ||
        (request->kind == DEFINITION_UNDEFINE && !def->persistent) ||
        (request->kind == DEFINITION_DESTROY && !def->active))
        return TRUE;

    if (service->check != CHECK_USES) {
        service->check = CHECK_USES;
        service->useDeadline = g_get_monotonic_time() + SERVICE_USE_TIMEOUT * 1000LL;
    }
    if (serviceIsInUse(service, request->name)) {
        if (g_get_monotonic_time() < service->useDeadline)
            return FALSE;
        emulatedPCIReportError(&err, VIR_ERR_RESOURCE_BUSY,
                               _("a call that uses the definition '%1$s' does not end"),
                               request->name);
        serviceFinish(service, NULL, err);
        return FALSE;
    }

    service->domains = serviceAsk(service, NULL, request->name, &service->domainsSource, &err);
    if (service->domains)
        service->check = CHECK_DOMAINS;
    else
        serviceFinish(service, NULL, err);
    return FALSE;
}


/* Goes on with the changes until one has to wait. */
static void
serviceRun(DefinitionService *service)
{
    while (!service->domains && !g_queue_is_empty(&service->changes)) {
        const ServiceRequest *request = g_queue_peek_head(&service->changes);

        if (!request->peer) {
            service->check = CHECK_NONE;
            serviceRequestFree(g_queue_pop_head(&service->changes));
            serviceUnpark(service);
            continue;
        }

        if (!serviceTakesAway(request) || serviceMayTake(service, request))
            serviceCommit(service);
        else if (service->check == CHECK_USES)
            return;
    }
}


/* What the process has found out about the first change. */
static void
serviceDomainsChecked(DefinitionService *service)
{
    const ServiceRequest *request = g_queue_peek_head(&service->changes);
    DefinitionCheckResult result;
    g_autoptr(GError) err = NULL;

    checkProcessResult(service->domains, &result);
    epoll_ctl(service->epoll, EPOLL_CTL_DEL, checkProcessFD(service->domains), NULL);
    g_clear_pointer(&service->domains, checkProcessFree);

    if (result.code != 0) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_FAILED,
                               _("cannot find out which domains use the definition '%1$s': %2$s"),
                               request->name, result.message);
        serviceFinish(service, NULL, err);
    } else if (result.users > 0) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_INVALID,
                               ngettext("the definition '%1$s' is in use by the domain %2$s",
                                        "the definition '%1$s' is in use by the domains %2$s",
                                        result.users), request->name, result.message);
        serviceFinish(service, NULL, err);
    } else {
        serviceCommit(service);
    }
}


/* --- who may change definitions --- */

/* PEER may: its changes take their place in the queue. Or it may not, for the reason ERR. */
static void
serviceJudge(DefinitionService *service, DefinitionPeer *peer, const GError *err)
{
    peer->trusted = !err;
    while (!g_queue_is_empty(&peer->unjudged)) {
        ServiceRequest *request = g_queue_pop_head(&peer->unjudged);

        if (!err) {
            g_queue_push_tail(&service->changes, request);
            continue;
        }
        serviceReplyError(service, peer, request->serial, err);
        serviceRequestFree(request);
    }
}


static void
serviceRightsChecked(DefinitionService *service, DefinitionPeer *peer)
{
    DefinitionCheckResult result;
    g_autoptr(GError) err = NULL;

    checkProcessResult(peer->rights, &result);
    serviceEndRights(service, peer);
    if (result.code != 0) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_DENIED,
                               _("changing definitions requires read-write access to libvirtd: "
                                 "%1$s"), result.message);
    }
    serviceJudge(service, peer, err);
}


static gboolean
serviceMayCheck(const DefinitionService *service, const DefinitionPeer *peer)
{
    GHashTableIter iter;
    void *other;
    guint count = 0;

    if (g_hash_table_size(service->checked) >= SERVICE_CHECKS_MAX)
        return FALSE;
    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &other, NULL))
        count += ((DefinitionPeer *) other)->id.uid == peer->id.uid;
    return count < SERVICE_CHECKS_USER_MAX;
}


/* Starts processes for those who wait for one. */
static void
serviceStartChecks(DefinitionService *service)
{
    GList *next;
    GList *link;

    for (link = service->unchecked.head; link; link = next) {
        DefinitionPeer *peer = link->data;
        g_autoptr(GError) err = NULL;

        next = link->next;
        if (!serviceMayCheck(service, peer))
            continue;
        g_queue_delete_link(&service->unchecked, link);
        peer->rights = serviceAsk(service, &peer->id, NULL, &peer->rightsSource, &err);
        if (peer->rights)
            g_hash_table_add(service->checked, peer);
        else
            serviceJudge(service, peer, err);
    }
}


/* Takes the results of processes whose time is over. */
static void
serviceExpire(DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;

    if (service->domains && checkProcessTimeout(service->domains) == 0)
        serviceDomainsChecked(service);

    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        if (checkProcessTimeout(((DefinitionPeer *) peer)->rights) > 0)
            continue;
        serviceRightsChecked(service, peer);
        g_hash_table_iter_init(&iter, service->checked);
    }
}


/* Does what does not depend on what connections send. */
static void
serviceProceed(DefinitionService *service)
{
    serviceExpire(service);
    serviceStartChecks(service);
    serviceRun(service);
}


/* --- what comes from a connection --- */

static void
serviceEnqueue(DefinitionService *service,
               DefinitionPeer *peer,
               const DefinitionMessage *message,
               const char *name)
{
    g_autoptr(GError) err = NULL;
    ServiceRequest *request;

    if (peer->readonly) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_DENIED, "%s",
                               _("read only access prevents changes of definitions"));
    } else if (message->kind != DEFINITION_DEFINE && message->kind != DEFINITION_CREATE &&
               !g_str_has_prefix(name, DEFINITION_PREFIX)) {
        /* Not by its UUID: names are compared. */
        emulatedPCIReportError(&err, VIR_ERR_NO_NODE_DEVICE,
                               _("no node device with matching name '%1$s'"), name);
    }
    if (!err && peer->id.uid != 0 &&
        service->waitingBytes + message->textLen > SERVICE_WAITING_BYTES) {
        emulatedPCIReportError(&err, VIR_ERR_RESOURCE_BUSY, "%s",
                               _("too many changes of definitions wait"));
    }
    if (err) {
        serviceReplyError(service, peer, message->serial, err);
        return;
    }

    request = serviceRequestNew(service, peer, message, name);
    if (peer->trusted) {
        g_queue_push_tail(&service->changes, request);
        return;
    }
    g_queue_push_tail(&peer->unjudged, request);
    if (!peer->rights && !g_queue_find(&service->unchecked, peer))
        g_queue_push_tail(&service->unchecked, peer);
}


/* Makes the launcher of the program QEMU, for a connection that may define domains. */
static void
serviceLink(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *qemu)
{
    g_autoptr(GError) err = NULL;

    if (peer->readonly)
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_DENIED, "%s",
                               _("the connection is read-only"));
    else
        launchLinkMake(service->launchDir, service->qemuDir, qemu, &err);
    if (err)
        serviceReplyError(service, peer, serial, err);
    else
        serviceReply(service, peer, serial, DEFINITION_DONE, 0, NULL, NULL);
}


/* FALSE: such a connection is not ours. */
static gboolean
serviceRequest(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message)
{
    g_autofree char *name = g_strndup(message->name, message->nameLen);

    switch (message->kind) {
    case DEFINITION_GET:
        serviceGet(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_LIST:
        serviceList(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_USE:
        if (peer->waiting >= SERVICE_WAITING_MAX)
            return FALSE;
        serviceUse(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_RELEASE:
        g_clear_pointer(&peer->uses, g_hash_table_unref);
        return TRUE;
    case DEFINITION_LINK:
        serviceLink(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_SUBSCRIBE:
        peer->subscribed = message->value != 0;
        serviceReply(service, peer, message->serial, DEFINITION_DONE, 0, NULL, NULL);
        return TRUE;
    case DEFINITION_DEFINE:
    case DEFINITION_CREATE:
    case DEFINITION_UNDEFINE:
    case DEFINITION_DESTROY:
    case DEFINITION_START:
    case DEFINITION_SET_AUTOSTART:
        if (peer->waiting >= SERVICE_WAITING_MAX)
            return FALSE;
        serviceEnqueue(service, peer, message, name);
        return TRUE;
    default:
        return FALSE;
    }
}


/* Reads one packet. FALSE: the connection is served no longer. */
static gboolean
serviceRead(DefinitionService *service, DefinitionPeer *peer)
{
    DefinitionMessage message;
    ssize_t got;

    do {
        got = recv(peer->fd, service->buffer, DEFINITION_MESSAGE_MAX + 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0)
        return errno == EAGAIN;
    if (got == 0)
        return FALSE;

    if (!definitionMessageDecode(service->buffer, got, &message) ||
        !serviceRequest(service, peer, &message)) {
        serviceCutOff(peer, "sent what no connection process sends");
        return FALSE;
    }
    return TRUE;
}


int
definitionServiceAddPeer(DefinitionService *service, const Identity *id, gboolean readonly)
{
    struct epoll_event event = { .events = EPOLLIN };
    DefinitionPeer *peer;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        daemonError("nodedev", "socketpair: %s", g_strerror(errno));
        return -1;
    }

    peer = g_new0(DefinitionPeer, 1);
    peer->source = (ServiceSource) { SOURCE_PEER, peer };
    peer->rightsSource = (ServiceSource) { SOURCE_RIGHTS, peer };
    peer->fd = fds[0];
    peer->readonly = readonly;
    peer->id = *id;
    /* Nothing is asked for a read-only client, who may have 65536 groups. */
    peer->id.groups = readonly ? NULL : g_memdup2(id->groups, id->ngroups * sizeof(gid_t));
    peer->id.ngroups = readonly ? 0 : id->ngroups;
    /* Root, and the user whose daemon this is. */
    peer->trusted = !readonly && (id->uid == 0 || id->uid == geteuid());
    g_queue_init(&peer->queue);
    g_queue_init(&peer->unjudged);

    event.data.ptr = &peer->source;
    if (epoll_ctl(service->epoll, EPOLL_CTL_ADD, peer->fd, &event) < 0) {
        daemonError("nodedev", "epoll_ctl: %s", g_strerror(errno));
        servicePeerFree(peer);
        close(fds[1]);
        return -1;
    }
    g_hash_table_add(service->peers, peer);
    return fds[1];
}


void
definitionServiceForget(DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;

    /* Only what others could be harmed with: the memory is shared. */
    g_hash_table_iter_init(&iter, service->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        close(((DefinitionPeer *) peer)->fd);
        if (((DefinitionPeer *) peer)->rights)
            checkProcessForget(((DefinitionPeer *) peer)->rights);
    }
    if (service->domains)
        checkProcessForget(service->domains);
    close(service->epoll);
}


int
definitionServiceFD(const DefinitionService *service)
{
    return service->epoll;
}


static int
serviceSooner(int timeout, int other)
{
    return timeout < 0 || other < timeout ? other : timeout;
}


int
definitionServiceTimeout(const DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;
    int timeout = -1;

    if (service->check == CHECK_USES)
        timeout = (int) MAX(0, (service->useDeadline - g_get_monotonic_time()) / 1000 + 1);
    if (service->domains)
        timeout = serviceSooner(timeout, checkProcessTimeout(service->domains));
    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &peer, NULL))
        timeout = serviceSooner(timeout, checkProcessTimeout(((DefinitionPeer *) peer)->rights));
    return timeout;
}


static void
serviceHandle(DefinitionService *service, const ServiceSource *source, guint32 events)
{
    DefinitionPeer *peer = source->owner;

    switch (source->kind) {
    case SOURCE_PEER:
        if (events & EPOLLOUT)
            serviceFlush(service, peer);
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !serviceRead(service, peer))
            serviceDropPeer(service, peer);
        break;
    case SOURCE_RIGHTS:
        serviceRightsChecked(service, peer);
        break;
    case SOURCE_DOMAINS:
        serviceDomainsChecked(service);
        break;
    }
}


void
definitionServiceDispatch(DefinitionService *service)
{
    int i;

    /* One event at a time: what one does may end what the next is of. */
    for (i = 0; i < SERVICE_BATCH; i++) {
        struct epoll_event event;

        if (epoll_wait(service->epoll, &event, 1, 0) != 1)
            break;
        serviceHandle(service, event.data.ptr, event.events);
        serviceProceed(service);
    }
    serviceProceed(service);
}


/* --- the catalog as a whole --- */

/* What only the memory knows: transient definitions, and what is active. */
static void
serviceCarryOver(const Catalog *from, Catalog *to)
{
    g_autoptr(GPtrArray) list = catalogList(from);
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *old = g_ptr_array_index(list, i);
        const CatalogDefinition *now = catalogFind(to, old->name);
        g_autoptr(GError) err = NULL;

        if (!old->persistent && !old->builtIn && !now) {
            g_autofree char *xml = catalogDefinitionFormat(old);

            catalogCreate(to, xml, strlen(xml), &err);
        } else if (now && !now->builtIn && now->active && !old->active) {
            catalogDestroy(to, old->name, &err);
        } else if (now && !now->builtIn && !now->active && old->active) {
            catalogStart(to, old->name, &err);
        }
        if (err)
            daemonWarning("nodedev", "'%s': %s", old->name, err->message);
    }
}


/* Says what has changed since BEFORE. */
static void
serviceTellDifferences(DefinitionService *service, const Catalog *before)
{
    g_autoptr(GPtrArray) old = catalogList(before);
    g_autoptr(GPtrArray) now = catalogList(service->catalog);
    guint i;

    for (i = 0; i < old->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(old, i);

        if (catalogFind(service->catalog, def->name))
            continue;
        if (def->active)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, def->name);
        if (def->persistent)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_UNDEFINED, def->name);
    }

    for (i = 0; i < now->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(now, i);
        const CatalogDefinition *was = catalogFind(before, def->name);

        if (!was) {
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DEFINED, def->name);
            if (def->active)
                serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, def->name);
        } else if (!emulatedPCIDefEqualFields(def->def, was->def) ||
                   g_strcmp0(def->description, was->description) != 0) {
            serviceTell(service, DEFINITION_UPDATED, 0, def->name);
        }
    }
}


Catalog *
definitionServiceRead(const char *builtinDir, const char *dir, GError **err)
{
    g_autoptr(Catalog) catalog = catalogNew();

    return catalogLoad(catalog, builtinDir, dir, err) ? g_steal_pointer(&catalog) : NULL;
}


void
definitionServiceReplace(DefinitionService *service, Catalog *catalog)
{
    g_autoptr(Catalog) before = NULL;

    serviceCarryOver(service->catalog, catalog);
    before = service->catalog;
    service->catalog = catalog;
    serviceTell(service, DEFINITION_RELOADED, 0, NULL);
    serviceTellDifferences(service, before);
}


gboolean
definitionServiceLoad(DefinitionService *service,
                   const char *builtinDir,
                   const char *dir,
                   GError **err)
{
    Catalog *catalog = definitionServiceRead(builtinDir, dir, err);

    if (!catalog)
        return FALSE;
    definitionServiceReplace(service, catalog);
    return TRUE;
}


gboolean
definitionServiceHasTransient(const DefinitionService *service)
{
    g_autoptr(GPtrArray) list = catalogList(service->catalog);
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(list, i);

        if (!def->persistent && !def->builtIn)
            return TRUE;
    }
    return FALSE;
}


void
definitionServiceSetLauncher(DefinitionService *service, const char *launchDir, const char *qemuDir)
{
    service->launchDir = launchDir;
    service->qemuDir = qemuDir;
}


void
definitionServiceSetUpstream(DefinitionService *service,
                          GStrv paths,
                          const char *own,
                          gboolean start)
{
    g_strfreev(service->upstream);
    service->upstream = paths;
    g_free(service->own);
    service->own = g_strdup(own);
    service->start = start;
}


DefinitionService *
definitionServiceNew(GError **err)
{
    DefinitionService *service;
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot create an epoll instance: %1$s"), g_strerror(errno));
        return NULL;
    }

    service = g_new0(DefinitionService, 1);
    service->epoll = fd;
    service->catalog = catalogNew();
    service->peers = g_hash_table_new_full(NULL, NULL, (GDestroyNotify) servicePeerFree, NULL);
    service->buffer = g_malloc(DEFINITION_MESSAGE_MAX + 1);
    g_queue_init(&service->changes);
    g_queue_init(&service->parked);
    g_queue_init(&service->unchecked);
    service->checked = g_hash_table_new(NULL, NULL);
    service->domainsSource = (ServiceSource) { SOURCE_DOMAINS, NULL };
    return service;
}


void
definitionServiceReaped(DefinitionService *service, pid_t pid)
{
    GHashTableIter iter;
    void *peer;

    if (service->domains)
        checkProcessReaped(service->domains, pid);
    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &peer, NULL))
        checkProcessReaped(((DefinitionPeer *) peer)->rights, pid);
}


void
definitionServiceStop(DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;

    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &peer, NULL))
        g_clear_pointer(&((DefinitionPeer *) peer)->rights, checkProcessFree);
    g_hash_table_remove_all(service->checked);
    g_clear_pointer(&service->domains, checkProcessFree);
}


void
definitionServiceFree(DefinitionService *service)
{
    if (!service)
        return;

    definitionServiceStop(service);
    while (!g_queue_is_empty(&service->changes))
        serviceRequestFree(g_queue_pop_head(&service->changes));
    while (!g_queue_is_empty(&service->parked))
        serviceRequestFree(g_queue_pop_head(&service->parked));
    g_queue_clear(&service->unchecked);
    g_hash_table_unref(service->peers);
    g_hash_table_unref(service->checked);
    catalogFree(service->catalog);
    g_strfreev(service->upstream);
    g_free(service->own);
    g_free(service->buffer);
    close(service->epoll);
    g_free(service);
}
