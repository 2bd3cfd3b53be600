/*
 * service_checks.c: the checks whether a client can change definitions, and which domains use one
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "service_private.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The maximum number of processes that check the rights of clients, for all users and for one
 * user. Other clients wait. */
#define SERVICE_CHECKS_MAX 16
#define SERVICE_CHECKS_USER_MAX 4


/* Starts a process that checks the rights of ID (if it is not NULL), and the use of DEFINITION (if
 * it is not NULL). Returns NULL with ERR set on failure. */
CheckProcess *
serviceAsk(DefinitionService *service,
           const Identity *id,
           const char *definition,
           EventSource *source,
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
    CheckProcess *process = checkProcessStart(&opts, err);

    if (process)
        eventLoopWatch(service->loop, source, checkProcessFD(process), EPOLLIN);
    return process;
}


/* Kills the process that checks the rights of PEER, if there is one. */
void
serviceEndRights(DefinitionService *service, DefinitionPeer *peer)
{
    if (!peer->rights)
        return;
    eventLoopRemove(service->loop, &peer->rightsSource);
    g_clear_pointer(&peer->rights, checkProcessFree);
    g_hash_table_remove(service->checked, peer);
}


/* Handles the result for PEER: adds its changes to the queue, or rejects them with ERR. */
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


void
serviceRightsReady(guint32 events G_GNUC_UNUSED, void *opaque)
{
    DefinitionPeer *peer = opaque;

    serviceRightsChecked(peer->service, peer);
}


void
serviceDomainsReady(guint32 events G_GNUC_UNUSED, void *opaque)
{
    serviceDomainsChecked(opaque);
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


/* Starts processes for the connections that wait for one. */
void
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


/* Handles the results of processes whose time is over. */
void
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
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        eventLoopRemove(service->loop, &((DefinitionPeer *) peer)->rightsSource);
        g_clear_pointer(&((DefinitionPeer *) peer)->rights, checkProcessFree);
    }
    g_hash_table_remove_all(service->checked);
    eventLoopRemove(service->loop, &service->domainsSource);
    g_clear_pointer(&service->domains, checkProcessFree);
}
