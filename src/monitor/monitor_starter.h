/*
 * monitor_starter.h: has the launcher start an emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"
#include "monitor_status.h"

/* The longest time that it may take, in milliseconds: more than the launcher gives to an
 * emulator. */
#define MONITOR_STARTER_TIMEOUT 15000

/**
 * monitorStarterRun:
 * @options: the program's
 * @attach: has the command; gets the answer
 * @number: of the emulator, different for each of a domain
 *
 * Asks the launcher what is to become of the command, and waits for the answer. The launcher
 * gets one end of a new pair of sockets. For x-pci-proxy-dev that is the emulator's; for
 * vfio-user it is what tells an emulator to which QEMU has not connected that nobody will: that
 * the other end is closed.
 *
 * Returns the other end, which is the caller's, or -1 if there is none. There is an answer in
 * any case.
 */
int monitorStarterRun(const MonitorOptions *options, MonitorAttach *attach, unsigned long number);
