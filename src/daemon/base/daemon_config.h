/*
 * daemon_config.h: the configuration file
 *
 * In the format of libvirt's daemons' files: key = "string", key = number,
 * comments with '#'. The keys that libvirt has are called as libvirt calls
 * them.
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

/* All defaults. */
DaemonConfig *daemonConfigNew(void);

/* What is in the file PATH, over the defaults. NULL with ERR set, which
 * names file and line, if it cannot be read, is malformed or has an unknown
 * key. */
DaemonConfig *daemonConfigLoad(const char *path, GError **err);

/* The same of TEXT; PATH is for messages. */
DaemonConfig *daemonConfigParse(const char *text, const char *path, GError **err);

void daemonConfigFree(DaemonConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DaemonConfig, daemonConfigFree)
