/*
 * fleet_private.h: shared by the files of the fleet subcommands
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "fleet.h"
#include "fleet_select.h"

#include <libvirt/libvirt.h>
#include <signal.h>

/* In libvirt's binary format, because formatting it takes longer than the rest of listing a
 * domain. */
typedef struct {
    guint8 bytes[VIR_UUID_BUFLEN];
} FleetUUID;

/* A connection to a host. */
typedef struct {
    virConnectPtr conn;
    GHashTable *domains;        /* FleetUUID -> virDomainPtr, of those that are known */
} FleetLink;

typedef struct {
    const char *uri;
    void *data;                 /* of the operation */
    GPtrArray *domains;         /* FleetDomain, by name */
    FleetLink link;             /* by which they were found, for the first worker */
    GError *err;
} FleetHost;

typedef struct {
    FleetHost *host;
    char *name;
    FleetUUID uuid;
    FleetOutcome outcome;
    GError *err;
    gboolean finished;          /* outcome and err are set */
} FleetDomain;

typedef struct {
    const FleetOperation *operation;
    const FleetOptions *options;
    void *opaque;
    FleetSelect *selection;
    char **names;

    FleetHost *hosts;
    guint nhosts;
    gboolean *found;            /* which of names, on any host */
    GPtrArray *domains;         /* FleetDomain, of all hosts */

    /* what the threads share */
    GMutex lock;
    GCond changed;
    guint next;                 /* what the next free worker takes */
    guint running;              /* workers */
    guint finished;
    guint failed;
} Fleet;

/* The first SIGINT or SIGTERM sets it; the second one ends the program. */
extern volatile sig_atomic_t fleetInterrupted;

/* --- fleet_hosts.c --- */

/* Frees a FleetDomain. */
void fleetDomainFree(void *opaque);

/* Opens LINK, a connection to HOST. Returns FALSE with ERR set on failure. */
gboolean fleetLinkOpen(FleetLink *link, const FleetHost *host, GError **err);
void fleetLinkClose(FleetLink *link);

/* Adds DOMAIN, which now belongs to LINK. */
void fleetLinkAdd(FleetLink *link, virDomainPtr domain);

/* Connects to all hosts and finds the domains to work on. */
void fleetGather(Fleet *fleet);

/* --- fleet_worker.c --- */

/* The function of a thread: processes domains of the Fleet until none is left. */
void *fleetWork(void *opaque);

/* --- fleet_report.c --- */

/* Reports the result for DOMAIN, unless the results are written as JSON. */
void fleetTell(const Fleet *fleet, const FleetDomain *domain);

/* Reports errors of hosts and names, and the whole. Returns the exit status. */
ToolExit fleetFinish(Fleet *fleet, const char *label);
