/*
 * launcher_fds.h: descriptors of the launcher, and which process inherits them
 *
 * libvirt passes descriptors to QEMU by their numbers, which must not change, and
 * no other process may get them. The launcher's own descriptors are created
 * close-on-exec, and their numbers are above 2 even if lower ones are free.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stddef.h>

/* Each creates two descriptors: a pair of connected stream sockets, a pair of sockets
 * that keep messages apart, or a pipe, whose read end is the first. Returns FALSE
 * with errno set on failure. */
gboolean launcherFdsSocketpair(int fds[2]);
gboolean launcherFdsPacketpair(int fds[2]);
gboolean launcherFdsPipe(int fds[2]);

/**
 * launcherFdsSelf:
 *
 * Returns a pidfd of this process, which becomes QEMU, or -1 with errno set, as on
 * Linux before 5.3.
 */
int launcherFdsSelf(void);

/* Moves *FD above the standard descriptors. Returns FALSE with errno set, and *FD is closed
 * then. */
gboolean launcherFdsRaise(int *fd);

/* Closes *@fd unless it is -1, and sets it to -1. Keeps errno. */
void launcherFdsClose(int *fd);

/* Removes close-on-exec from @fd. Returns FALSE with errno set on failure. */
gboolean launcherFdsInherit(int fd);
