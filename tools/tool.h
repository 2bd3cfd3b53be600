/*
 * tool.h: common declarations of virt-emulatedpci's subcommands and main program
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "gettext.h"

#include <glib.h>

#define _(s) gettext(s)
#define N_(s) s

#define TOOL_NAME "virt-emulatedpci"

/* The program's exit status; scripts rely on it. */
typedef enum {
    TOOL_EXIT_OK = 0,
    TOOL_EXIT_FAILED = 1,   /* invalid input, findings, or a failure */
    TOOL_EXIT_USAGE = 2,    /* an error in the command line */
    TOOL_EXIT_SOME = 3,     /* some domains succeeded, others failed */
} ToolExit;

typedef struct _ToolCommand ToolCommand;
struct _ToolCommand {
    const char *name;
    const char *operands;       /* for the usage line */
    const char *summary;        /* one line, marked for translation */
    const char *description;    /* for the subcommand's --help; likewise */

    /* ARGV[0] is the subcommand's name. */
    ToolExit (*run)(const ToolCommand *command, int argc, char **argv);
};

extern const ToolCommand toolCommandAttach;
extern const ToolCommand toolCommandCheck;
extern const ToolCommand toolCommandClone;
extern const ToolCommand toolCommandDefine;
extern const ToolCommand toolCommandDetach;
extern const ToolCommand toolCommandEmulators;
extern const ToolCommand toolCommandExport;
extern const ToolCommand toolCommandImport;
extern const ToolCommand toolCommandLift;
extern const ToolCommand toolCommandLint;
extern const ToolCommand toolCommandList;
extern const ToolCommand toolCommandLower;
extern const ToolCommand toolCommandShow;
extern const ToolCommand toolCommandUndefine;
extern const ToolCommand toolCommandValidate;
extern const ToolCommand toolCommandXML2Argv;
