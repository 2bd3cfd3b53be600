/*
 * fleet_worker.c: does the operation on one domain after the other, in several threads
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet_private.h"

#include <stdlib.h>
#include <string.h>

/* The number of domains from which listing all of them is faster than looking up each one */
#define FLEET_LIST_MIN 8


/* A worker's first connection to HOST: the one by which the domains were found, or
 * a new one. */
static gboolean
fleetLinkTake(Fleet *fleet, FleetLink *link, FleetHost *host, GError **err)
{
    virDomainPtr *domains = NULL;
    int count = 0;
    int i;

    g_mutex_lock(&fleet->lock);
    *link = host->link;
    memset(&host->link, 0, sizeof(host->link));
    g_mutex_unlock(&fleet->lock);
    if (link->conn)
        return TRUE;

    if (!fleetLinkOpen(link, host, err))
        return FALSE;
    if (host->domains->len >= FLEET_LIST_MIN)
        count = virConnectListAllDomains(link->conn, &domains, 0);
    for (i = 0; i < count; i++)
        fleetLinkAdd(link, domains[i]);
    free(domains);
    return TRUE;
}


/* Returns the domain on LINK, once, or NULL with ERR set. */
static virDomainPtr
fleetLinkFind(FleetLink *link, const FleetDomain *domain, GError **err)
{
    g_autofree void *uuid = NULL;
    void *known;
    virDomainPtr found;

    if (g_hash_table_steal_extended(link->domains, &domain->uuid, &uuid, &known))
        return known;
    found = virDomainLookupByUUID(link->conn, domain->uuid.bytes);
    if (!found)
        toolConnectReport(err);
    return found;
}


static void
fleetDo(Fleet *fleet, FleetDomain *domain, FleetLink *links)
{
    FleetLink *link = &links[domain->host - fleet->hosts];
    g_autoptr(ToolDomain) found = NULL;

    domain->outcome = FLEET_FAILED;
    if (!link->conn && !fleetLinkTake(fleet, link, domain->host, &domain->err))
        return;
    found = fleetLinkFind(link, domain, &domain->err);
    if (found)
        domain->outcome = fleet->operation->run(found, fleet->options->dry, fleet->opaque,
                                                domain->host->data, &domain->err);

    /* a new connection is opened for the next domain */
    if (domain->outcome == FLEET_FAILED && virConnectIsAlive(link->conn) != 1)
        fleetLinkClose(link);
}


static FleetDomain *
fleetTake(Fleet *fleet)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&fleet->lock);

    while (!fleetInterrupted && fleet->next < fleet->domains->len) {
        FleetDomain *domain = g_ptr_array_index(fleet->domains, fleet->next++);

        if (!domain->finished)
            return domain;
    }
    return NULL;
}


void *
fleetWork(void *opaque)
{
    Fleet *fleet = opaque;
    g_autofree FleetLink *links = g_new0(FleetLink, fleet->nhosts);
    FleetDomain *domain;
    guint h;

    while ((domain = fleetTake(fleet))) {
        fleetDo(fleet, domain, links);

        g_mutex_lock(&fleet->lock);
        domain->finished = TRUE;
        fleet->finished++;
        if (domain->outcome == FLEET_FAILED)
            fleet->failed++;
        g_cond_signal(&fleet->changed);
        g_mutex_unlock(&fleet->lock);
    }
    for (h = 0; h < fleet->nhosts; h++)
        fleetLinkClose(&links[h]);

    g_mutex_lock(&fleet->lock);
    fleet->running--;
    g_cond_signal(&fleet->changed);
    g_mutex_unlock(&fleet->lock);
    return NULL;
}
