/*
 * monitor_starter.h: requests an emulator from the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"
#include "monitor_status.h"

#include <sys/types.h>

/* The longest time that it may take, in milliseconds: more than the launcher gives to an
 * emulator. */
#define MONITOR_STARTER_TIMEOUT 15000

/* The launcher that runs, and waits for the next command. Its descriptor is one end of a
 * socket, of which the launcher has the other as its standard input and output. */
typedef struct {
    int fd;                     /* or -1: none runs */
    pid_t pid;                  /* 0: it is not a child of this process */
    unsigned long number;       /* of the last emulator, different for each of a domain */
} MonitorStarter;

/**
 * monitorStarterRun:
 * @options: the program's
 * @starter: the launcher, which is started if none runs
 * @attach: has the command; gets the answer
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
 * Leaves the launcher: it ends, with the emulator that it may be starting.
 */
void monitorStarterForget(MonitorStarter *starter);
