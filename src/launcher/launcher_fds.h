/*
 * launcher_fds.h: which process gets which descriptor
 *
 * libvirt gives QEMU descriptors by their numbers: those must neither change
 * nor reach anybody else. The launcher's own are close-on-exec from their
 * first moment and never take the numbers 0 to 2, even if those are free.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stddef.h>

/* A pair of connected stream sockets, one of sockets that keep messages apart, and
 * a pipe; FALSE with errno set. */
gboolean launcherFdsSocketpair(int fds[2]);
gboolean launcherFdsPacketpair(int fds[2]);
gboolean launcherFdsPipe(int fds[2]);

/* A descriptor of this process, and of what it becomes by exec, which can be
 * polled for its end; -1 with errno set, as on Linux before 5.3. */
int launcherFdsSelf(void);

/* Moves *FD above the standard descriptors. FALSE with errno set, and *FD is
 * closed then. */
gboolean launcherFdsRaise(int *fd);

/* Closes FD unless it is -1, and makes it so. */
void launcherFdsClose(int *fd);

/* Lets FD live through exec. FALSE with errno set. */
gboolean launcherFdsInherit(int fd);

/* Closes every descriptor above 2 that is not among the N of KEEP, which
 * must be in ascending order. Takes no memory: fit for a child after fork.
 * FALSE, with errno set, if it cannot be done. */
gboolean launcherFdsCloseExcept(const int *keep, size_t n);

/* The same without close_range(2), for Linux before 5.9. */
gboolean launcherFdsCloseExceptSlowly(const int *keep, size_t n);
