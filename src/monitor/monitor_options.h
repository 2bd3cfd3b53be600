/*
 * monitor_options.h: emulatedpci-monitor's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sandbox.h"

typedef enum {
    MONITOR_ACTION_RUN = 0,
    MONITOR_ACTION_HELP,
    MONITOR_ACTION_VERSION,
} MonitorAction;

typedef struct {
    MonitorAction action;
    int listenFd;               /* libvirt connects to it */
    int qemuFd;                 /* a pidfd of QEMU */
    int gateFd;                 /* a pipe that ends when QEMU runs; or -1 */
    int logFd;                  /* a pipe that ends when QEMU's log is complete; or -1 */
    int stateFd;                /* for the launcher: the socket of emulatedpci-vmstate; or -1 */
    int readyFd;                /* gets a byte when the process is ready; or -1 */
    const char *path;           /* the path of the socket of QEMU's monitor */
    const char *launcher;       /* the path of the launcher, which starts emulators; or NULL */
    const char *transport;      /* the transport of attached devices, for the launcher */
    const char *name;           /* the UUID of the domain, for the marker; or NULL */
    SandboxFilter filter;
} MonitorOptions;

/**
 * monitorOptionsParse:
 * @options: filled in; its strings point into @argv
 * @argc: the number of arguments
 * @argv: the command line
 *
 * Parses the command line.
 *
 * Returns 0, or -1 after a message on standard error.
 */
int monitorOptionsParse(MonitorOptions *options, int argc, char **argv);

/**
 * monitorOptionsHelp:
 *
 * Prints the help text on standard output.
 */
void monitorOptionsHelp(void);
