/*
 * launcher_monitor.h: makes sure that libvirt shows why QEMU was not started
 *
 * If QEMU exits during its start, libvirt shows the end of the domain's log to the user, but only
 * if it could connect to QEMU's monitor before. libvirt creates the listening socket of the
 * monitor, passes it to QEMU ("-chardev socket,id=charmonitor,fd=N"), and connects after exec(). A
 * launcher that has refused to start QEMU therefore keeps this socket, and exits only when libvirt
 * is ready to read the log:
 *
 *   - libvirt sends its first command when it has received QEMU's greeting. From then on, it reads
 *     the log when the connection ends (qemu_process.c: qemuConnectMonitor(); qemu_monitor.c:
 *     qemuMonitorIO()). Before that, it only reports that the monitor was closed.
 *   - virtlogd copies the log from a pipe, and does not read the pipe when libvirt requests the log
 *     (log_handler.c: virLogHandlerDomainReadLogFile()). The pipe must therefore be empty before.
 *
 * This applies to libvirt 8.2 to 12.
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
 * @argc: the number of arguments
 * @argv: QEMU's command line
 *
 * Finds the listening socket of the monitor, which libvirt has passed.
 *
 * Returns its descriptor, or -1 if there is none, because the command line is not libvirt's, or
 * libvirt probes capabilities.
 */
int launcherMonitorFind(int argc, char *const *argv);

/**
 * launcherMonitorReplace:
 * @argv: QEMU's command line, in which launcherMonitorFind() finds a descriptor
 * @fd: another listening socket
 *
 * Makes @fd the listening socket of the monitor.
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
 * @fd: the descriptor that launcherMonitorFind() returned; ignored unless it is a listening socket
 * @timeout: the maximum time to wait, in milliseconds
 *
 * Waits until libvirt will show the messages that this process has written to standard error. The
 * caller exits then.
 */
void launcherMonitorWait(int fd, int timeout);
