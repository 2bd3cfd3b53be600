/*
 * tool_options.h: the command line of a subcommand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"
#include "tool.h"
#include "tool_definitions.h"

/* Options of subcommands that lower or lift, and the operands. */
typedef struct {
    char *launchDir;
    char *qemuDir;
    ToolDefinitions definitions;
    ProjectionOptions projection;   /* points to the three */
    char **files;                   /* NULL: none given */
} ToolOptions;

/* The maximum number of files of a subcommand */
#define TOOL_FILES_ANY 0

/* The option that chooses where OPTIONS' definitions are. */
#define TOOL_OPTION_DEFINITIONS(options) \
    { "definitions", 0, 0, G_OPTION_ARG_FILENAME, &(options)->definitions.dir, \
      N_("Directory of the definitions"), N_("DIR") }

/* Reads ARGV by ENTRIES (NULL: none) and, if PROJECT, --definitions,
 * --launch-dir and --qemu-dir. --help is answered here, and the program ends. FALSE: the
 * command line is wrong, and an error was shown. */
gboolean toolOptionsParse(ToolOptions *options,
                          const ToolCommand *command,
                          const GOptionEntry *entries,
                          gboolean project,
                          guint maxFiles,
                          int argc,
                          char **argv);

void toolOptionsClear(ToolOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolOptions, toolOptionsClear)
