/*
 * fleet.c: one operation on many domains of many hosts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "error_name.h"
#include "fleet.h"
#include "fleet_progress.h"
#include "fleet_select.h"
#include "tool_output.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define FLEET_JOBS_DEFAULT 4
#define FLEET_JOBS_MAX 64

/* How often the progress bar is drawn and an interruption is noticed, in us. */
#define FLEET_TICK (100 * 1000)

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

/* Set by the first SIGINT or SIGTERM; the second one ends the program. */
static volatile sig_atomic_t fleetInterrupted;


static void
fleetInterrupt(int number)
{
    fleetInterrupted = number;
}


static void
fleetCatchSignals(void)
{
    struct sigaction action = { .sa_handler = fleetInterrupt, .sa_flags = SA_RESETHAND };

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


static void
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


static gboolean
fleetLinkOpen(FleetLink *link, const FleetHost *host, GError **err)
{
    link->conn = toolConnectOpen(host->uri, err);
    if (!link->conn)
        return FALSE;
    link->domains = g_hash_table_new_full(fleetUUIDHash, fleetUUIDEqual, g_free,
                                          fleetLinkFreeDomain);
    return TRUE;
}


static void
fleetLinkClose(FleetLink *link)
{
    g_clear_pointer(&link->domains, g_hash_table_unref);
    if (link->conn)
        virConnectClose(g_steal_pointer(&link->conn));
}


/* Remembers DOMAIN, which now belongs to LINK. */
static void
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


static void
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


/* --- the work: threads that take one domain after the other */

/* From how many domains on listing all at once is cheaper than looking up each. */
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


/* The domain on LINK, once; NULL with ERR set. */
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

    /* the next domain may have more luck with a new one */
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


static void *
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


/* --- what is said */

static const char *
fleetOutcomeName(FleetOutcome outcome)
{
    static const char *const names[] = {
        [FLEET_LEFT] = "left", [FLEET_DONE] = "done", [FLEET_UNCHANGED] = "unchanged",
        [FLEET_FAILED] = "failed",
    };

    return names[outcome];
}


/* "NAME", or "URI: NAME" where there are several hosts. */
static char *
fleetDomainLabel(const Fleet *fleet, const FleetDomain *domain)
{
    if (fleet->nhosts == 1)
        return g_strdup(domain->name);
    return g_strdup_printf("%s: %s", domain->host->uri, domain->name);
}


static void
fleetTell(const Fleet *fleet, const FleetDomain *domain)
{
    g_autofree char *label = fleetDomainLabel(fleet, domain);
    g_autofree char *line = NULL;
    const char *text = NULL;

    if (fleet->options->json)
        return;
    if (domain->outcome == FLEET_FAILED) {
        toolOutputError(label, domain->err);
        return;
    }
    if (fleet->options->quiet && domain->outcome != FLEET_LEFT)
        return;

    if (domain->outcome == FLEET_UNCHANGED)
        text = _("unchanged");
    else if (domain->outcome == FLEET_LEFT)
        text = _("left");
    else
        text = _(fleet->options->dry ? fleet->operation->would : fleet->operation->done);
    line = g_strdup_printf("%s: %s\n", label, text);
    toolOutputWrite(line, strlen(line));
}


static void
fleetJSONAddString(json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}


static void
fleetJSONAddUUID(json_object *object, const FleetUUID *uuid)
{
    char digits[2 * VIR_UUID_BUFLEN + 1];
    char text[EMULATED_PCI_UUID_LEN + 1] = "";
    gsize i;

    for (i = 0; i < VIR_UUID_BUFLEN; i++)
        g_snprintf(digits + 2 * i, 3, "%02x", uuid->bytes[i]);
    emulatedPCIUUIDParse(digits, text);
    fleetJSONAddString(object, "uuid", text);
}


static void
fleetJSONAddError(json_object *object, const GError *err)
{
    json_object *error = json_object_new_object();

    fleetJSONAddString(error, "code", errorCodeName(err->code));
    fleetJSONAddString(error, "message", err->message);
    json_object_object_add(object, "error", error);
}


/* Whether the name of that number is no domain's; not known while a host is silent. */
static gboolean
fleetIsMissing(const Fleet *fleet, guint number)
{
    guint h;

    for (h = 0; h < fleet->nhosts; h++) {
        if (fleet->hosts[h].err)
            return FALSE;
    }
    return !fleet->found[number];
}


static void
fleetTellJSON(const Fleet *fleet, const char *label, const guint *counts)
{
    json_object *root = json_object_new_object();
    json_object *hosts = json_object_new_array();
    json_object *domains = json_object_new_array();
    json_object *summary = json_object_new_object();
    const char *text;
    guint i;

    fleetJSONAddString(root, "operation", fleet->operation->name);
    fleetJSONAddString(root, "device", label);
    json_object_object_add(root, "dryRun", json_object_new_boolean(fleet->options->dry));
    json_object_object_add(root, "interrupted", json_object_new_boolean(fleetInterrupted != 0));
    for (i = 0; i < fleet->nhosts; i++) {
        json_object *host = json_object_new_object();

        fleetJSONAddString(host, "uri", fleet->hosts[i].uri);
        if (fleet->hosts[i].err)
            fleetJSONAddError(host, fleet->hosts[i].err);
        json_object_array_add(hosts, host);
    }
    json_object_object_add(root, "hosts", hosts);
    for (i = 0; i < fleet->domains->len; i++) {
        const FleetDomain *domain = g_ptr_array_index(fleet->domains, i);
        json_object *object = json_object_new_object();

        fleetJSONAddString(object, "uri", domain->host->uri);
        fleetJSONAddString(object, "name", domain->name);
        fleetJSONAddUUID(object, &domain->uuid);
        fleetJSONAddString(object, "result", fleetOutcomeName(domain->outcome));
        if (domain->err)
            fleetJSONAddError(object, domain->err);
        json_object_array_add(domains, object);
    }
    json_object_object_add(root, "domains", domains);
    for (i = 0; fleet->names && fleet->names[i]; i++) {
        json_object *missing;

        if (!fleetIsMissing(fleet, i))
            continue;
        if (!json_object_object_get_ex(root, "missing", &missing)) {
            missing = json_object_new_array();
            json_object_object_add(root, "missing", missing);
        }
        json_object_array_add(missing, json_object_new_string(fleet->names[i]));
    }
    for (i = FLEET_LEFT; i <= FLEET_FAILED; i++)
        json_object_object_add(summary, fleetOutcomeName(i), json_object_new_int(counts[i]));
    json_object_object_add(root, "summary", summary);

    text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
                                          JSON_C_TO_STRING_NOSLASHESCAPE);
    toolOutputWrite(text, strlen(text));
    toolOutputWrite("\n", 1);
    json_object_put(root);
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

    /* after an interruption: what was not begun, and what ended behind that */
    for (; told < fleet->domains->len; told++)
        fleetTell(fleet, g_ptr_array_index(fleet->domains, told));
}


/* Tells of what is not a domain's, and of the whole. */
static ToolExit
fleetFinish(Fleet *fleet, const char *label)
{
    guint counts[FLEET_FAILED + 1] = { 0 };
    guint wrong = 0;
    guint right;
    guint i;

    for (i = 0; i < fleet->domains->len; i++)
        counts[((FleetDomain *) g_ptr_array_index(fleet->domains, i))->outcome]++;
    right = counts[FLEET_DONE] + counts[FLEET_UNCHANGED];
    wrong = counts[FLEET_FAILED] + counts[FLEET_LEFT];

    for (i = 0; i < fleet->nhosts; i++) {
        if (!fleet->hosts[i].err)
            continue;
        wrong++;
        if (!fleet->options->json)
            toolOutputError(fleet->hosts[i].uri, fleet->hosts[i].err);
    }
    for (i = 0; fleet->names && fleet->names[i]; i++) {
        if (!fleetIsMissing(fleet, i))
            continue;
        wrong++;
        if (!fleet->options->json)
            toolOutputErrorCode(fleet->names[i], VIR_ERR_NO_DOMAIN, _("domain not found"));
    }

    if (fleet->options->json) {
        fleetTellJSON(fleet, label, counts);
    } else if (fleet->domains->len == 0 && wrong == 0 && !fleetInterrupted) {
        toolOutputErrorCode(NULL, VIR_ERR_NO_DOMAIN, _("no domain matches"));
    } else if (!fleet->options->quiet && fleet->domains->len > 1) {
        g_autofree char *text = NULL;

        text = g_strdup_printf(_("%1$s: %2$u, unchanged: %3$u, failed: %4$u, left: %5$u\n"),
                               _(fleet->options->dry ? fleet->operation->would
                                                     : fleet->operation->done),
                               counts[FLEET_DONE], counts[FLEET_UNCHANGED], counts[FLEET_FAILED],
                               counts[FLEET_LEFT]);
        toolOutputWrite(text, strlen(text));
    }
    if (fleetInterrupted && !fleet->options->json)
        toolOutputWarning(NULL, "%s", _("interrupted; rerun the command to process the remaining domains"));

    if (wrong == 0)
        return right > 0 ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
    return right > 0 ? TOOL_EXIT_SOME : TOOL_EXIT_FAILED;
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
