/*
 * definition_service.c: the definitions, in the listener
 *
 * Requests are answered at once. The first change of a client waits until a separate process
 * (check_process.h) has asked libvirtd whether the client has access; this does not delay other
 * clients. The changes of clients with access wait in one queue, in the order of their arrival,
 * because removing a definition requires a process that asks libvirtd, too:
 *
 *     [no connection is about to use it]  --  [no domain uses it]  --  done
 *
 * A connection is about to use a definition from its request (DEFINITION_USE) until libvirtd has
 * replied to the call with the definition. Requests for a definition that is being removed wait
 * until this is decided. Built-in definitions, which cannot be removed, are requested only once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "service_private.h"

#include <unistd.h>

/* The maximum number of events that are handled before the listener does other work */
#define SERVICE_BATCH 64


void
definitionServiceForget(DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;

    /* Only descriptors are closed, because they could harm others. The memory is shared. */
    g_hash_table_iter_init(&iter, service->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        close(((DefinitionPeer *) peer)->fd);
        if (((DefinitionPeer *) peer)->rights)
            checkProcessForget(((DefinitionPeer *) peer)->rights);
    }
    if (service->domains)
        checkProcessForget(service->domains);
    eventLoopFree(service->loop);
}


int
definitionServiceFD(const DefinitionService *service)
{
    return eventLoopFD(service->loop);
}


int
definitionServiceTimeout(const DefinitionService *service)
{
    GHashTableIter iter;
    void *peer;
    int timeout = -1;

    if (service->check == CHECK_USES)
        timeout = eventTimeUntil(service->useDeadline);
    if (service->domains)
        timeout = eventSooner(timeout, checkProcessTimeout(service->domains));
    g_hash_table_iter_init(&iter, service->checked);
    while (g_hash_table_iter_next(&iter, &peer, NULL))
        timeout = eventSooner(timeout, checkProcessTimeout(((DefinitionPeer *) peer)->rights));
    return timeout;
}


/* Continues with work that does not depend on requests. */
static void
serviceProceed(DefinitionService *service)
{
    serviceExpire(service);
    serviceStartChecks(service);
    serviceRun(service);
}


void
definitionServiceDispatch(DefinitionService *service)
{
    int i;

    for (i = 0; i < SERVICE_BATCH && eventLoopDispatch(service->loop); i++)
        serviceProceed(service);
    serviceProceed(service);
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
    EventLoop *loop = eventLoopNew(err);
    DefinitionService *service;

    if (!loop)
        return NULL;

    service = g_new0(DefinitionService, 1);
    service->loop = loop;
    service->store = definitionStoreNew();
    service->peers = g_hash_table_new_full(NULL, NULL, (GDestroyNotify) servicePeerFree, NULL);
    service->buffer = g_malloc(DEFINITION_MESSAGE_MAX + 1);
    g_queue_init(&service->changes);
    g_queue_init(&service->parked);
    g_queue_init(&service->unchecked);
    service->checked = g_hash_table_new(NULL, NULL);
    service->domainsSource = (EventSource) { .func = serviceDomainsReady, .opaque = service };
    return service;
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
    definitionStoreFree(service->store);
    g_strfreev(service->upstream);
    g_free(service->own);
    g_free(service->buffer);
    eventLoopFree(service->loop);
    g_free(service);
}
