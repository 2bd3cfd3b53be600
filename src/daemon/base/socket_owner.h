/*
 * socket_owner.h: the user who has created a UNIX socket
 *
 * Any user can create an abstract socket with any name. The list in /proc/net/unix contains names and
 * inodes, but no owners. The kernel reports them over a socket of netlink (sock_diag(7)); reports about
 * UNIX sockets contain the owner since Linux 5.3, and require no privilege.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/types.h>

#include "emulatedpci_error.h"

/**
 * socketOwnerGet:
 * @inode: the inode of a UNIX socket of this network namespace, as in /proc/net/unix
 * @name: the abstract name that it must have, without the leading null byte
 * @uid: set to the user ID of the process that has created it
 *
 * Does not block.
 *
 * Returns 0, or -1 with errno set: ENOENT if there is no such socket, or it has another name, and
 * other values if the kernel cannot report it.
 */
int socketOwnerGet(guint32 inode, const char *name, uid_t *uid);
