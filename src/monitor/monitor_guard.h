/*
 * monitor_guard.h: the process that replaces a worker of the relay that was killed
 *
 * The guard accepts libvirt's connections, one at a time as QEMU does, and connects to QEMU's
 * monitor for each of them, so that the monitor is in the state that libvirt expects. It forks a
 * worker, which relays, and keeps the sockets. If the worker is killed or makes no progress, the
 * guard forks another one, which continues where the first one stopped (monitor_status.h).
 *
 * A worker requests an operation that its sandbox does not allow: to start an emulator. It stores the
 * request in the shared memory, and sends a byte to notify the guard.
 *
 * The guard does not read data from libvirt or QEMU. It only passes the command that a worker has
 * found to the launcher.
 *
 * The guard has a deputy, a process that waits until the guard exits. Both share one table of
 * descriptors (CLONE_FILES), and the memory in which the guard stores their numbers. If the guard is
 * killed, its deputy continues in its place and starts another deputy. The worker is not affected.
 * The worker shares neither the table nor this memory, because it processes the data of others.
 *
 * If both are killed before one of them has replaced the other, which takes about a millisecond,
 * the worker continues, but libvirtd cannot connect again, and no device can be attached.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_options.h"

/* The number of consecutive workers that may be killed before they have relayed data, until the
 * guard delays the next one */
#define MONITOR_GUARD_FAILURES 8

/* The pause between two attempts at first, and the longest pause, in milliseconds */
#define MONITOR_GUARD_PAUSE_MIN 10
#define MONITOR_GUARD_PAUSE_MAX 1000

/* The time between two checks for progress, in milliseconds, and the number of consecutive checks
 * without progress after which a worker is replaced */
#define MONITOR_GUARD_INTERVAL 2000
#define MONITOR_GUARD_LOOKS 3

/* The guard has no descriptor with this number or a higher one. */
#define MONITOR_GUARD_FDS 256

/* The longest time to wait until QEMU's last lines are in the log, in milliseconds */
#define MONITOR_GUARD_LOG_TIMEOUT 10000

/* The name of an abstract socket, which shows that a domain has a relay: of the domain's UUID and the
 * process ID of the guard. The last number is the version of the relay, which a relay that only
 * attaches devices does not have: version 2 also checks device_del. The daemon looks for the name in
 * /proc/net/unix (src/daemon/base/relay_marker.h). */
#define MONITOR_GUARD_MARKER "emulatedpci-monitor/%s/%d/2"

/**
 * monitorGuardRun:
 * @options: the options of the command line
 *
 * Relays until QEMU exits.
 *
 * Returns the exit status of the program.
 */
int monitorGuardRun(const MonitorOptions *options);
