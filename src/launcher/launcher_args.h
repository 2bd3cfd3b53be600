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
    GArray *at;             /* the indexes in argv (int), ascending */
    GPtrArray *props;       /* the QEMUProps at each of these indexes */
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
 * @argc: the number of arguments
 * @argv: QEMU's command line; strings can be replaced by allocated ones, and none is freed
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Converts controllers to emulated devices if libvirt has attached them to the running domain in
 * place of such devices (qemu_props_alias.h). libvirt writes these controllers when it restores or
 * migrates the domain.
 *
 * Returns TRUE, or FALSE with @err set if a controller cannot be converted.
 */
gboolean launcherArgsExpand(int argc, char **argv, GError **err);

/**
 * launcherArgsParse:
 * @args: filled in; to be cleared with launcherArgsClear() in any case
 * @argc: the number of arguments
 * @argv: QEMU's command line
 * @err: set on failure, see qemuPropsParse()
 *
 * Parses the emulated devices in @argv.
 *
 * Returns TRUE, or FALSE with @err set if a device is invalid, or if there are more than
 * EMULATED_PCI_DEVICES_MAX.
 */
gboolean launcherArgsParse(LauncherArgs *args, int argc, char *const *argv, GError **err);

/**
 * launcherArgsRewrite:
 * @args: the emulated devices in @argv
 * @argc: the number of arguments
 * @argv: QEMU's command line
 * @program: the path of QEMU, which becomes argv[0]
 * @sockets: the sockets of the devices
 * @err: set on failure
 *
 * Replaces the emulated devices by devices that QEMU supports.
 *
 * Returns the new command line, to be freed with g_strfreev(), or NULL with @err set.
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
