/*
 * tool_definition.c: virt-emulatedpci list, show, define, clone and undefine
 *
 * The subcommands do the same as "virsh nodedev-…", but only for definitions, on several hosts,
 * and with names that can omit the prefix.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "error_name.h"
#include "tool_definition_lookup.h"
#include "tool_options.h"
#include "tool_output.h"
#include "tool_table.h"
#include "tool_xml.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <string.h>

#define TOOL_DEFINITION_END "</device>"

static const char *const titles[] = { N_("Name"), N_("Device"), N_("Class"), N_("State") };

typedef struct {
    const ToolCommand *command;
    char **uris;
    gboolean many;              /* there are several hosts: print the host of each definition */
    gboolean json;
    char **operands;            /* names */
    char **set;                 /* FIELD=VALUE */
    char *description;
    GPtrArray *documents;       /* to define */
    GPtrArray *files;           /* the file of each, as messages call it; not owned */

    json_object *list;
    guint done;
    guint failed;
} ToolDefinition;

typedef void (*ToolDefinitionFunc)(ToolDefinition *tool, virConnectPtr conn, const char *uri);


static void
toolDefinitionFailed(ToolDefinition *tool, const char *uri, const char *what, const GError *err)
{
    g_autofree char *label = NULL;

    if (tool->many && what)
        label = g_strdup_printf("%s: %s", uri, what);
    toolOutputError(label ? label : what ? what : uri, err);
    tool->failed++;
}


static void
toolDefinitionSay(ToolDefinition *tool, const char *uri, const char *what, const char *done)
{
    g_autofree char *line = g_strdup_printf("%s%s%s: %s\n", tool->many ? uri : "",
                                            tool->many ? ": " : "", what, done);

    toolOutputWrite(line, strlen(line));
    tool->done++;
}


/* Calls FUNC for every host. Returns the exit status. */
static ToolExit
toolDefinitionRun(ToolDefinition *tool, ToolDefinitionFunc func)
{
    const char *fallback[] = { toolConnectDefaultURI(), NULL };
    const char *const *uris = tool->uris ? (const char *const *) tool->uris : fallback;
    gsize i;

    if (!toolConnectInit())
        return TOOL_EXIT_FAILED;
    tool->many = uris[1] != NULL;
    for (i = 0; uris[i]; i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(ToolConnection) conn = toolConnectOpen(uris[i], &err);

        if (conn && toolConnectCheckDaemon(conn, uris[i], &err))
            func(tool, conn, uris[i]);
        else
            toolDefinitionFailed(tool, uris[i], NULL, err);
    }
    if (tool->failed == 0)
        return TOOL_EXIT_OK;
    return tool->done > 0 ? TOOL_EXIT_SOME : TOOL_EXIT_FAILED;
}


/* --- list */

/* Parses the XML of @device. Returns NULL with @err set on failure. */
static EmulatedPCIDefinition *
toolDefinitionRead(virNodeDevicePtr device, GError **err)
{
    g_autofree char *xml = virNodeDeviceGetXMLDesc(device, 0);
    g_autoptr(EmulatedPCIDefinition) definition = NULL;

    if (!xml) {
        toolConnectReport(err);
        return NULL;
    }
    definition = emulatedPCIDefinitionParse(xml, strlen(xml), FALSE, err);
    if (!definition)
        return NULL;
    /* which the parser ignores */
    definition->builtIn = strstr(xml, " built_in='yes'") != NULL;
    return g_steal_pointer(&definition);
}


static void
toolDefinitionListJSON(ToolDefinition *tool, const char *uri, virNodeDevicePtr device,
                       const EmulatedPCIDefinition *definition)
{
    json_object *object = json_object_new_object();
    json_object *fields = json_object_new_object();
    int autostart = 0;
    int i;

    virNodeDeviceGetAutostart(device, &autostart);
    json_object_object_add(object, "uri", json_object_new_string(uri));
    json_object_object_add(object, "name", json_object_new_string(definition->name));
    json_object_object_add(object, "uuid", json_object_new_string(definition->uuid));
    if (definition->description)
        json_object_object_add(object, "description", json_object_new_string(definition->description));
    json_object_object_add(object, "builtIn", json_object_new_boolean(definition->builtIn));
    json_object_object_add(object, "active",
                           json_object_new_boolean(virNodeDeviceIsActive(device) == 1));
    json_object_object_add(object, "persistent",
                           json_object_new_boolean(virNodeDeviceIsPersistent(device) == 1));
    json_object_object_add(object, "autostart", json_object_new_boolean(autostart == 1));
    json_object_object_add(fields, "devicename",
                           json_object_new_string(definition->def->fields.devicename));
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        json_object_object_add(fields, emulatedPCIFieldGetInfo(i)->name,
                               json_object_new_int64(definition->def->fields.value[i]));
    json_object_object_add(object, "fields", fields);
    json_object_array_add(tool->list, object);
}


/* Returns the cells of a row, in the order of the titles. */
static char **
toolDefinitionFormatRow(virNodeDevicePtr device, const EmulatedPCIDefinition *definition)
{
    const guint32 *value = definition->def->fields.value;
    const char *state = definition->builtIn ? _("built in")
        : virNodeDeviceIsActive(device) != 1 ? _("inactive")
        : virNodeDeviceIsPersistent(device) == 1 ? _("active") : _("transient");
    char **row = g_new0(char *, G_N_ELEMENTS(titles) + 1);

    row[0] = g_strdup(definition->name);
    row[1] = g_strdup_printf("%04x:%04x", value[EMULATED_PCI_FIELD_VENDORID],
                             value[EMULATED_PCI_FIELD_DEVICEID]);
    row[2] = g_strdup_printf("%06x", value[EMULATED_PCI_FIELD_CLASSCODE]);
    row[3] = g_strdup(state);
    return row;
}


static void
toolDefinitionListHost(ToolDefinition *tool, virConnectPtr conn, const char *uri)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) devices = toolDefinitionLookupAll(conn, &err);
    g_autoptr(ToolTable) table = toolTableNew(titles, G_N_ELEMENTS(titles));
    g_autoptr(GString) out = g_string_new(NULL);
    guint i;

    if (!devices) {
        toolDefinitionFailed(tool, uri, NULL, err);
        return;
    }
    for (i = 0; i < devices->len; i++) {
        virNodeDevicePtr device = g_ptr_array_index(devices, i);
        g_autoptr(GError) failure = NULL;
        g_autoptr(EmulatedPCIDefinition) definition = toolDefinitionRead(device, &failure);

        if (!definition)
            toolDefinitionFailed(tool, uri, virNodeDeviceGetName(device), failure);
        else if (tool->json)
            toolDefinitionListJSON(tool, uri, device, definition);
        else
            toolTableAdd(table, toolDefinitionFormatRow(device, definition));
    }
    tool->done++;
    if (tool->json)
        return;
    if (tool->many)
        g_string_append_printf(out, "%s\n", uri);
    toolTableFormat(table, out);
    toolOutputWrite(out->str, out->len);
}


/* --- show, undefine */

static void
toolDefinitionShowHost(ToolDefinition *tool, virConnectPtr conn, const char *uri)
{
    gsize i;

    for (i = 0; tool->operands[i]; i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(ToolNodeDevice) device = toolDefinitionLookup(conn, tool->operands[i], &err);
        g_autofree char *xml = device ? virNodeDeviceGetXMLDesc(device, 0) : NULL;

        if (device && !xml)
            toolConnectReport(&err);
        if (!xml) {
            toolDefinitionFailed(tool, uri, tool->operands[i], err);
            continue;
        }
        toolOutputWrite(xml, strlen(xml));
        tool->done++;
    }
}


static void
toolDefinitionUndefineHost(ToolDefinition *tool, virConnectPtr conn, const char *uri)
{
    gsize i;

    for (i = 0; tool->operands[i]; i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(ToolNodeDevice) device = toolDefinitionLookup(conn, tool->operands[i], &err);

        if (device && virNodeDeviceUndefine(device, 0) == 0) {
            toolDefinitionSay(tool, uri, virNodeDeviceGetName(device), _("undefined"));
            continue;
        }
        if (device)
            toolConnectReport(&err);
        toolDefinitionFailed(tool, uri, tool->operands[i], err);
    }
}


/* --- define, clone */

static void
toolDefinitionDefineOne(ToolDefinition *tool, virConnectPtr conn, const char *uri, const char *what,
                        const char *xml)
{
    g_autoptr(ToolNodeDevice) device = virNodeDeviceDefineXML(conn, xml, 0);

    if (device) {
        toolDefinitionSay(tool, uri, virNodeDeviceGetName(device), _("defined"));
    } else {
        g_autoptr(GError) err = NULL;

        toolConnectReport(&err);
        toolDefinitionFailed(tool, uri, what, err);
    }
}


static void
toolDefinitionDefineHost(ToolDefinition *tool, virConnectPtr conn, const char *uri)
{
    guint i;

    for (i = 0; i < tool->documents->len; i++)
        toolDefinitionDefineOne(tool, conn, uri, g_ptr_array_index(tool->files, i),
                                g_ptr_array_index(tool->documents, i));
}


static void
toolDefinitionAdd(ToolDefinition *tool, const char *file, const char *xml, gsize len)
{
    g_ptr_array_add(tool->documents, g_strndup(xml, len));
    g_ptr_array_add(tool->files, (char *) file);
}


/* A file can contain several definitions, in the format that "import" writes. */
static gboolean
toolDefinitionCollect(const ToolInput *input, void *opaque)
{
    ToolDefinition *tool = opaque;
    const char *start = input->data;
    const char *end;

    while ((end = strstr(start, TOOL_DEFINITION_END))) {
        end += strlen(TOOL_DEFINITION_END);
        toolDefinitionAdd(tool, input->name, start, end - start);
        start = end;
    }
    /* libvirt reports an error for anything that is not a definition */
    if (start == input->data || start[strspn(start, " \t\r\n")])
        toolDefinitionAdd(tool, input->name, start, strlen(start));
    return TRUE;
}


static gboolean
toolDefinitionSet(EmulatedPCIDefinition *definition, const char *set, GError **err)
{
    const char *value = strchr(set, '=');
    g_autofree char *name = g_strndup(set, value ? (gsize) (value - set) : strlen(set));
    const int field = value ? emulatedPCIFieldFromString(name) : -1;
    EmulatedPCIDef *def = definition->def;

    if (field < 0) {
        g_autoptr(GString) names = g_string_new(NULL);
        int i;

        for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
            g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", emulatedPCIFieldGetInfo(i)->name);
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid field '%1$s': FIELD=VALUE is expected, where FIELD is one of %2$s"),
                               set, names->str);
        return FALSE;
    }
    value++;
    if (field == EMULATED_PCI_FIELD_DEVICENAME) {
        if (!emulatedPCIDevicenameIsValid(value)) {
            emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                                   _("invalid value '%1$s' for '%2$s': 1 to %3$d characters of "
                                     "A-Z a-z 0-9 . _ - are expected"),
                                   value, name, EMULATED_PCI_DEVICENAME_MAX);
            return FALSE;
        }
        g_strlcpy(def->fields.devicename, value, sizeof(def->fields.devicename));
    } else if (emulatedPCIFieldParseNumber(field, value, &def->fields.value[field]) !=
               EMULATED_PCI_NUMBER_OK) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid value '%1$s' for '%2$s': a decimal or 0x-hexadecimal number "
                                 "from 0 to 0x%3$x is expected"),
                               value, name, emulatedPCIFieldMax(field));
        return FALSE;
    }
    def->given[field] = TRUE;
    return TRUE;
}


/* Returns the new definition's XML, or NULL with ERR set. */
static char *
toolDefinitionCloneXML(ToolDefinition *tool, virNodeDevicePtr from, GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = toolDefinitionRead(from, err);
    gsize i;

    if (!definition)
        return NULL;
    g_free(definition->name);
    definition->name = toolDefinitionFullName(tool->operands[1]);
    definition->uuid[0] = '\0';
    definition->builtIn = FALSE;
    /* The description of the original can describe its values, so that it is not copied. */
    g_free(definition->description);
    definition->description = g_strdup(tool->description);
    for (i = 0; tool->set && tool->set[i]; i++) {
        if (!toolDefinitionSet(definition, tool->set[i], err))
            return NULL;
    }
    return emulatedPCIDefinitionFormat(definition, FALSE);
}


static void
toolDefinitionCloneHost(ToolDefinition *tool, virConnectPtr conn, const char *uri)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(ToolNodeDevice) from = toolDefinitionLookup(conn, tool->operands[0], &err);
    g_autofree char *name = toolDefinitionFullName(tool->operands[1]);
    g_autoptr(ToolNodeDevice) there = NULL;
    g_autofree char *xml = NULL;

    if (!from) {
        toolDefinitionFailed(tool, uri, tool->operands[0], err);
        return;
    }
    there = virNodeDeviceLookupByName(conn, name);
    if (there) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_FAILED, "%s",
                               _("a definition of that name already exists"));
        toolDefinitionFailed(tool, uri, name, err);
        return;
    }
    xml = toolDefinitionCloneXML(tool, from, &err);
    if (xml)
        toolDefinitionDefineOne(tool, conn, uri, tool->operands[1], xml);
    else
        toolDefinitionFailed(tool, uri, tool->operands[1], err);
}


/* --- the command lines */

static void
toolDefinitionClear(ToolDefinition *tool)
{
    g_strfreev(tool->uris);
    g_strfreev(tool->set);
    g_free(tool->description);
    g_clear_pointer(&tool->documents, g_ptr_array_unref);
    g_clear_pointer(&tool->files, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolDefinition, toolDefinitionClear)

#define TOOL_DEFINITION_CONNECT(tool) \
    { "connect", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &(tool).uris, \
      N_("Connect to the host at URI; can be given several times"), N_("URI") }


static ToolExit
toolDefinitionList(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolDefinition) tool = { .command = command };
    const GOptionEntry entries[] = {
        TOOL_DEFINITION_CONNECT(tool),
        { "json", 0, 0, G_OPTION_ARG_NONE, &tool.json, N_("Print the results as JSON"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    ToolExit result;

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (options.files)
        return toolOutputUsageError(command, _("unexpected operand"));
    tool.list = json_object_new_array();
    result = toolDefinitionRun(&tool, toolDefinitionListHost);
    if (tool.json) {
        const char *text = json_object_to_json_string_ext(tool.list, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE);

        toolOutputWrite(text, strlen(text));
        toolOutputWrite("\n", 1);
    }
    json_object_put(tool.list);
    return result;
}


static ToolExit
toolDefinitionNames(const ToolCommand *command, ToolDefinitionFunc func, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolDefinition) tool = { .command = command };
    const GOptionEntry entries[] = {
        TOOL_DEFINITION_CONNECT(tool),
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (!options.files)
        return toolOutputUsageError(command, _("a definition is required"));
    tool.operands = options.files;
    return toolDefinitionRun(&tool, func);
}


static ToolExit
toolDefinitionShow(const ToolCommand *command, int argc, char **argv)
{
    return toolDefinitionNames(command, toolDefinitionShowHost, argc, argv);
}


static ToolExit
toolDefinitionUndefine(const ToolCommand *command, int argc, char **argv)
{
    return toolDefinitionNames(command, toolDefinitionUndefineHost, argc, argv);
}


static ToolExit
toolDefinitionDefine(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolDefinition) tool = { .command = command };
    const GOptionEntry entries[] = {
        TOOL_DEFINITION_CONNECT(tool),
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    tool.documents = g_ptr_array_new_with_free_func(g_free);
    tool.files = g_ptr_array_new();
    if (!toolInputForEach(options.files, toolDefinitionCollect, &tool))
        return TOOL_EXIT_FAILED;
    return toolDefinitionRun(&tool, toolDefinitionDefineHost);
}


static ToolExit
toolDefinitionClone(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolDefinition) tool = { .command = command };
    const GOptionEntry entries[] = {
        TOOL_DEFINITION_CONNECT(tool),
        { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &tool.set,
          N_("Set a field to another value; can be given several times"), N_("FIELD=VALUE") },
        { "description", 'd', 0, G_OPTION_ARG_STRING, &tool.description,
          N_("The description of the new definition"), N_("TEXT") },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (!options.files || g_strv_length(options.files) != 2)
        return toolOutputUsageError(command, _("two names are required"));
    tool.operands = options.files;
    return toolDefinitionRun(&tool, toolDefinitionCloneHost);
}


const ToolCommand toolCommandList = {
    .name = "list",
    .operands = "",
    .summary = N_("List the definitions of devices"),
    .description = N_("Lists the built-in definitions and those that users have defined."),
    .run = toolDefinitionList,
};

const ToolCommand toolCommandShow = {
    .name = "show",
    .operands = N_("DEFINITION…"),
    .summary = N_("Show the XML of definitions"),
    .description = N_("A DEFINITION is a name, with or without the prefix \"emulatedpci_\", or a UUID."),
    .run = toolDefinitionShow,
};

const ToolCommand toolCommandDefine = {
    .name = "define",
    .operands = N_("[FILE…]"),
    .summary = N_("Create definitions"),
    .description = N_("Reads one or more <device> documents from FILE or standard input. A definition of\n"
                      "the same name is replaced; domains that use it are not changed."),
    .run = toolDefinitionDefine,
};

const ToolCommand toolCommandClone = {
    .name = "clone",
    .operands = N_("DEFINITION NEW"),
    .summary = N_("Create a copy of a definition"),
    .description = N_("NEW gets the fields of DEFINITION, except for those that --set changes."),
    .run = toolDefinitionClone,
};

const ToolCommand toolCommandUndefine = {
    .name = "undefine",
    .operands = N_("DEFINITION…"),
    .summary = N_("Remove definitions"),
    .description = N_("Built-in definitions, and definitions in use by a domain, cannot be removed."),
    .run = toolDefinitionUndefine,
};
