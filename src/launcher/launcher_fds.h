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

/**
 * launcherFdsSocketpair:
 * @fds: set to the descriptors, which have close-on-exec and are above the standard ones
 *
 * Creates a pair of connected stream sockets.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherFdsSocketpair(int fds[2]);

/**
 * launcherFdsPacketpair:
 * @fds: set to the descriptors, which have close-on-exec and are above the standard ones
 *
 * Creates a pair of connected SOCK_SEQPACKET sockets, which preserve the boundaries of messages.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherFdsPacketpair(int fds[2]);

/**
 * launcherFdsPipe:
 * @fds: set to the read end and the write end, which have close-on-exec and are above the standard
 *       descriptors
 *
 * Creates a pipe.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherFdsPipe(int fds[2]);

/**
 * launcherFdsSelf:
 *
 * Returns a pidfd of this process, which becomes QEMU, or -1 with errno set, as on
 * Linux before 5.3.
 */
int launcherFdsSelf(void);

/**
 * launcherFdsRaise:
 * @fd: a descriptor; set to one above the standard descriptors, or to -1 on failure
 *
 * Replaces a standard descriptor by another one, and closes it.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherFdsRaise(int *fd);

/**
 * launcherFdsClose:
 * @fd: a descriptor or -1; set to -1
 *
 * Closes the descriptor. errno is preserved.
 */
void launcherFdsClose(int *fd);

/**
 * launcherFdsInherit:
 * @fd: a descriptor
 *
 * Removes close-on-exec.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherFdsInherit(int fd);
