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

/* Returns the default settings. */
DaemonConfig *daemonConfigNew(void);

/* Returns the settings in the file PATH, with defaults for missing ones, or NULL with ERR set if
 * the file cannot be read, is malformed or has an unknown key. The message names the file and the
 * line. */
DaemonConfig *daemonConfigLoad(const char *path, GError **err);

/* The same for TEXT. Messages name PATH. */
DaemonConfig *daemonConfigParse(const char *text, const char *path, GError **err);

void daemonConfigFree(DaemonConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DaemonConfig, daemonConfigFree)
