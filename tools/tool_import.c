/*
 * tool_import.c: virt-emulatedpci import and export
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_nodedev.h"
#include "tool_options.h"
#include "tool_output.h"
#include "tool_xml.h"
#include "xenserver.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <string.h>


/* --- import */

/* Appends DEF as the document of a definition of that NAME (NULL: made of devicename). */
static gboolean
toolImportDefinition(EmulatedPCIDef *def, const char *name, GString *out)
{
    g_autoptr(EmulatedPCIDefinition) definition = emulatedPCIDefinitionNew();
    g_autofree char *xml = NULL;
    g_autoptr(GError) err = NULL;

    definition->name = name ? toolNodeDeviceFullName(name) : NULL;
    emulatedPCIDefFree(definition->def);
    definition->def = def;
    if (!emulatedPCIDefinitionFill(definition, NULL, &err))
        toolOutputError(def->devicename, err);
    else
        xml = emulatedPCIDefinitionFormat(definition, FALSE);
    definition->def = NULL;
    if (xml)
        g_string_append(out, xml);
    return xml != NULL;
}


static gboolean
toolImportInput(const ToolInput *input, void *opaque)
{
    GPtrArray *defs = opaque;
    g_autoptr(GError) err = NULL;
    const guint before = defs->len;

    if (strlen(input->data) != input->len) {
        g_set_error_literal(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR, _("there is a NUL byte in it"));
    } else if (xenserverParseText(input->data, defs, &err)) {
        if (defs->len > before)
            return TRUE;
        g_set_error_literal(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                            _("there is no device in it"));
    }
    toolOutputError(input->name, err);
    return FALSE;
}


/* The devices of the operands: what is KEY=VALUE makes one device, which comes last. */
static gboolean
toolImportOperands(char **operands, GPtrArray *defs)
{
    g_autoptr(GString) platform = g_string_new(NULL);
    g_autoptr(GError) err = NULL;
    gsize i;

    for (i = 0; operands[i]; i++) {
        const guint before = defs->len;

        if (!strchr(operands[i], ';') && strchr(operands[i], '=')) {
            g_string_append_printf(platform, "%s; ", operands[i]);
            continue;
        }
        if (!xenserverParseText(operands[i], defs, &err)) {
            toolOutputError(NULL, err);
            return FALSE;
        }
        if (defs->len == before) {
            g_set_error(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                        _("'%1$s' is no device"), operands[i]);
            toolOutputError(NULL, err);
            return FALSE;
        }
    }

    if (platform->len > 0) {
        EmulatedPCIDef *def = NULL;

        if (xenserverIsPlatform(platform->str))
            def = xenserverParsePlatform(platform->str, &err);
        else
            g_set_error(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                        _("there is neither device_id nor revision in '%1$s'"), platform->str);
        if (!def) {
            toolOutputError(NULL, err);
            return FALSE;
        }
        g_ptr_array_add(defs, def);
    }
    return TRUE;
}


/* ARGV without "-pciemulation", which no option parser would take for an operand. */
static char **
toolImportStrip(int argc, char **argv, int *count)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    int i;

    for (i = 0; i < argc; i++) {
        const char *arg = argv[i];

        if (g_str_has_prefix(arg, XENSERVER_ARGUMENT)) {
            arg += strlen(XENSERVER_ARGUMENT);
            arg += strspn(arg, " \t");
            if (!*arg)
                continue;
        }
        g_ptr_array_add(kept, (char *) arg);
    }
    *count = kept->len;
    g_ptr_array_add(kept, NULL);
    return (char **) g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}


static ToolExit
toolImport(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(GStrv) files = NULL;
    g_autofree char *name = NULL;
    g_autofree char *full = NULL;
    g_autoptr(GPtrArray) defs = g_ptr_array_new_with_free_func((GDestroyNotify) emulatedPCIDefFree);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char **kept = NULL;
    gboolean definition = FALSE;
    const GOptionEntry entries[] = {
        { "file", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &files,
          N_("Read FILE too (\"-\" is standard input)"), N_("FILE") },
        { "definition", 'd', 0, G_OPTION_ARG_NONE, &definition,
          N_("Write definitions, not <emulatedpci> elements"), NULL },
        { "name", 'n', 0, G_OPTION_ARG_STRING, &name,
          N_("Write a definition of that name"), N_("NAME") },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    gboolean ok = TRUE;
    int count;
    gsize i;

    kept = toolImportStrip(argc, argv, &count);
    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, count, kept))
        return TOOL_EXIT_USAGE;
    full = name ? toolNodeDeviceFullName(name) : NULL;
    if (full && !emulatedPCIDefinitionNameIsValid(full))
        return toolOutputUsageError(command, _("'%1$s' is no name of a definition: "
                                               "characters of A-Z a-z 0-9 _ . - are expected"), name);

    if (options.files)
        ok = toolImportOperands(options.files, defs);
    if (files || !options.files)
        ok = toolInputForEach(files, toolImportInput, defs) && ok;
    if (!ok)
        return TOOL_EXIT_FAILED;
    if (name && defs->len > 1)
        return toolOutputUsageError(command, _("one name is not enough for %1$u devices"), defs->len);

    for (i = 0; i < defs->len; i++) {
        EmulatedPCIDef *def = g_ptr_array_index(defs, i);

        if (definition || name) {
            if (!toolImportDefinition(def, full, out))
                return TOOL_EXIT_FAILED;
        } else {
            emulatedPCIDefFormat(def, "", "\n", out);
            g_string_append_c(out, '\n');
        }
    }
    toolOutputWrite(out->str, out->len);
    return TOOL_EXIT_OK;
}


/* --- export */

typedef struct {
    const ToolInput *input;
    gboolean argument;
    gboolean platform;
    gboolean ok;
    guint count;
} ToolExport;


static void
toolExportDef(ToolExport *export, const EmulatedPCIDef *def)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;

    export->count++;
    if (emulatedPCIDefValidate(def, &err))
        text = export->platform ? xenserverFormatPlatform(def, &err) : xenserverFormatDevice(def);
    if (!text) {
        toolOutputError(export->input->name, err);
        export->ok = FALSE;
        return;
    }
    line = g_strdup_printf("%s%s\n", export->argument ? XENSERVER_ARGUMENT " " : "", text);
    toolOutputWrite(line, strlen(line));
}


static void
toolExportDevice(xmlNodePtr node, void *opaque)
{
    ToolExport *export = opaque;
    g_autoptr(GError) err = NULL;
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(node, &err);

    if (def) {
        toolExportDef(export, def);
    } else {
        toolOutputError(export->input->name, err);
        export->ok = FALSE;
    }
}


static void
toolExportDomain(xmlNodePtr node, void *opaque)
{
    toolXMLForEachChild(node, "devices", "emulatedpci", toolExportDevice, opaque);
}


/* A definition's <capability> has what <emulatedpci> has, under another name. */
static void
toolExportCapability(xmlNodePtr node, void *opaque)
{
    xmlNodePtr copy = xmlCopyNode(node, 1);

    xmlNodeSetName(copy, BAD_CAST "emulatedpci");
    xmlUnsetProp(copy, BAD_CAST "type");
    xmlUnsetProp(copy, BAD_CAST "built_in");
    toolExportDevice(copy, opaque);
    xmlFreeNode(copy);
}


static gboolean
toolExportInput(const ToolInput *input, void *opaque)
{
    ToolExport *export = opaque;
    g_autoptr(GError) err = NULL;
    g_autoptr(ToolXMLDoc) doc = toolXMLParse(input, &err);
    const guint before = export->count;
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;

    export->input = input;
    export->ok = TRUE;
    if (!doc || (!toolXMLIs(root, "device") && !toolXMLCheckRoot(doc, &err))) {
        toolOutputError(input->name, err);
        return FALSE;
    }
    if (toolXMLIs(root, "device"))
        toolXMLForEachChild(root, NULL, "capability", toolExportCapability, export);
    else if (toolXMLIs(root, "emulatedpci"))
        toolExportDevice(root, export);
    else
        toolXMLForEachDomain(doc, toolExportDomain, export);

    if (export->ok && export->count == before)
        toolOutputWarning(input->name, _("there are no emulated devices in it"));
    return export->ok;
}


static ToolExit
toolExport(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    ToolExport export = { NULL, FALSE, FALSE, TRUE, 0 };
    const GOptionEntry entries[] = {
        { "argument", 'a', 0, G_OPTION_ARG_NONE, &export.argument,
          N_("Write \"-pciemulation \" before each device"), NULL },
        { "platform", 'p', 0, G_OPTION_ARG_NONE, &export.platform,
          N_("Write the platform keys device_id and revision"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (export.argument && export.platform)
        return toolOutputUsageError(command, _("--argument and --platform exclude each other"));
    return toolInputForEach(options.files, toolExportInput, &export) ? TOOL_EXIT_OK
                                                                     : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandImport = {
    .name = "import",
    .operands = N_("[STRING…]"),
    .summary = N_("Make <emulatedpci> of XenServer's emulated PCI devices"),
    .description = N_("A STRING is a device in the form in which XenServer's tool stack hands it to\n"
                      "QEMU, with or without \"-pciemulation \" before it,\n"
                      "  name:vendorid:deviceid:command:status:revision:classcode:headertype:\n"
                      "  subvendorid:subsystemid:interruptline:interruptpin\n"
                      "with numbers in hexadecimal without 0x; or the older platform keys, as in\n"
                      "\"device_id=2 revision=1\" or as xe prints them. If there is neither STRING\n"
                      "nor FILE, standard input is read, one device a line."),
    .run = toolImport,
};

const ToolCommand toolCommandExport = {
    .name = "export",
    .operands = N_("[FILE…]"),
    .summary = N_("Write emulated devices as XenServer's strings"),
    .description = N_("The reverse of \"import\": reads a <domain>, <domainsnapshot>, <emulatedpci> or\n"
                      "a definition from FILE or standard input, and writes one device a line."),
    .run = toolExport,
};
