/*
 * virt-emulatedpci.c: the main program of virt-emulatedpci
 *
 * Contains the global options and the table of subcommands. Each subcommand is in tool_NAME.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool.h"
#include "tool_output.h"

#include <libxml/parser.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

static const ToolCommand *const commands[] = {
    &toolCommandValidate,
    &toolCommandLint,
    &toolCommandLower,
    &toolCommandLift,
    &toolCommandXML2Argv,
    &toolCommandImport,
    &toolCommandExport,
    &toolCommandList,
    &toolCommandShow,
    &toolCommandDefine,
    &toolCommandClone,
    &toolCommandUndefine,
    &toolCommandAttach,
    &toolCommandDetach,
    &toolCommandEmulators,
    &toolCommandCheck,
};


static char *
toolDescribeCommands(void)
{
    GString *text = g_string_new(_("Subcommands:"));
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "\n  %-10s %s", commands[i]->name, _(commands[i]->summary));
    g_string_append_printf(text, "\n\n%s\n\n%s",
                           _("\"virt-emulatedpci SUBCOMMAND --help\" prints the options of a subcommand."),
                           _("Exit status: 0 on success, 1 if a document is invalid, a warning was found\n"
                             "or an operation failed, 2 if the command line is invalid, 3 on partial success."));
    return g_string_free(text, FALSE);
}


static ToolExit
toolRun(int argc, char **argv)
{
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_("Print the version and exit"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(N_("SUBCOMMAND [OPTION…] [FILE…]"));
    g_autofree char *description = toolDescribeCommands();
    g_autoptr(GError) err = NULL;
    gsize i;

    g_option_context_set_translation_domain(context, PACKAGE);
    g_option_context_set_strict_posix(context, TRUE);
    g_option_context_set_summary(context, N_("Emulated PCI devices in libvirt's domain XML."));
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, PACKAGE);

    if (!g_option_context_parse(context, &argc, &argv, &err))
        return toolOutputUsageError(NULL, "%s", err->message);

    if (version) {
        g_autofree char *text = g_strdup_printf("%s (%s) %s\n", TOOL_NAME, PACKAGE_NAME,
                                                PACKAGE_VERSION);

        return toolOutputWrite(text, strlen(text)) ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
    }
    if (argc < 2)
        return toolOutputUsageError(NULL, _("a subcommand is missing"));

    for (i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    }
    return toolOutputUsageError(NULL, _("unknown subcommand '%1$s'"), argv[1]);
}


int
main(int argc, char **argv)
{
    ToolExit result;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    bind_textdomain_codeset(PACKAGE, "UTF-8");
    textdomain(PACKAGE);
    g_set_prgname(TOOL_NAME);

    /* A closed pipe is reported like other errors. */
    signal(SIGPIPE, SIG_IGN);

    result = toolRun(argc, argv);
    if (!toolOutputFinish() && result == TOOL_EXIT_OK)
        result = TOOL_EXIT_FAILED;
    xmlCleanupParser();
    return result;
}
