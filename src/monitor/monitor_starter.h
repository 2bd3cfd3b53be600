/*
 * monitor_starter.h: requests an emulator from the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"
#include "monitor_status.h"

#include <sys/types.h>

/* The longest time to wait for the launcher's reply, in milliseconds. It is longer than the time for
 * which the launcher waits for an emulator. */
#define MONITOR_STARTER_TIMEOUT 15000

/* The launcher, which waits for the next command. The other end of its socket is the launcher's
 * standard input and output. */
typedef struct {
    int fd;                     /* the socket; -1 if no launcher runs */
    pid_t pid;                  /* 0 if it is not a child of this process */
    unsigned long number;       /* of the last emulator, unique in the domain */
} MonitorStarter;

/**
 * monitorStarterRun:
 * @options: the options of the program
 * @starter: the launcher, which is started if none runs
 * @attach: the command; its answer is set in any case
 *
 * Passes the command to the launcher, and waits for the answer. The launcher gets one end of a new
 * pair of sockets: for x-pci-proxy-dev, it becomes the emulator's socket; for vfio-user, its end
 * tells the emulator that QEMU will not connect.
 *
 * Returns the other end, which the caller closes, or -1 if there is none.
 */
int monitorStarterRun(const MonitorOptions *options, MonitorStarter *starter, MonitorAttach *attach);

/**
 * monitorStarterForget:
 * @starter: the launcher, which another process has started
 *
 * Closes the socket of the launcher, which then exits with the emulator that it may be starting.
 */
void monitorStarterForget(MonitorStarter *starter);
