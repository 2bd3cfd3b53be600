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

/**
 * toolOptionsParse:
 * @options: filled in; to be cleared with toolOptionsClear(), also on failure
 * @command: the subcommand
 * @entries: its options, terminated by an entry without a name; NULL: none
 * @project: whether --definitions, --launch-dir and --qemu-dir are supported
 * @maxFiles: the maximum number of operands; TOOL_FILES_ANY: unlimited
 * @argc: the number of arguments
 * @argv: the arguments, beginning with the name of the subcommand
 *
 * Parses the command line. --help is handled here, and the program exits.
 *
 * Returns TRUE, or FALSE after an error has been printed.
 */
gboolean toolOptionsParse(ToolOptions *options,
                          const ToolCommand *command,
                          const GOptionEntry *entries,
                          gboolean project,
                          guint maxFiles,
                          int argc,
                          char **argv);

/**
 * toolOptionsClear:
 * @options: the options
 *
 * Frees the values of the options. The struct itself belongs to the caller.
 */
void toolOptionsClear(ToolOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolOptions, toolOptionsClear)
