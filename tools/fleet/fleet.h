/*
 * fleet.h: an operation on many domains of many hosts
 *
 * Selects the domains, runs the operation on them in parallel, reports each result, and continues
 * after failures. This file does not depend on the operation.
 *
 * Each worker has its own connection to each host, because libvirt processes the calls of a
 * connection one after the other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_connect.h"
#include "tool_options.h"

typedef enum {
    FLEET_LEFT = 0,         /* not begun, because of an interruption */
    FLEET_DONE,
    FLEET_UNCHANGED,        /* there was nothing to do */
    FLEET_FAILED,
} FleetOutcome;

typedef struct {
    const char *name;       /* of the operation, in JSON */
    const char *done;       /* the text for FLEET_DONE; marked for translation */
    const char *would;      /* the same in a dry run */

    /* Called before any domain of a host is processed, with the connection to it. After an error,
     * none of its domains is processed. *HOST is passed to run(). May be NULL. */
    gboolean (*prepare)(virConnectPtr conn, void *opaque, void **host, GError **err);

    /* Processes one domain, or only checks it if DRY is set. Returns FLEET_FAILED with ERR set on
     * failure. Called in several threads at the same time. */
    FleetOutcome (*run)(virDomainPtr domain, gboolean dry, void *opaque, void *host, GError **err);

    GDestroyNotify freeHost;
} FleetOperation;

/* The options that all fleet subcommands have. */
typedef struct {
    char **uris;
    char **where;
    gboolean all;
    gboolean dry;
    gboolean json;
    gboolean quiet;
    int jobs;
} FleetOptions;

/**
 * fleetOptionsEntries:
 * @options: receives the values when the options are parsed; must be zero before
 * @entries: the options of the subcommand, terminated by an entry without a name; NULL: none
 *
 * Returns the options of the subcommand and those of all fleet subcommands, for
 * toolOptionsParse(); to be freed with g_free().
 */
GOptionEntry *fleetOptionsEntries(FleetOptions *options, const GOptionEntry *entries);

/**
 * fleetOptionsClear:
 * @options: the options
 *
 * Frees the values of the options. The struct itself belongs to the caller.
 */
void fleetOptionsClear(FleetOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FleetOptions, fleetOptionsClear)

/**
 * fleetRun:
 * @command: the subcommand, for messages
 * @operation: the operation
 * @options: the values of the options
 * @names: names, UUIDs or ids of domains, terminated by NULL; NULL: none
 * @label: the definition or device that is attached or detached, for JSON
 * @opaque: passed to the functions of @operation
 *
 * Performs the operation on all domains that @names and @options select, and prints the results.
 *
 * Returns the exit status of the program.
 */
ToolExit fleetRun(const ToolCommand *command, const FleetOperation *operation,
                  const FleetOptions *options, char **names, const char *label, void *opaque);
