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

/* Gets the user and groups of the client at the time when it connected to SOCKET
 * (SO_PEERCRED, SO_PEERGROUPS). */
gboolean identityOfPeer(int socket, Identity *id, GError **err);

/* Takes the identity for good and gives up all that root may; if we are not root, ID must be ours
 * or root's. Returns FALSE with ERR set if that is not possible: then the process must not go
 * on. */
gboolean identityBecome(const Identity *id, GError **err);

void identityClear(Identity *id);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Identity, identityClear)
