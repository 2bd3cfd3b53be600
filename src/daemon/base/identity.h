/*
 * identity.h: the identity of a client, which its process takes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    gid_t *groups;
    gsize ngroups;
} Identity;

/**
 * identityOfPeer:
 * @socket: a connected UNIX socket
 * @id: set to the client's identity; to be cleared with identityClear()
 * @err: set to VIR_ERR_SYSTEM_ERROR on failure
 *
 * Gets the user, the groups and the process of the client at the time when it connected
 * (SO_PEERCRED and SO_PEERGROUPS, unix(7)).
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean identityOfPeer(int socket, Identity *id, GError **err);

/**
 * identityBecome:
 * @id: the identity
 * @err: set to VIR_ERR_OPERATION_DENIED if this process is not root's and the identity is neither
 *       its own nor root's; to VIR_ERR_SYSTEM_ERROR or VIR_ERR_INTERNAL_ERROR if a system call
 *       failed
 *
 * Permanently assumes the identity, and gives up all privileges of root. A process that is not
 * root's keeps its identity.
 *
 * Returns TRUE, or FALSE with @err set; then the process must exit.
 */
gboolean identityBecome(const Identity *id, GError **err);

/**
 * identityClear:
 * @id: an identity
 *
 * Frees the list of groups. The struct itself belongs to the caller.
 */
void identityClear(Identity *id);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Identity, identityClear)
