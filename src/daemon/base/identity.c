/*
 * identity.c: the identity of a client, which its process takes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "identity.h"

#include "gettext.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

/* Linux's NGROUPS_MAX */
#define IDENTITY_GROUPS_MAX 65536


void
identityClear(Identity *id)
{
    g_clear_pointer(&id->groups, g_free);
    id->ngroups = 0;
}


gboolean
identityOfPeer(int socket, Identity *id, GError **err)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    *id = (Identity) { 0 };
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot get the client's identity: %1$s"), g_strerror(errno));
        return FALSE;
    }

    id->uid = cred.uid;
    id->gid = cred.gid;
    id->pid = cred.pid;

    /* With a size of 0, the kernel returns the required size. */
    len = 0;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
        return TRUE;

    if (errno == ERANGE && len > 0 && len <= IDENTITY_GROUPS_MAX * sizeof(gid_t)) {
        id->groups = g_malloc0(len);
        if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, id->groups, &len) == 0) {
            id->ngroups = len / sizeof(gid_t);
            return TRUE;
        }
    }

    emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                           _("cannot get the client's groups: %1$s"), g_strerror(errno));
    identityClear(id);
    return FALSE;
}


gboolean
identityBecome(const Identity *id, GError **err)
{
    uid_t ruid;
    uid_t euid;
    uid_t suid;

    if (geteuid() != 0) {
        /* Root is permitted, as in libvirtd. */
        if (id->uid == geteuid() || id->uid == 0)
            return TRUE;
        emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                               _("user %1$u is not permitted: this daemon only serves user %2$u"),
                               id->uid, geteuid());
        return FALSE;
    }

    if (setgroups(id->ngroups, id->groups) < 0 ||
        setresgid(id->gid, id->gid, id->gid) < 0 ||
        setresuid(id->uid, id->uid, id->uid) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot become user %1$u: %2$s"), id->uid, g_strerror(errno));
        return FALSE;
    }

    /* Other processes of the client must not inspect or change this process, because it shares
     * memory and descriptors with the daemon. (They can send it signals: see listener.c.) */
    prctl(PR_SET_DUMPABLE, 0);

    /* Check that the process cannot become root again. */
    if (getresuid(&ruid, &euid, &suid) < 0 ||
        ruid != id->uid || euid != id->uid || suid != id->uid ||
        (id->uid != 0 && setuid(0) == 0)) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot permanently become user %1$u"), id->uid);
        return FALSE;
    }
    return TRUE;
}
