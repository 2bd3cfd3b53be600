/*
 * tool_lint.c: virt-emulatedpci lint
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "lint_memory.h"
#include "tool_options.h"
#include "tool_output.h"
#include "tool_xml.h"

#include "emulatedpci_lint.h"

#include <string.h>

/* The XML that lets a server map the guest's memory. */
#define TOOL_LINT_MEMORY_BACKING \
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"

/* The state for all documents */
typedef struct {
    const ProjectionOptions *projection;
    const gboolean *ignored;
} ToolLintWhat;

typedef struct {
    const ToolInput *input;
    const ProjectionOptions *projection;
    const gboolean *ignored;    /* by EmulatedPCILintKind */
    GPtrArray *defs;            /* of the domain being read */
    GArray *lines;              /* the line of each of defs (guint) */
    gboolean valid;             /* check each device separately */
    gboolean clean;
} ToolLint;


static void
toolLintCollect(xmlNodePtr node, void *opaque)
{
    ToolLint *lint = opaque;
    g_autoptr(GError) err = NULL;
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(node, &err);
    guint line = xmlGetLineNo(node);

    if (!def || !projectionResolve(def, lint->projection, &err) ||
        !emulatedPCIDefValidate(def, &err)) {
        g_prefix_error(&err, _("line %1$u: "), line);
        toolOutputError(lint->input->name, err);
        lint->valid = FALSE;
        lint->clean = FALSE;
        return;
    }
    g_ptr_array_add(lint->defs, g_steal_pointer(&def));
    g_array_append_val(lint->lines, line);
}


static void
toolLintReport(ToolLint *lint)
{
    g_autoptr(GPtrArray) found =
        emulatedPCIDefLintAll((const EmulatedPCIDef *const *) lint->defs->pdata, lint->defs->len);
    gsize i;

    for (i = 0; i < found->len; i++) {
        const EmulatedPCILint *one = g_ptr_array_index(found, i);
        const EmulatedPCIDef *def = g_ptr_array_index(lint->defs, one->device);
        g_autofree char *text = NULL;

        if (lint->ignored[one->kind])
            continue;
        text = g_strdup_printf("%s:%u: %s: '%s': %s [%s]\n", lint->input->name,
                               g_array_index(lint->lines, guint, one->device), _("warning"),
                               def->fields.devicename, one->message,
                               emulatedPCILintKindToString(one->kind));
        toolOutputWrite(text, strlen(text));
        lint->clean = FALSE;
    }
    g_ptr_array_set_size(lint->defs, 0);
    g_array_set_size(lint->lines, 0);
}


/* Warns about servers of devices that cannot map the memory of the domain NODE. */
static void
toolLintMemory(ToolLint *lint, xmlNodePtr node)
{
    gsize i;

    if (lint->ignored[EMULATED_PCI_LINT_MEMORY_NOT_SHARED] || lintMemoryIsShared(node))
        return;
    for (i = 0; i < lint->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lint->defs, i);
        g_autofree char *message = NULL;
        g_autofree char *text = NULL;

        if (!emulatedPCIDefHasServer(def))
            continue;
        message = g_strdup_printf(_("the server at the socket '%1$s' cannot map the guest's memory; if "
                                    "the device does DMA, the domain may need %2$s"),
                                  def->driver->socket, TOOL_LINT_MEMORY_BACKING);
        text = g_strdup_printf("%s:%u: %s: '%s': %s [%s]\n", lint->input->name,
                               g_array_index(lint->lines, guint, i), _("warning"), def->fields.devicename,
                               message,
                               emulatedPCILintKindToString(EMULATED_PCI_LINT_MEMORY_NOT_SHARED));
        toolOutputWrite(text, strlen(text));
        lint->clean = FALSE;
    }
}


static void
toolLintDomain(xmlNodePtr node, void *opaque)
{
    toolXMLForEachChild(node, "devices", "emulatedpci", toolLintCollect, opaque);
    toolLintMemory(opaque, node);
    toolLintReport(opaque);
}


static gboolean
toolLintProgram(const char *path, QEMUProgram *qemu, void *opaque G_GNUC_UNUSED)
{
    return qemuProgramReadFile(qemu, path);
}


/* Lowers the document with PROJECTION. Returns FALSE with ERR set if it is rejected. */
static gboolean
toolLintLower(const ToolLint *lint, const ProjectionOptions *projection, GError **err)
{
    g_autofree char *lowered = NULL;
    gsize len;

    return projectionLower(lint->input->data, lint->input->len, projection, &lowered, &len,
                           err) != PROJECTION_ERROR;
}


/* Reports errors of the combination of valid devices, which lowering detects. A feature that
 * this host's QEMU does not support is not an error, because the domain may be meant for another
 * host. */
static void
toolLintWhole(ToolLint *lint)
{
    ProjectionOptions projection = *lint->projection;
    g_autoptr(GError) err = NULL;
    g_autofree char *text = NULL;

    if (!toolLintLower(lint, lint->projection, &err)) {
        toolOutputError(lint->input->name, err);
        lint->clean = FALSE;
        return;
    }

    projection.program = toolLintProgram;
    if (lint->ignored[EMULATED_PCI_LINT_QEMU_UNSUPPORTED] ||
        toolLintLower(lint, &projection, &err))
        return;
    text = g_strdup_printf("%s: %s: %s [%s]\n", lint->input->name, _("warning"), err->message,
                           emulatedPCILintKindToString(EMULATED_PCI_LINT_QEMU_UNSUPPORTED));
    toolOutputWrite(text, strlen(text));
    lint->clean = FALSE;
}


static gboolean
toolLintInput(const ToolInput *input, void *opaque)
{
    g_autoptr(GPtrArray) defs = g_ptr_array_new_with_free_func((GDestroyNotify) emulatedPCIDefFree);
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(guint));
    const ToolLintWhat *what = opaque;
    ToolLint lint = { input, what->projection, what->ignored, defs, lines, TRUE, TRUE };
    g_autoptr(GError) err = NULL;
    g_autoptr(ToolXMLDoc) doc = toolXMLParse(input, &err);
    xmlNodePtr root;

    if (!doc || !toolXMLCheckRoot(doc, &err)) {
        toolOutputError(input->name, err);
        return FALSE;
    }
    root = xmlDocGetRootElement(doc);
    if (toolXMLIs(root, "emulatedpci")) {
        toolLintCollect(root, &lint);
        toolLintReport(&lint);
    } else {
        toolXMLForEachDomain(doc, toolLintDomain, &lint);
        if (lint.valid)
            toolLintWhole(&lint);
    }
    return lint.clean;
}


static gboolean
toolLintIgnore(const ToolCommand *command, char **names, gboolean *ignored)
{
    gsize i;

    for (i = 0; names && names[i]; i++) {
        int kind = emulatedPCILintKindFromString(names[i]);

        if (kind < 0) {
            toolOutputUsageError(command, _("unknown warning '%1$s'"), names[i]);
            return FALSE;
        }
        ignored[kind] = TRUE;
    }
    return TRUE;
}


static void
toolLintList(void)
{
    int i;

    for (i = 0; i < EMULATED_PCI_LINT_LAST; i++) {
        const char *name = emulatedPCILintKindToString(i);

        toolOutputWrite(name, strlen(name));
        toolOutputWrite("\n", 1);
    }
}


static ToolExit
toolLint(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(GStrv) names = NULL;
    gboolean ignored[EMULATED_PCI_LINT_LAST] = { FALSE };
    gboolean list = FALSE;
    const ToolLintWhat what = { &options.projection, ignored };
    const GOptionEntry entries[] = {
        TOOL_OPTION_DEFINITIONS(&options),
        { "ignore", 0, 0, G_OPTION_ARG_STRING_ARRAY, &names,
          N_("Do not report this warning; can be given several times"), N_("ID") },
        { "list", 0, 0, G_OPTION_ARG_NONE, &list, N_("Print the IDs of all warnings and exit"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv) ||
        !toolLintIgnore(command, names, ignored))
        return TOOL_EXIT_USAGE;
    if (list) {
        toolLintList();
        return TOOL_EXIT_OK;
    }
    return toolInputForEach(options.files, toolLintInput, (void *) &what) ? TOOL_EXIT_OK
                                                                   : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandLint = {
    .name = "lint",
    .operands = N_("[FILE…]"),
    .summary = N_("Report values that are valid but probably unintended"),
    .description = N_("Reads <domain>, <domainsnapshot>, <domaincheckpoint> or <emulatedpci>\n"
                      "documents from every FILE, or from standard input, and prints one line for\n"
                      "each warning: FILE:LINE: warning: 'DEVICENAME': MESSAGE [ID]\n"
                      "The exit status is 1 if there are warnings."),
    .run = toolLint,
};
