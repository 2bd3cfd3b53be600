/*
 * monitor_guard.h: the process that replaces a worker of the relay that was killed
 *
 * The guard accepts libvirt's connections, one at a time as QEMU itself would, and connects to
 * QEMU's monitor for each: so libvirt meets a monitor that is in just the state that QEMU's own
 * would be in. It forks a worker, which relays, and keeps the sockets. If the worker is killed,
 * or stops to work, it forks another one, which goes on where that one was (monitor_status.h).
 *
 * A worker also ends to have the guard do what its sandbox does not allow: start an emulator.
 *
 * The guard reads nothing that libvirt or QEMU sends. It hands the one command that a worker
 * has found for it to the launcher.
 *
 * If the guard is killed, its worker goes on, but libvirtd cannot connect anew, and nothing
 * can be attached.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"

/* The number of consecutive workers that may be killed before they have relayed data, until the
 * guard delays the next one */
#define MONITOR_GUARD_FAILURES 8

/* Milliseconds: between two tries, at first and at most. */
#define MONITOR_GUARD_PAUSE_MIN 10
#define MONITOR_GUARD_PAUSE_MAX 1000

/* Milliseconds between two looks whether a worker works, and looks in a row that find that it
 * does not until it is replaced. */
#define MONITOR_GUARD_INTERVAL 2000
#define MONITOR_GUARD_LOOKS 3

/* The longest time to wait for QEMU's last lines to be in the log, in milliseconds. */
#define MONITOR_GUARD_LOG_TIMEOUT 10000

/* The prefix of the name of an abstract socket, which shows that a domain has a relay; the domain's
 * UUID, a slash and QEMU's process ID follow. The daemon looks for it in /proc/net/unix. */
#define MONITOR_GUARD_MARKER "emulatedpci-monitor/"

/**
 * monitorGuardRun:
 * @options: the options of the command line
 *
 * Relays until QEMU exits.
 *
 * Returns the exit status of the program.
 */
int monitorGuardRun(const MonitorOptions *options);
