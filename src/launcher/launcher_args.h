/*
 * launcher_args.h: the emulated devices in QEMU's command line
 *
 * Finds them and puts a device that QEMU has in their place. An option is
 * "-device" or "--device", followed by its value, as QEMU reads them; nothing
 * else in the command line is looked at or changed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_socket.h"
#include "qemu_props.h"

typedef struct {
    GArray *at;             /* int: indexes in argv, ascending */
    GPtrArray *props;       /* QEMUProps, one for each */
} LauncherArgs;

/* Whether ARGV holds an emulated device at all: cheap. */
gboolean launcherArgsHaveDevices(int argc, char *const *argv);

/* Reads the emulated devices of ARGV into ARGS. FALSE, with ERR set, if one
 * cannot be read, or there are more than EMULATED_PCI_DEVICES_MAX. */
gboolean launcherArgsParse(LauncherArgs *args, int argc, char *const *argv, GError **err);

/* A new argv with a device of QEMU's for each of SOCKETS, one for each device
 * of ARGS, in their place, and PROGRAM as argv[0]. Free it with g_strfreev(). NULL with ERR
 * set. */
char **launcherArgsRewrite(const LauncherArgs *args,
                           int argc,
                           char *const *argv,
                           const char *program,
                           const LauncherSocket *sockets,
                           GError **err);

/* Adds the strings of MORE at the end of *ARGV, which is NULL-terminated, and
 * takes them out of MORE. */
void launcherArgsExtend(char ***argv, GPtrArray *more);

void launcherArgsClear(LauncherArgs *args);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherArgs, launcherArgsClear)
