/*
 * daemon_config.h: the configuration file
 *
 * The format is that of libvirt's daemons: key = "string", key = number, and comments with '#'.
 * Settings that libvirt's daemons have, too, have the same names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_machine.h"

#include <glib.h>

typedef struct {
    char *group;                /* unix_sock_group, or NULL */
    int roPerms;                /* unix_sock_ro_perms, or -1 */
    int rwPerms;                /* unix_sock_rw_perms, or -1 */
    char *upstream;             /* upstream, or NULL */
    char *definitionsDir;       /* definitions_dir, or NULL */
    QEMUMachineVersion machineMin;  /* machine_version_min, or 0.0 */
    int maxClients;             /* max_clients */
    int logLevel;               /* log_level */
    char *logFilters;           /* log_filters, or NULL */
    char *logOutputs;           /* log_outputs, or NULL */
} DaemonConfig;

/**
 * daemonConfigNew:
 *
 * Returns the default settings, to be freed with daemonConfigFree(). Never NULL.
 */
DaemonConfig *daemonConfigNew(void);

/**
 * daemonConfigLoad:
 * @path: the path of the file
 * @err: set to a GFileError if the file cannot be read; otherwise as for daemonConfigParse()
 *
 * Reads a configuration file. Missing settings have their defaults.
 *
 * Returns the settings, to be freed with daemonConfigFree(), or NULL with @err set. The message
 * names the file and the line.
 */
DaemonConfig *daemonConfigLoad(const char *path, GError **err);

/**
 * daemonConfigParse:
 * @text: the content of a configuration file
 * @path: the path of the file, for messages
 * @err: set to VIR_ERR_CONF_SYNTAX if a line is malformed, a key is unknown or a value is not
 *       allowed
 *
 * Parses the content of a configuration file. Missing settings have their defaults.
 *
 * Returns the settings, to be freed with daemonConfigFree(), or NULL with @err set.
 */
DaemonConfig *daemonConfigParse(const char *text, const char *path, GError **err);

/**
 * daemonConfigFree:
 * @config: the settings, or NULL
 *
 * Frees the settings.
 */
void daemonConfigFree(DaemonConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DaemonConfig, daemonConfigFree)
