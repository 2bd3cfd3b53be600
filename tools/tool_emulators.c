/*
 * tool_emulators.c: virt-emulatedpci emulators
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulators.h"
#include "tool_options.h"
#include "tool_output.h"
#include "tool_table.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <string.h>

static const char *const titles[] = {
    N_("Domain"), N_("Process"), N_("Device"), N_("Transport"), N_("Uptime"), N_("Restarts"),
    N_("Requests"), N_("Memory"),
};


static char *
toolEmulatorsFormatUptime(guint64 seconds)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u", seconds / 3600,
                           (unsigned int) (seconds / 60 % 60), (unsigned int) (seconds % 60));
}


/* Returns the cells of a row, in the order of the titles. */
static char **
toolEmulatorsFormatRow(const Emulator *emulator, const EmulatorsDevice *device)
{
    char **row = g_new0(char *, G_N_ELEMENTS(titles) + 1);

    row[0] = g_strdup(device->domain ? device->domain : "-");
    row[1] = emulator->guarded ?
        g_strdup_printf("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, emulator->pid, emulator->worker) :
        g_strdup_printf("%" G_GINT64_FORMAT, emulator->pid);
    row[2] = g_strdup(device->devicename);
    row[3] = g_strdup(device->closed ? _("closed") : device->transport);
    row[4] = toolEmulatorsFormatUptime(emulator->uptime);
    row[5] = g_strdup_printf("%" G_GUINT64_FORMAT, emulator->restarts);
    row[6] = g_strdup_printf("%" G_GUINT64_FORMAT, device->requests);
    row[7] = g_strdup_printf("%" G_GUINT64_FORMAT " KiB", emulator->memory);
    return row;
}


static json_object *
toolEmulatorsFormatJSON(const Emulator *emulator, const EmulatorsDevice *device)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, "domain",
                           device->domain ? json_object_new_string(device->domain) : NULL);
    json_object_object_add(object, "qemu",
                           device->qemu ? json_object_new_int64(device->qemu) : NULL);
    json_object_object_add(object, "pid", json_object_new_int64(emulator->pid));
    json_object_object_add(object, "worker", json_object_new_int64(emulator->worker));
    json_object_object_add(object, "guarded", json_object_new_boolean(emulator->guarded));
    json_object_object_add(object, "devicename", json_object_new_string(device->devicename));
    json_object_object_add(object, "transport", json_object_new_string(device->transport));
    json_object_object_add(object, "closed", json_object_new_boolean(device->closed));
    json_object_object_add(object, "uptime", json_object_new_int64(emulator->uptime));
    json_object_object_add(object, "restarts", json_object_new_int64(emulator->restarts));
    json_object_object_add(object, "requests", json_object_new_int64(device->requests));
    json_object_object_add(object, "memory", json_object_new_int64(emulator->memory));
    return object;
}


/* Shows the devices of DOMAIN, or all. */
static ToolExit
toolEmulatorsShow(const char *domain, gboolean asJSON)
{
    g_autoptr(GPtrArray) emulators = emulatorsFind();
    g_autoptr(ToolTable) table = toolTableNew(titles, G_N_ELEMENTS(titles));
    json_object *array = json_object_new_array();
    gboolean ok = TRUE;
    guint found = 0;
    guint i;
    guint d;

    for (i = 0; i < emulators->len; i++) {
        const Emulator *emulator = emulators->pdata[i];

        for (d = 0; d < emulator->devices->len; d++) {
            const EmulatorsDevice *device = emulator->devices->pdata[d];

            if (domain && g_strcmp0(domain, device->domain) != 0)
                continue;
            found++;
            if (asJSON)
                json_object_array_add(array, toolEmulatorsFormatJSON(emulator, device));
            else
                toolTableAdd(table, toolEmulatorsFormatRow(emulator, device));
        }
    }

    if (asJSON) {
        g_autofree char *text = g_strconcat(
            json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY), "\n", NULL);

        ok = toolOutputWrite(text, strlen(text));
    } else if (found > 0) {
        g_autoptr(GString) text = g_string_new(NULL);

        toolTableFormat(table, text);
        ok = toolOutputWrite(text->str, text->len);
    }
    json_object_put(array);

    if (domain && found == 0) {
        g_autofree char *message =
            g_strdup_printf(_("no emulator of domain '%1$s' found on this machine"), domain);

        toolOutputErrorCode(NULL, VIR_ERR_NO_DOMAIN, message);
        return TOOL_EXIT_FAILED;
    }
    return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}


/* Returns whether URI names a libvirt of another machine. */
static gboolean
toolEmulatorsIsRemote(const char *uri)
{
    const char *authority = strstr(uri, "://");

    return authority && authority[3] != '/' && authority[3] != '\0';
}


static ToolExit
toolEmulators(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_autofree char *uri = NULL;
    gboolean asJSON = FALSE;
    const GOptionEntry entries[] = {
        { "connect", 'c', 0, G_OPTION_ARG_STRING, &uri,
          N_("The libvirt of the domains; it must be on this machine"), N_("URI") },
        { "json", 0, 0, G_OPTION_ARG_NONE, &asJSON, N_("Print JSON"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, 1, argc, argv))
        return TOOL_EXIT_USAGE;

    if (!uri)
        uri = g_strdup(g_getenv("LIBVIRT_DEFAULT_URI"));
    if (uri && toolEmulatorsIsRemote(uri)) {
        g_autofree char *message =
            g_strdup_printf(_("emulators of another machine cannot be listed: '%1$s' is not on "
                              "this machine"), uri);

        toolOutputErrorCode(NULL, VIR_ERR_CONFIG_UNSUPPORTED, message);
        return TOOL_EXIT_FAILED;
    }
    return toolEmulatorsShow(options.files ? options.files[0] : NULL, asJSON);
}


const ToolCommand toolCommandEmulators = {
    .name = "emulators",
    .operands = N_("[DOMAIN]"),
    .summary = N_("Show which process serves which device"),
    .description = N_("Lists the devices of all running domains, or of DOMAIN, with the process that\n"
                      "serves each. Processes of other users are only listed for root."),
    .run = toolEmulators,
};
