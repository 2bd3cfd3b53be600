/*
 * tool_import.c: virt-emulatedpci import and export
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_definition_lookup.h"
#include "tool_options.h"
#include "tool_output.h"
#include "tool_xml.h"
#include "xenserver_input.h"
#include "xenserver_ova.h"
#include "xenserver_qemu.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <string.h>


/* --- import */

typedef struct {
    XenserverOptions options;
    GPtrArray *vms;             /* XenserverVM */
} ToolImport;


static guint
toolImportCount(const ToolImport *import)
{
    guint count = 0;
    guint i;

    for (i = 0; i < import->vms->len; i++)
        count += ((XenserverVM *) g_ptr_array_index(import->vms, i))->defs->len;
    return count;
}


/* Reads the ova.xml in INPUT. */
static gboolean
toolImportOva(ToolImport *import, const ToolInput *input, GError **err)
{
    g_autoptr(ToolXMLDoc) doc = toolXMLParse(input, err);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify) xenserverVMFree);

    if (!doc || !xenserverReadOva(doc, found, err) ||
        !xenserverAddAllDevices(found, &import->options, err))
        return FALSE;
    g_ptr_array_extend_and_steal(import->vms, g_steal_pointer(&found));
    return TRUE;
}


static gboolean
toolImportInput(const ToolInput *input, void *opaque)
{
    ToolImport *import = opaque;
    g_autoptr(GError) err = NULL;
    const guint before = toolImportCount(import);
    const char *start = input->data + strspn(input->data, " \t\r\n");
    gboolean ok;

    if (strlen(input->data) != input->len) {
        g_set_error_literal(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                            _("the input contains a NUL byte"));
    } else {
        ok = *start == '<' ? toolImportOva(import, input, &err) :
            xenserverReadText(input->data, &import->options, import->vms, &err);
        if (ok && (import->options.vm || toolImportCount(import) > before))
            return TRUE;
        if (ok)
            g_set_error_literal(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                                _("the input contains no emulated device"));
    }
    toolOutputError(input->name, err);
    return FALSE;
}


/* Adds the device of PLATFORM, a map that was given as operands. */
static gboolean
toolImportPlatform(ToolImport *import, const char *platform, GError **err)
{
    g_autofree char *deviceid = NULL;
    g_autofree char *revision = NULL;

    if (!xenserverPlatformGet(platform, "device_id", &deviceid, err) ||
        !xenserverPlatformGet(platform, "revision", &revision, err))
        return FALSE;
    if (!deviceid && !revision) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("'%1$s' contains neither 'device_id' nor 'revision'"), platform);
        return FALSE;
    }
    return xenserverReadText(platform, &import->options, import->vms, err);
}


/* Adds the devices of the operands. All operands KEY=VALUE together are one platform map, whose
 * device comes last. */
static gboolean
toolImportOperands(char **operands, ToolImport *import)
{
    g_autoptr(GString) platform = g_string_new(NULL);
    g_autoptr(GError) err = NULL;
    gboolean ok = TRUE;
    gsize i;

    for (i = 0; ok && operands[i]; i++) {
        const guint before = toolImportCount(import);

        if (!strchr(operands[i], ';') && strchr(operands[i], '=') && !xenserverIsQEMU(operands[i])) {
            g_string_append_printf(platform, "%s%s", platform->len > 0 ? " " : "", operands[i]);
            continue;
        }
        ok = xenserverReadText(operands[i], &import->options, import->vms, &err);
        if (ok && toolImportCount(import) == before) {
            g_set_error(&err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR,
                        _("'%1$s' contains no emulated device"), operands[i]);
            ok = FALSE;
        }
    }

    if (ok && platform->len > 0)
        ok = toolImportPlatform(import, platform->str, &err);
    if (!ok)
        toolOutputError(NULL, err);
    return ok;
}


/* Returns whether ARG is QEMU's option NAME, with or without its value in the same argument. */
static gboolean
toolImportIsOption(const char *arg, const char *name)
{
    const gsize len = strlen(name);

    return strncmp(arg, name, len) == 0 && (arg[len] == '\0' || arg[len] == ' ' || arg[len] == '\t');
}


/* ARGV in which QEMU's options that describe a device, with their values, are one operand
 * each. A blank in front of it keeps the option parser from taking it for an option. */
static char **
toolImportJoin(int argc, char **argv, int *count)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    int i;

    for (i = 0; i < argc; i++) {
        const char *arg = argv[i];
        const gboolean ours = toolImportIsOption(arg, XENSERVER_ARGUMENT) ||
            toolImportIsOption(arg, "-device");

        if (ours && !strpbrk(arg, " \t") && i + 1 < argc)
            g_ptr_array_add(kept, g_strdup_printf(" %s %s", arg, argv[++i]));
        else
            g_ptr_array_add(kept, g_strdup_printf("%s%s", ours ? " " : "", arg));
    }
    *count = kept->len;
    g_ptr_array_add(kept, NULL);
    return (char **) g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}


/* Returns the name of a VM for comments and messages, newly allocated, or NULL. */
static char *
toolImportVMName(const XenserverVM *vm)
{
    g_autofree char *name = vm->name ? emulatedPCIErrorQuote(vm->name) : NULL;

    if (name && vm->uuid)
        return g_strdup_printf("'%s', %s", name, vm->uuid);
    return name ? g_strdup_printf("'%s'", name) : g_strdup(vm->uuid);
}


/* Removes all VMs but the one that the options select. Returns FALSE with an error shown if there
 * is not exactly one with devices. */
static gboolean
toolImportSelect(ToolImport *import)
{
    const char *wanted = import->options.vm;
    g_autoptr(GError) err = NULL;
    guint found = 0;
    guint i = import->vms->len;

    while (i-- > 0) {
        if (xenserverVMIs(g_ptr_array_index(import->vms, i), wanted))
            found++;
        else
            g_ptr_array_remove_index(import->vms, i);
    }
    if (found == 1 && toolImportCount(import) > 0)
        return TRUE;

    emulatedPCIReportError(&err, VIR_ERR_XML_ERROR,
                           found == 0 ? _("no VM with matching name or UUID '%1$s'") :
                           found > 1 ? _("several VMs have the name '%1$s': a UUID is required") :
                           _("VM '%1$s' has no emulated device"), wanted);
    toolOutputError(NULL, err);
    return FALSE;
}


/* Writes the name of VM, in a comment before its devices. "--" is not allowed in a comment. */
static void
toolImportComment(const XenserverVM *vm, GString *out)
{
    g_autofree char *name = toolImportVMName(vm);
    char *p;

    if (!name)
        return;
    for (p = name; *p; p++) {
        if (p[0] == '-' && p[1] == '-')
            *p = '_';
    }
    g_string_append_printf(out, "<!-- VM %s -->\n", name);
}


/* Returns the document of a definition of DEF with that NAME (NULL: made of devicename). */
static char *
toolImportFormatDefinition(EmulatedPCIDef *def, const char *name, char **full)
{
    g_autoptr(EmulatedPCIDefinition) definition = emulatedPCIDefinitionNew();
    g_autoptr(GError) err = NULL;
    char *xml = NULL;

    definition->name = name ? toolDefinitionFullName(name) : NULL;
    emulatedPCIDefFree(definition->def);
    definition->def = def;
    if (!emulatedPCIDefinitionFill(definition, NULL, &err))
        toolOutputError(def->fields.devicename, err);
    else
        xml = emulatedPCIDefinitionFormat(definition, FALSE);
    definition->def = NULL;
    *full = g_strdup(definition->name);
    return xml;
}


/* Appends DEF as the document of a definition, unless the same is in WRITTEN, by name. */
static gboolean
toolImportDefinition(EmulatedPCIDef *def, const char *name, GHashTable *written, GString *out)
{
    g_autofree char *full = NULL;
    g_autofree char *xml = toolImportFormatDefinition(def, name, &full);
    g_autoptr(GError) err = NULL;
    const char *before = xml ? g_hash_table_lookup(written, full) : NULL;

    if (!xml)
        return FALSE;
    if (before) {
        if (strcmp(before, xml) == 0)
            return TRUE;
        emulatedPCIReportError(&err, VIR_ERR_XML_ERROR,
                               _("two devices with different fields would have the definition name "
                                 "'%1$s': import each with --name"), full);
        toolOutputError(NULL, err);
        return FALSE;
    }
    g_string_append(out, xml);
    g_hash_table_insert(written, g_steal_pointer(&full), g_steal_pointer(&xml));
    return TRUE;
}


/* Appends the elements, or the definitions if DEFINITION, of all VMs. */
static gboolean
toolImportFormat(const ToolImport *import, gboolean definition, const char *name, GString *out)
{
    g_autoptr(GHashTable) written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    guint i;
    guint j;

    for (i = 0; i < import->vms->len; i++) {
        const XenserverVM *vm = g_ptr_array_index(import->vms, i);

        if (!definition && import->vms->len > 1 && vm->defs->len > 0)
            toolImportComment(vm, out);
        for (j = 0; j < vm->defs->len; j++) {
            EmulatedPCIDef *def = g_ptr_array_index(vm->defs, j);

            if (definition) {
                if (!toolImportDefinition(def, name, written, out))
                    return FALSE;
                continue;
            }
            emulatedPCIDefFormat(def, "", "\n", out);
            g_string_append_c(out, '\n');
        }
    }
    return TRUE;
}


/* Parses the values of the options into OPTIONS. Returns FALSE after printing an error if a value
 * is invalid. */
static gboolean
toolImportReadOptions(const ToolCommand *command,
                      const char *format,
                      const char *firmware,
                      XenserverOptions *options)
{
    int read = format ? xenserverPlatformFormatFromString(format) : XENSERVER_PLATFORM_CURRENT;

    if (read < 0) {
        toolOutputUsageError(command, _("invalid value '%1$s' for --platform-format: 'current' or "
                                        "'decimal' is expected"), format);
        return FALSE;
    }
    options->format = read;
    options->firmware = firmware ? xenserverFirmwareFromString(firmware) :
        XENSERVER_FIRMWARE_UNKNOWN;
    if (firmware && options->firmware == XENSERVER_FIRMWARE_UNKNOWN) {
        toolOutputUsageError(command, _("invalid value '%1$s' for --firmware: 'bios' or 'uefi' is "
                                        "expected"), firmware);
        return FALSE;
    }
    if (options->revision < 0 || options->revision > 2) {
        toolOutputUsageError(command, _("invalid value '%1$d' for --revision: 1 or 2 is expected"),
                             options->revision);
        return FALSE;
    }
    return TRUE;
}


static ToolExit
toolImport(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(GStrv) files = NULL;
    g_auto(GStrv) joined = NULL;
    g_autofree char **kept = NULL;
    g_autofree char *name = NULL;
    g_autofree char *full = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *format = NULL;
    g_autofree char *firmware = NULL;
    g_autoptr(GPtrArray) vms = g_ptr_array_new_with_free_func((GDestroyNotify) xenserverVMFree);
    g_autoptr(GString) out = g_string_new(NULL);
    ToolImport import = { { 0 }, vms };
    gboolean definition = FALSE;
    const GOptionEntry entries[] = {
        { "file", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &files,
          N_("Also read FILE (\"-\" is standard input)"), N_("FILE") },
        { "vm", 0, 0, G_OPTION_ARG_STRING, &vm,
          N_("Convert only the devices of the VM with this name or UUID"), N_("VM") },
        { "firmware", 0, 0, G_OPTION_ARG_STRING, &firmware,
          N_("The VM's firmware, \"bios\" or \"uefi\", if it is not in the input"), N_("FIRMWARE") },
        { "revision", 0, 0, G_OPTION_ARG_INT, &import.options.revision,
          N_("The revision of a platform device without device_id, 1 or 2"), N_("N") },
        { "platform-format", 0, 0, G_OPTION_ARG_STRING, &format,
          N_("The format of a platform map, \"current\" or \"decimal\""), N_("FORMAT") },
        { "definition", 'd', 0, G_OPTION_ARG_NONE, &definition,
          N_("Write definitions in place of <emulatedpci> elements"), NULL },
        { "name", 'n', 0, G_OPTION_ARG_STRING, &name,
          N_("Write a definition of this name"), N_("NAME") },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    gboolean ok = TRUE;
    int count;

    joined = toolImportJoin(argc, argv, &count);
    kept = g_new(char *, count + 1);
    memcpy(kept, joined, (count + 1) * sizeof(*joined));
    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, count, kept) ||
        !toolImportReadOptions(command, format, firmware, &import.options))
        return TOOL_EXIT_USAGE;
    full = name ? toolDefinitionFullName(name) : NULL;
    if (full && !emulatedPCIDefinitionNameIsValid(full))
        return toolOutputUsageError(command, _("invalid definition name '%1$s': characters of A-Z "
                                               "a-z 0-9 _ . - are expected"), name);

    import.options.vm = vm;
    if (options.files)
        ok = toolImportOperands(options.files, &import);
    if (files || !options.files)
        ok = toolInputForEach(files, toolImportInput, &import) && ok;
    if (!ok || (vm && !toolImportSelect(&import)))
        return TOOL_EXIT_FAILED;
    if (name && toolImportCount(&import) > 1)
        return toolOutputUsageError(command, _("--name requires a single device, but there are %1$u"),
                                    toolImportCount(&import));

    if (!toolImportFormat(&import, definition || name, full, out))
        return TOOL_EXIT_FAILED;
    toolOutputWrite(out->str, out->len);
    return TOOL_EXIT_OK;
}


/* --- export */

typedef struct {
    const ToolInput *input;
    gboolean argument;
    gboolean platform;
    gboolean qemu;
    XenserverPlatformFormat format;
    gboolean ok;
    guint count;
} ToolExport;


/* Returns the line for DEF. The caller frees the result. Returns NULL with ERR set. */
static char *
toolExportFormat(const ToolExport *export, const EmulatedPCIDef *def, GError **err)
{
    g_autofree char *text = NULL;

    if (!emulatedPCIDefValidate(def, err))
        return NULL;
    if (export->platform)
        return xenserverFormatPlatform(def, export->format, err);
    if (export->qemu) {
        text = xenserverFormatQEMU(def, err);
        return text ? g_strdup_printf("-device %s", text) : NULL;
    }
    text = xenserverFormatDevice(def);
    return g_strdup_printf("%s%s", export->argument ? XENSERVER_ARGUMENT " " : "", text);
}


static void
toolExportDef(ToolExport *export, const EmulatedPCIDef *def)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;

    export->count++;
    text = toolExportFormat(export, def, &err);
    if (!text) {
        toolOutputError(export->input->name, err);
        export->ok = FALSE;
        return;
    }
    line = g_strdup_printf("%s\n", text);
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


/* The <capability> of a definition has the same content as <emulatedpci>. */
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
        toolOutputWarning(input->name, _("the document contains no emulated device"));
    return export->ok;
}


static ToolExit
toolExport(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_autofree char *format = NULL;
    XenserverOptions read;
    ToolExport export = { NULL, FALSE, FALSE, FALSE, XENSERVER_PLATFORM_CURRENT, TRUE, 0 };
    const GOptionEntry entries[] = {
        { "argument", 'a', 0, G_OPTION_ARG_NONE, &export.argument,
          N_("Print \"-pciemulation \" before each device"), NULL },
        { "platform", 'p', 0, G_OPTION_ARG_NONE, &export.platform,
          N_("Print the keys of a platform map"), NULL },
        { "platform-format", 0, 0, G_OPTION_ARG_STRING, &format,
          N_("The format of a platform map, \"current\" or \"decimal\""), N_("FORMAT") },
        { "qemu", 'q', 0, G_OPTION_ARG_NONE, &export.qemu,
          N_("Print \"-device xen-platform\" or \"-device xen-pvdevice\""), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (export.argument + export.platform + export.qemu > 1)
        return toolOutputUsageError(command, _("only one of --argument, --platform and --qemu is allowed"));
    read = (XenserverOptions) { 0 };
    if (!toolImportReadOptions(command, format, NULL, &read))
        return TOOL_EXIT_USAGE;
    export.format = read.format;
    return toolInputForEach(options.files, toolExportInput, &export) ? TOOL_EXIT_OK
                                                                     : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandImport = {
    .name = "import",
    .operands = N_("[STRING…]"),
    .summary = N_("Convert XenServer's emulated PCI devices to <emulatedpci>"),
    .description = N_("A STRING, and each line of the input, is\n"
                      "- a VM's platform map, as printed by xe, or KEY=VALUE, e.g. \"device_id=0002\";\n"
                      "- a QEMU command line with -device xen-platform, -device xen-pvdevice or\n"
                      "  -pciemulation;\n"
                      "- a device in the format of -pciemulation,\n"
                      "  name:vendorid:deviceid:command:status:revision:classcode:headertype:\n"
                      "  subvendorid:subsystemid:interruptline:interruptpin\n"
                      "  with hexadecimal numbers without 0x.\n"
                      "The input can also be the output of \"xe vm-list params=all\", or the file\n"
                      "ova.xml of an exported VM. If there is neither STRING nor FILE, standard input\n"
                      "is read."),
    .run = toolImport,
};

const ToolCommand toolCommandExport = {
    .name = "export",
    .operands = N_("[FILE…]"),
    .summary = N_("Convert emulated PCI devices to XenServer's formats"),
    .description = N_("Reverts \"import\": reads a <domain>, <domainsnapshot>, <emulatedpci> or a\n"
                      "definition from FILE or standard input, and prints each device on a line."),
    .run = toolExport,
};
