/*
 * fleet.c: an operation on many domains of many hosts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet_private.h"
#include "fleet_progress.h"
#include "tool_output.h"

#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FLEET_JOBS_DEFAULT 4
#define FLEET_JOBS_MAX 64

/* The time between two updates of the progress bar and checks for an interruption, in
 * microseconds */
#define FLEET_TICK (100 * 1000)

/* Set by the first SIGINT or SIGTERM; the second one ends the program. */
volatile sig_atomic_t fleetInterrupted;


static void
fleetInterrupt(int number)
{
    fleetInterrupted = number;
}


static void
fleetCatchSignals(void)
{
    /* SA_RESTART: the line of a result that is being written is not lost. */
    struct sigaction action = { .sa_handler = fleetInterrupt, .sa_flags = SA_RESETHAND | SA_RESTART };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}


GOptionEntry *
fleetOptionsEntries(FleetOptions *options, const GOptionEntry *entries)
{
    const GOptionEntry common[] = {
        { "connect", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &options->uris,
          N_("Connect to the host at URI; can be given several times"), N_("URI") },
        { "where", 'w', 0, G_OPTION_ARG_STRING_ARRAY, &options->where,
          N_("Select domains whose KEY matches GLOB; can be given several times"), N_("KEY=GLOB") },
        { "all", 0, 0, G_OPTION_ARG_NONE, &options->all, N_("Select all domains"), NULL },
        { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry,
          N_("Print the changes without making them"), NULL },
        { "jobs", 'j', 0, G_OPTION_ARG_INT, &options->jobs,
          N_("Process N domains at a time (default: 4)"), N_("N") },
        { "json", 0, 0, G_OPTION_ARG_NONE, &options->json, N_("Print the results as JSON"), NULL },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("Report only failures"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    GArray *all = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

    options->jobs = FLEET_JOBS_DEFAULT;
    for (; entries && entries->long_name; entries++)
        g_array_append_val(all, *entries);
    g_array_append_vals(all, common, G_N_ELEMENTS(common) - 1);
    return (GOptionEntry *) (void *) g_array_free(all, FALSE);
}


void
fleetOptionsClear(FleetOptions *options)
{
    g_clear_pointer(&options->uris, g_strfreev);
    g_clear_pointer(&options->where, g_strfreev);
}


/* Starts the workers, and reports each domain when all domains before it have been reported. */
static void
fleetPerform(Fleet *fleet)
{
    FleetProgress progress;
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    const guint todo = fleet->domains->len - fleet->finished;
    const guint jobs = MIN((guint) fleet->options->jobs, todo);
    guint told = 0;
    guint i;

    fleetProgressInit(&progress, !fleet->options->json && !fleet->options->quiet);
    fleet->running = jobs;
    for (i = 0; i < jobs; i++)
        g_ptr_array_add(threads, g_thread_new("worker", fleetWork, fleet));

    g_mutex_lock(&fleet->lock);
    for (;;) {
        FleetDomain *domain = told < fleet->domains->len ? g_ptr_array_index(fleet->domains, told)
                                                         : NULL;

        if (domain && domain->finished) {
            g_mutex_unlock(&fleet->lock);
            if (!fleet->options->quiet || domain->outcome == FLEET_FAILED)
                fleetProgressClear(&progress);
            fleetTell(fleet, domain);
            told++;
            g_mutex_lock(&fleet->lock);
            continue;
        }
        if (fleet->running == 0)
            break;
        fleetProgressDraw(&progress, fleet->finished, fleet->failed, fleet->domains->len);
        g_cond_wait_until(&fleet->changed, &fleet->lock, g_get_monotonic_time() + FLEET_TICK);
    }
    g_mutex_unlock(&fleet->lock);
    fleetProgressClear(&progress);
    for (i = 0; i < threads->len; i++)
        g_thread_join(g_ptr_array_index(threads, i));

    /* after an interruption: domains that were not begun, and those that were finished after the
     * first of them */
    for (; told < fleet->domains->len; told++)
        fleetTell(fleet, g_ptr_array_index(fleet->domains, told));
}


static gboolean
fleetCheckOptions(const ToolCommand *command, const FleetOptions *options, char **names)
{
    const guint ways = (names != NULL) + (options->where != NULL) + options->all;

    if (options->jobs < 1 || options->jobs > FLEET_JOBS_MAX) {
        toolOutputUsageError(command, _("invalid value '%1$d' for --jobs: a number from 1 to %2$d is expected"),
                             options->jobs, FLEET_JOBS_MAX);
        return FALSE;
    }
    if (ways == 0) {
        toolOutputUsageError(command, _("no domain is selected: DOMAIN, --where or --all is required"));
        return FALSE;
    }
    if (options->all && ways > 1) {
        toolOutputUsageError(command, _("--all cannot be combined with names of domains or --where"));
        return FALSE;
    }
    return TRUE;
}


ToolExit
fleetRun(const ToolCommand *command, const FleetOperation *operation,
         const FleetOptions *options, char **names, const char *label, void *opaque)
{
    g_autoptr(FleetSelect) selection = NULL;
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(fleetDomainFree);
    Fleet fleet = { .operation = operation, .options = options, .opaque = opaque,
                    .names = names, .domains = domains };
    ToolExit result;
    guint i;

    if (!fleetCheckOptions(command, options, names))
        return TOOL_EXIT_USAGE;
    xmlInitParser();
    selection = fleetSelectNew(options->where, &err);
    if (!selection)
        return toolOutputUsageError(command, "%s", err->message);
    if (!toolConnectInit())
        return TOOL_EXIT_FAILED;

    fleet.selection = selection;
    fleet.nhosts = options->uris ? g_strv_length(options->uris) : 1;
    fleet.hosts = g_new0(FleetHost, fleet.nhosts);
    fleet.found = g_new0(gboolean, names ? g_strv_length(names) : 0);
    for (i = 0; i < fleet.nhosts; i++) {
        fleet.hosts[i].uri = options->uris ? options->uris[i] : toolConnectDefaultURI();
        fleet.hosts[i].domains = g_ptr_array_new();
    }
    g_mutex_init(&fleet.lock);
    g_cond_init(&fleet.changed);

    /* flush, so that each result is visible at once */
    setvbuf(stdout, NULL, _IOLBF, 0);
    fleetCatchSignals();
    fleetGather(&fleet);
    fleetPerform(&fleet);
    result = fleetFinish(&fleet, label);

    for (i = 0; i < fleet.nhosts; i++) {
        g_clear_error(&fleet.hosts[i].err);
        fleetLinkClose(&fleet.hosts[i].link);
        g_ptr_array_unref(fleet.hosts[i].domains);
        if (fleet.hosts[i].data && operation->freeHost)
            operation->freeHost(fleet.hosts[i].data);
    }
    g_mutex_clear(&fleet.lock);
    g_cond_clear(&fleet.changed);
    g_free(fleet.hosts);
    g_free(fleet.found);
    return result;
}
