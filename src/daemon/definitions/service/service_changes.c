/*
 * service_changes.c: the queue of changes of definitions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "service_private.h"

#include "gettext.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)
#if !ENABLE_NLS
/* The macro of gettext.h prevents the compiler from checking the format. */
# undef ngettext
# define ngettext(one, many, n) ((n) == 1 ? (one) : (many))
#endif

/* The maximum size of all waiting requests, except for root's, in bytes */
#define SERVICE_WAITING_BYTES (64 * 1024 * 1024)

/* The longest time that a connection may use a definition that another one undefines or
 * destroys, in milliseconds */
#define SERVICE_USE_TIMEOUT 30000


/* Returns the first change if it removes a definition and waits for its checks. */
const char *
serviceBeingTaken(const DefinitionService *service)
{
    const ServiceRequest *first = g_queue_peek_head((GQueue *) &service->changes);

    return service->check == CHECK_USES || service->check == CHECK_DOMAINS ? first->name : NULL;
}


/* Makes the change; *NAME gets the name for the reply. */
static gboolean
serviceChange(DefinitionService *service, const ServiceRequest *request, char **name, GError **err)
{
    DefinitionStore *store = service->store;
    const StoredDefinition *def;
    gboolean persistent;
    gboolean wasActive;
    gboolean created;

    switch (request->kind) {
    case DEFINITION_DEFINE:
        def = definitionStoreDefine(store, request->text, request->textLen, &created, err);
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
        def = definitionStoreCreate(store, request->text, request->textLen, err);
        if (!def)
            return FALSE;
        *name = g_strdup(def->name);
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, *name);
        return TRUE;

    case DEFINITION_START:
        if (!definitionStoreStart(store, request->name, err))
            return FALSE;
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, request->name);
        return TRUE;

    case DEFINITION_SET_AUTOSTART:
        return definitionStoreSetAutostart(store, request->name, request->value != 0, err);

    case DEFINITION_DESTROY:
        if (!definitionStoreDestroy(store, request->name, err))
            return FALSE;
        serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, request->name);
        return TRUE;

    case DEFINITION_UNDEFINE:
        def = definitionStoreFind(store, request->name);
        persistent = def && def->persistent;
        wasActive = def && def->active;
        if (!definitionStoreUndefine(store, request->name, err))
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
    daemonInfo("definitions", "change %u of '%s': %s", request->kind,
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


/* Returns TRUE if the first change, which removes a definition, can be made now. Otherwise it waits
 * for a check, or has been rejected. */
static gboolean
serviceMayTake(DefinitionService *service, const ServiceRequest *request)
{
    const StoredDefinition *def = definitionStoreFind(service->store, request->name);
    g_autoptr(GError) err = NULL;

    /* A change that cannot succeed requires no check. An inactive definition can be in use,
     * too. */
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
                               _("timed out waiting for a call that uses definition '%1$s'"),
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


/* Makes changes until one has to wait. */
void
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


/* Handles the result of the checking process for the first change. */
void
serviceDomainsChecked(DefinitionService *service)
{
    const ServiceRequest *request = g_queue_peek_head(&service->changes);
    DefinitionCheckResult result;
    g_autoptr(GError) err = NULL;

    checkProcessResult(service->domains, &result);
    eventLoopRemove(service->loop, &service->domainsSource);
    g_clear_pointer(&service->domains, checkProcessFree);

    if (result.code != 0) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_FAILED,
                               _("cannot determine the domains that use definition '%1$s': %2$s"),
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


void
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
        /* A UUID is not supported, because names are compared. */
        emulatedPCIReportError(&err, VIR_ERR_NO_NODE_DEVICE,
                               _("no node device with matching name '%1$s'"), name);
    }
    if (!err && peer->id.uid != 0 &&
        service->waitingBytes + message->textLen > SERVICE_WAITING_BYTES) {
        emulatedPCIReportError(&err, VIR_ERR_RESOURCE_BUSY, "%s",
                               _("too many pending changes of definitions"));
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
