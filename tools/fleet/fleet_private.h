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
    FleetLink link;             /* the connection by which the domains were found, for the first
                                 * worker */
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
    gboolean *found;            /* whether each name was found on any host */
    GPtrArray *domains;         /* FleetDomain, of all hosts */

    /* shared by the threads */
    GMutex lock;
    GCond changed;
    guint next;                 /* the index of the next domain */
    guint running;              /* workers */
    guint finished;
    guint failed;
} Fleet;

/* The first SIGINT or SIGTERM sets it; the second one ends the program. */
extern volatile sig_atomic_t fleetInterrupted;

/* --- fleet_hosts.c --- */

/**
 * fleetDomainFree:
 * @opaque: a FleetDomain
 *
 * Frees the domain, as a GDestroyNotify.
 */
void fleetDomainFree(void *opaque);

/**
 * fleetLinkOpen:
 * @link: the connection
 * @host: the host
 * @err: set to libvirt's error on failure
 *
 * Opens a connection to the host.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean fleetLinkOpen(FleetLink *link, const FleetHost *host, GError **err);

/**
 * fleetLinkClose:
 * @link: the connection
 *
 * Closes the connection if it is open, and frees its domains.
 */
void fleetLinkClose(FleetLink *link);

/**
 * fleetLinkAdd:
 * @link: the connection
 * @domain: a domain of this connection; @link takes ownership
 *
 * Adds a domain, so that it need not be looked up again.
 */
void fleetLinkAdd(FleetLink *link, virDomainPtr domain);

/**
 * fleetGather:
 * @fleet: the state of the operation
 *
 * Connects to all hosts at the same time, and finds the domains to process. Errors are stored in
 * the hosts and domains.
 */
void fleetGather(Fleet *fleet);

/* --- fleet_worker.c --- */

/**
 * fleetWork:
 * @opaque: the Fleet
 *
 * The function of a thread: processes domains until none is left.
 *
 * Returns NULL.
 */
void *fleetWork(void *opaque);

/* --- fleet_report.c --- */

/**
 * fleetTell:
 * @fleet: the state of the operation
 * @domain: a domain that has been processed
 *
 * Prints the result for a domain, unless the results are printed as JSON.
 */
void fleetTell(const Fleet *fleet, const FleetDomain *domain);

/**
 * fleetFinish:
 * @fleet: the state of the operation
 * @label: the definition or device that is attached or detached, for JSON
 *
 * Prints the errors of hosts and names, and the summary.
 *
 * Returns the exit status of the program.
 */
ToolExit fleetFinish(Fleet *fleet, const char *label);
