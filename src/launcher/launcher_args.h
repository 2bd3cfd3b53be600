/*
 * launcher_args.h: the emulated devices in QEMU's command line
 *
 * Finds the devices and replaces them by devices that QEMU supports. An option is "-device" or
 * "--device", followed by its value, as in QEMU; the rest of the command line is not read or
 * changed.
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

/**
 * launcherArgsHaveDevices:
 * @argc: number of arguments
 * @argv: QEMU's command line
 *
 * Returns TRUE if @argv has any emulated device.
 */
gboolean launcherArgsHaveDevices(int argc, char *const *argv);

/**
 * launcherArgsExpand:
 * @argc: number of arguments
 * @argv: QEMU's command line; each string may be replaced by a newly allocated one, and none
 *        is freed
 * @err: set on failure
 *
 * Makes emulated devices of the controllers that libvirt knows those by which were attached to
 * a domain when it was running (qemu_props_alias.h): the domain is restored, or migrated.
 *
 * Returns FALSE if one cannot be read.
 */
gboolean launcherArgsExpand(int argc, char **argv, GError **err);

/**
 * launcherArgsParse:
 * @args: filled in; to be released with launcherArgsClear() in any case
 * @argc: number of arguments
 * @argv: QEMU's command line
 * @err: set on failure
 *
 * Reads the emulated devices of @argv.
 *
 * Returns FALSE if one is invalid, or if there are more than
 * EMULATED_PCI_DEVICES_MAX.
 */
gboolean launcherArgsParse(LauncherArgs *args, int argc, char *const *argv, GError **err);

/**
 * launcherArgsRewrite:
 * @args: the emulated devices of @argv
 * @argc: number of arguments
 * @argv: QEMU's command line
 * @program: QEMU's path, which becomes argv[0]
 * @sockets: one for each device of @args
 * @err: set on failure
 *
 * Returns a new command line, in which devices of QEMU's that are connected by
 * @sockets replace the emulated ones, or NULL on failure. The caller frees it with
 * g_strfreev().
 */
char **launcherArgsRewrite(const LauncherArgs *args,
                           int argc,
                           char *const *argv,
                           const char *program,
                           const LauncherSocket *sockets,
                           GError **err);

/**
 * launcherArgsExtend:
 * @argv: an array terminated by NULL, which is reallocated
 * @more: strings; they are moved to the end of @argv
 *
 * Appends arguments.
 */
void launcherArgsExtend(char ***argv, GPtrArray *more);

/**
 * launcherArgsClear:
 * @args: the devices
 *
 * Frees the devices. The struct itself belongs to the caller.
 */
void launcherArgsClear(LauncherArgs *args);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherArgs, launcherArgsClear)
