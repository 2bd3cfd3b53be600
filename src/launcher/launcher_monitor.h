/*
 * launcher_monitor.h: makes sure that libvirt shows why QEMU was not started
 *
 * libvirt shows the end of the domain's log to the user if QEMU ends during
 * its start, but only if it could connect to QEMU's monitor before. It creates
 * the monitor's listening socket itself, passes it to QEMU ("-chardev
 * socket,id=charmonitor,fd=N"), and connects at some time after exec(). So a
 * launcher that has refused a start keeps that socket, and ends only when
 * libvirt is ready to read the log:
 *
 * - libvirt sends its first command as soon as QEMU's greeting has come, and
 *   from then on reads the log when the connection ends
 *   (qemu_process.c: qemuConnectMonitor(); qemu_monitor.c: qemuMonitorIO()).
 *   Before that, it would only say that the monitor was closed.
 * - virtlogd writes the log from a pipe, and does not look at the pipe when
 *   libvirt asks it for the log (log_handler.c: virLogHandlerDomainReadLogFile()).
 *   So the pipe must be empty first.
 *
 * The same in libvirt 8.2 to 12.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The longest time to wait for libvirt, in milliseconds. libvirt connects
 * within a few milliseconds, unless the host is very busy. */
#define LAUNCHER_MONITOR_TIMEOUT 10000

/**
 * launcherMonitorFind:
 * @argc: number of arguments
 * @argv: QEMU's command line
 *
 * Finds the monitor's listening socket, which libvirt passed.
 *
 * Returns its descriptor, or -1 if the command line has none: it is not
 * libvirt's, or is one that probes capabilities.
 */
int launcherMonitorFind(int argc, char *const *argv);

/**
 * launcherMonitorReplace:
 * @argv: QEMU's command line, in which launcherMonitorFind() finds a descriptor
 * @fd: another listening socket
 *
 * Gives @fd to the monitor instead.
 */
void launcherMonitorReplace(char **argv, int fd);

/**
 * launcherMonitorIsListening:
 * @fd: a descriptor, or -1
 *
 * Returns TRUE if this is a listening socket.
 */
gboolean launcherMonitorIsListening(int fd);

/**
 * launcherMonitorWait:
 * @fd: what launcherMonitorFind() returned; a descriptor that is not a
 *      listening socket is left alone
 * @timeout: how long to wait at most, in milliseconds
 *
 * Waits until libvirt will show what this process has written to standard
 * error. The caller ends the process then.
 */
void launcherMonitorWait(int fd, int timeout);
