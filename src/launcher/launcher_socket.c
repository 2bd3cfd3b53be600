/*
 * launcher_socket.c: the socket between QEMU and a device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_socket.h"
#include "launcher_fds.h"

#include "gettext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The name of the file. It is unique, because QEMU gets the ID of this process, and hardly longer
 * than libvirt's monitor.sock. */
#define LAUNCHER_SOCKET_NAME "%s/pci%d.%zu"


LauncherSocket *
launcherSocketNew(size_t n)
{
    LauncherSocket *sockets = g_new0(LauncherSocket, n);
    size_t i;

    for (i = 0; i < n; i++)
        sockets[i].fd = sockets[i].theirs = -1;
    return sockets;
}


/* Returns the domain's own directory, or NULL with ERR set. */
static const char *
launcherSocketGetDir(GError **err)
{
    const char *dir = getenv("HOME");
    struct stat st;

    if (!dir || *dir != '/' || stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot place a socket for version '%1$s': HOME ('%2$s') is not a directory"),
                               emulatedPCIVersionToString(EMULATED_PCI_VERSION_VFIO_USER),
                               dir ? dir : "");
        return NULL;
    }
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot place a socket for version '%1$s': others can write to HOME ('%2$s')"),
                               emulatedPCIVersionToString(EMULATED_PCI_VERSION_VFIO_USER), dir);
        return NULL;
    }
    return dir;
}


static gboolean
launcherSocketMakePath(LauncherSocket *socket,
                       size_t number,
                       GError **err)
{
    const size_t max = sizeof(((struct sockaddr_un *) NULL)->sun_path) - 1;
    const char *dir = launcherSocketGetDir(err);

    if (!dir)
        return FALSE;

    socket->path = g_strdup_printf(LAUNCHER_SOCKET_NAME, dir, (int) getpid(), number);

    /* The path must be valid in pci-emulator's options and in QEMU's JSON. */
    if (strlen(socket->path) > max || strchr(socket->path, ',') ||
        !g_utf8_validate(socket->path, -1, NULL)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot place a socket at '%1$s': at most %2$zu bytes of UTF-8 without a comma are allowed"),
                               socket->path, max);
        g_clear_pointer(&socket->path, g_free);
        return FALSE;
    }
    return TRUE;
}


gboolean
launcherSocketMake(LauncherSocket *socket,
                   size_t number,
                   size_t n,
                   GError **err)
{
    int fds[2];

    if (socket->version == EMULATED_PCI_VERSION_VFIO_USER)
        return launcherSocketMakePath(socket, number, err);

    if (!launcherFdsSocketpair(fds)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot create a socket for emulated PCI device %1$zu of %2$zu: %3$s"),
                               number + 1, n, g_strerror(errno));
        return FALSE;
    }
    socket->fd = fds[0];
    socket->theirs = fds[1];
    return TRUE;
}


void
launcherSocketUse(LauncherSocket *socket,
                  const char *path)
{
    socket->path = g_strdup(path);
    socket->foreign = TRUE;
}


gboolean
launcherSocketListen(LauncherSocket *listener,
                     GError **err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const mode_t mask = umask(0177);
    gboolean ok;

    g_strlcpy(address.sun_path, listener->path, sizeof(address.sun_path));
    listener->theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok = listener->theirs >= 0 &&
        bind(listener->theirs, (struct sockaddr *) &address, sizeof(address)) == 0 &&
        listen(listener->theirs, 1) == 0;
    if (!ok)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot listen on '%1$s': %2$s"), listener->path,
                               g_strerror(errno));
    umask(mask);
    return ok;
}


gboolean
launcherSocketInherit(const LauncherSocket *sockets,
                      size_t n,
                      GError **err)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (sockets[i].fd >= 0 && !launcherFdsInherit(sockets[i].fd)) {
            emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                                   _("cannot pass a socket to QEMU: %1$s"), g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}


void
launcherSocketFree(LauncherSocket *sockets,
                   size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        launcherFdsClose(&sockets[i].fd);
        launcherFdsClose(&sockets[i].theirs);
        if (sockets[i].path && !sockets[i].foreign)
            unlink(sockets[i].path);
        g_free(sockets[i].path);
    }
    g_free(sockets);
}
