/*
 * tool_options.c: the command line of a subcommand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_options.h"
#include "tool_output.h"


static gboolean
toolOptionsCheckDir(const ToolCommand *command, const char *option, const char *dir)
{
    if (!dir || g_path_is_absolute(dir))
        return TRUE;
    toolOutputUsageError(command, _("invalid value '%2$s' for %1$s: an absolute path is expected"), option, dir);
    return FALSE;
}


gboolean
toolOptionsParse(ToolOptions *options,
                 const ToolCommand *command,
                 const GOptionEntry *entries,
                 gboolean project,
                 guint maxFiles,
                 int argc,
                 char **argv)
{
    const GOptionEntry projectEntries[] = {
        TOOL_OPTION_DEFINITIONS(options),
        { "launch-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->launchDir,
          N_("Directory of the links to the launcher"), N_("DIR") },
        { "qemu-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->qemuDir,
          N_("Directory of the distribution's QEMU programs"), N_("DIR") },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    const GOptionEntry operandEntries[] = {
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(command->operands);
    g_autofree char *prgname = g_strdup_printf("%s %s", TOOL_NAME, command->name);
    g_autoptr(GError) err = NULL;
    gboolean ok;

    g_option_context_set_translation_domain(context, PACKAGE);
    g_option_context_set_summary(context, command->summary);
    g_option_context_set_description(context, command->description);
    if (entries)
        g_option_context_add_main_entries(context, entries, PACKAGE);
    if (project)
        g_option_context_add_main_entries(context, projectEntries, PACKAGE);
    g_option_context_add_main_entries(context, operandEntries, PACKAGE);

    /* the usage line names the program by it */
    g_set_prgname(prgname);
    ok = g_option_context_parse(context, &argc, &argv, &err);
    g_set_prgname(TOOL_NAME);

    if (!ok) {
        toolOutputUsageError(command, "%s", err->message);
        return FALSE;
    }
    if (!toolOptionsCheckDir(command, "--launch-dir", options->launchDir) ||
        !toolOptionsCheckDir(command, "--qemu-dir", options->qemuDir))
        return FALSE;
    if (maxFiles != TOOL_FILES_ANY && options->files && g_strv_length(options->files) > maxFiles) {
        toolOutputUsageError(command, _("too many files: only one is allowed"));
        return FALSE;
    }

    options->projection.launchDir = options->launchDir;
    options->projection.qemuDir = options->qemuDir;
    options->projection.definition = toolDefinitionsFind;
    options->projection.definitionOpaque = &options->definitions;
    return TRUE;
}


void
toolOptionsClear(ToolOptions *options)
{
    g_clear_pointer(&options->launchDir, g_free);
    g_clear_pointer(&options->qemuDir, g_free);
    toolDefinitionsClear(&options->definitions);
    g_clear_pointer(&options->files, g_strfreev);
}
