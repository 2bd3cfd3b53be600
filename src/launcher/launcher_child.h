/*
 * launcher_child.h: child processes of which QEMU does not notice anything
 *
 * The launcher becomes QEMU, so that QEMU would inherit its children, and a pending SIGCHLD if
 * libvirt has blocked it. These functions do not change the disposition of signals or the signal
 * mask, which QEMU gets from libvirt.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * launcherChildFork:
 *
 * Forks a child, which launcherChildReap() must wait for.
 *
 * Returns as fork().
 */
pid_t launcherChildFork(void);

/**
 * launcherChildReap:
 * @pid: the only child
 *
 * Waits for the end of @pid, and removes its SIGCHLD if that is pending.
 *
 * Returns the status as waitpid() stores it, or -1 if there is none because SIGCHLD is ignored.
 */
int launcherChildReap(pid_t pid);

/**
 * launcherChildOpen:
 * @pid: the ID of a process that cannot be reused: this process, or one that its parent has not
 *       reaped
 *
 * Returns a descriptor for the process, close-on-exec, or -1 with errno set, for example on Linux
 * before 5.3.
 */
int launcherChildOpen(pid_t pid);

/**
 * launcherChildKill:
 * @pidfd: what launcherChildOpen() returned
 *
 * Sends SIGKILL to the process, unless it has ended.
 */
void launcherChildKill(int pidfd);

/**
 * launcherChildSetStdio:
 * @output: the descriptor that becomes standard output, or -1 for /dev/null
 *
 * Sets standard output, and makes /dev/null the standard input. For a child.
 *
 * Returns FALSE with errno set on failure.
 */
gboolean launcherChildSetStdio(int output);

/**
 * launcherChildRead:
 * @fd: a pipe or a stream socket
 * @buf: filled in
 * @size: size of @buf in bytes
 * @deadline: as g_get_monotonic_time() counts
 *
 * Waits until there is something to read, and reads it.
 *
 * Returns the number of bytes, 0 at the end of the stream, or -1 with errno set:
 * ETIMEDOUT after @deadline.
 */
ssize_t launcherChildRead(int fd, void *buf, size_t size, gint64 deadline);
