/*
 * listener.h: the sockets for clients, and the processes that serve them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "daemon_config.h"

typedef struct {
    const char *path;           /* of the read-write socket; NULL: none */
    const char *pathRO;         /* of the read-only one; NULL: none */
    const char *upstream;       /* --upstream; NULL: the configuration's */
    const char *definitionsDir; /* --definitions; NULL: the configuration's */
    const char *defaultDefinitionsDir;
    const char *builtinDir;     /* of the definitions that ship with us */
    const char *configPath;     /* read again when SIGHUP comes; NULL: none */
    gboolean configRequired;         /* it was named: it must be there */
    int timeout;                /* s without a client until the end; 0: never */
    gboolean system;            /* serves everyone, as root */
    const char *schemaDir;
    const char *launchDir;      /* NULL: where it is installed */
    const char *qemuDir;
    gboolean anyQEMU;           /* domains are not refused for what their QEMU cannot do */
    gboolean verbose;
} ListenerOptions;

/**
 * listenerConfigure:
 * @opts: the options of the command line
 * @err: set on failure: see daemonConfigLoad(), upstreamPaths() and daemonLogSetup()
 *
 * Reads the configuration and sets up the log. Options of the command line take precedence.
 *
 * Returns the configuration, to be passed to listenerRun(), or NULL with @err set.
 */
DaemonConfig *listenerConfigure(const ListenerOptions *opts, GError **err);

/**
 * listenerRun:
 * @opts: the options of the command line; must exist during the call
 * @config: the configuration; the function takes ownership
 *
 * Listens and serves clients until a signal or the timeout ends the daemon.
 *
 * Returns the exit status of the program.
 */
int listenerRun(const ListenerOptions *opts, DaemonConfig *config);
