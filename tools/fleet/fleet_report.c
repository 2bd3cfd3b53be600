/*
 * fleet_report.c: reports the results as text or JSON
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "error_name.h"
#include "fleet_private.h"
#include "tool_output.h"

#include "emulatedpci_error.h"
#include "emulatedpci_uuid.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <string.h>


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


void
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
    char text[EMULATED_PCI_UUID_LEN + 1];

    emulatedPCIUUIDFormat(uuid->bytes, text);
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


/* Returns whether no domain has the name with this number. This is unknown if a host could not be
 * reached. */
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


ToolExit
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
