/*
 * monitor_starter.h: requests an emulator from the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"
#include "monitor_status.h"

/* The longest time that the launcher may take, in milliseconds: more than it gives to an
 * emulator */
#define MONITOR_STARTER_TIMEOUT 15000

/**
 * monitorStarterRun:
 * @options: the options of the program
 * @attach: the command; its answer is set in any case
 * @number: the number of the emulator, which is different for each emulator of a domain
 *
 * Passes the command to the launcher, and waits for the answer. The launcher gets one end of a new
 * pair of sockets: for x-pci-proxy-dev, it becomes the emulator's socket; for vfio-user, its end
 * tells the emulator that QEMU will not connect.
 *
 * Returns the other end, which the caller closes, or -1 if there is none.
 */
int monitorStarterRun(const MonitorOptions *options, MonitorAttach *attach, unsigned long number);
