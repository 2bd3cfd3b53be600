/*
 * launcher_child.h: children that leave no trace in QEMU
 *
 * The launcher becomes QEMU, so QEMU would inherit its children, and a
 * pending SIGCHLD if libvirt had it blocked. Nothing here changes a signal's
 * disposition or the signal mask: QEMU gets those as libvirt gave them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/* fork(); to be reaped with launcherChildReap(). */
pid_t launcherChildFork(void);

/* Waits for PID, which must be the only child. Returns what waitpid() says of it, or -1 if that
 * is not to be had (SIGCHLD is ignored). */
int launcherChildReap(pid_t pid);

/* A descriptor for the process PID, and SIGKILL to it if it still is; its
 * number may be another process's by then. -1 where Linux has none of those
 * (before 5.3). */
int launcherChildOpen(pid_t pid);
void launcherChildKill(int pidfd);

/* In a child: standard input and, if OUTPUT is -1, standard output become
 * /dev/null; OUTPUT becomes standard output otherwise. FALSE with errno set. */
gboolean launcherChildSetStdio(int output);

/* Reads up to SIZE bytes from FD, at most until DEADLINE, a
 * g_get_monotonic_time(). Returns their number, 0 at the end, -1 with errno
 * set (ETIMEDOUT after the deadline). */
ssize_t launcherChildRead(int fd, void *buf, size_t size, gint64 deadline);
