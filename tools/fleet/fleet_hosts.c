/*
 * fleet_hosts.c: finds the domains of all hosts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet_private.h"
#include "fleet_select.h"

#include "emulatedpci_error.h"

#include <libvirt/virterror.h>
#include <string.h>


void
fleetDomainFree(void *opaque)
{
    FleetDomain *domain = opaque;

    g_clear_error(&domain->err);
    g_free(domain->name);
    g_free(domain);
}


/* --- connections */

static guint
fleetUUIDHash(const void *uuid)
{
    guint hash;

    memcpy(&hash, uuid, sizeof(hash));
    return hash;
}


static gboolean
fleetUUIDEqual(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(FleetUUID)) == 0;
}


static void
fleetLinkFreeDomain(void *domain)
{
    virDomainFree(domain);
}


gboolean
fleetLinkOpen(FleetLink *link, const FleetHost *host, GError **err)
{
    link->conn = toolConnectOpen(host->uri, err);
    if (!link->conn)
        return FALSE;
    link->domains = g_hash_table_new_full(fleetUUIDHash, fleetUUIDEqual, g_free,
                                          fleetLinkFreeDomain);
    return TRUE;
}


void
fleetLinkClose(FleetLink *link)
{
    g_clear_pointer(&link->domains, g_hash_table_unref);
    if (link->conn)
        virConnectClose(g_steal_pointer(&link->conn));
}


/* Stores DOMAIN, which belongs to LINK now. */
void
fleetLinkAdd(FleetLink *link, virDomainPtr domain)
{
    FleetUUID *uuid = g_new(FleetUUID, 1);

    virDomainGetUUID(domain, uuid->bytes);
    g_hash_table_replace(link->domains, uuid, domain);
}


/* --- which domains: one thread for each host */

/* Adds @found, which the host now owns, if it is selected. */
static void
fleetHostAdd(Fleet *fleet, FleetHost *host, virDomainPtr found)
{
    g_autoptr(GError) err = NULL;
    FleetDomain *domain;
    FleetSelectResult result = fleetSelectMatch(fleet->selection, found, &err);

    if (result == FLEET_SELECT_NO) {
        virDomainFree(found);
        return;
    }
    domain = g_new0(FleetDomain, 1);
    domain->host = host;
    domain->name = g_strdup(virDomainGetName(found));
    virDomainGetUUID(found, domain->uuid.bytes);
    if (result == FLEET_SELECT_ERROR) {
        domain->outcome = FLEET_FAILED;
        domain->finished = TRUE;
        domain->err = g_steal_pointer(&err);
    }
    g_ptr_array_add(host->domains, domain);
    fleetLinkAdd(&host->link, found);
}


static gboolean
fleetHostHas(const FleetHost *host, virDomainPtr domain)
{
    FleetUUID uuid;

    virDomainGetUUID(domain, uuid.bytes);
    return g_hash_table_contains(host->link.domains, &uuid);
}


static gboolean
fleetHostNamed(Fleet *fleet, FleetHost *host, GError **err)
{
    gsize i;

    for (i = 0; fleet->names[i]; i++) {
        g_autoptr(ToolDomain) domain = fleetDomainLookup(host->link.conn, fleet->names[i]);

        if (!domain) {
            const int code = virGetLastErrorCode();

            if (code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_INVALID_ARG)
                continue;
            toolConnectReport(err);
            return FALSE;
        }
        g_atomic_int_set(&fleet->found[i], TRUE);
        if (!fleetHostHas(host, domain))
            fleetHostAdd(fleet, host, g_steal_pointer(&domain));
    }
    return TRUE;
}


static gboolean
fleetHostAll(Fleet *fleet, FleetHost *host, GError **err)
{
    virDomainPtr *domains = NULL;
    const int count = virConnectListAllDomains(host->link.conn, &domains, 0);
    int i;

    if (count < 0) {
        toolConnectReport(err);
        return FALSE;
    }
    for (i = 0; i < count; i++) {
        if (fleetInterrupted)
            virDomainFree(domains[i]);
        else
            fleetHostAdd(fleet, host, domains[i]);
    }
    free(domains);
    return TRUE;
}


typedef struct {
    Fleet *fleet;
    FleetHost *host;
} FleetGather;


static void *
fleetHostGather(void *opaque)
{
    FleetGather *gather = opaque;
    Fleet *fleet = gather->fleet;
    FleetHost *host = gather->host;
    gboolean ok = fleetLinkOpen(&host->link, host, &host->err) &&
        toolConnectCheckDaemon(host->link.conn, host->uri, &host->err);

    if (ok && fleet->operation->prepare)
        ok = fleet->operation->prepare(host->link.conn, fleet->opaque, &host->data, &host->err);
    if (ok) {
        if (fleet->names)
            fleetHostNamed(fleet, host, &host->err);
        else
            fleetHostAll(fleet, host, &host->err);
    }
    if (host->domains->len == 0)
        fleetLinkClose(&host->link);
    return NULL;
}


static int
fleetDomainCompare(const void *a, const void *b)
{
    return strcmp((*(FleetDomain *const *) a)->name, (*(FleetDomain *const *) b)->name);
}


void
fleetGather(Fleet *fleet)
{
    g_autofree FleetGather *gather = g_new0(FleetGather, fleet->nhosts);
    g_autofree GThread **threads = g_new0(GThread *, fleet->nhosts);
    guint h;
    guint i;

    for (h = 0; h < fleet->nhosts; h++) {
        gather[h].fleet = fleet;
        gather[h].host = &fleet->hosts[h];
        threads[h] = g_thread_new("host", fleetHostGather, &gather[h]);
    }
    for (h = 0; h < fleet->nhosts; h++) {
        FleetHost *host = &fleet->hosts[h];

        g_thread_join(threads[h]);
        g_ptr_array_sort(host->domains, fleetDomainCompare);
        for (i = 0; i < host->domains->len; i++) {
            FleetDomain *domain = g_ptr_array_index(host->domains, i);

            g_ptr_array_add(fleet->domains, domain);
            if (domain->finished) {
                fleet->finished++;
                fleet->failed++;
            }
        }
    }
}
