/*
 * listener_sockets.c: the sockets that clients connect to
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_systemd.h"
#include "emulatedpci_error.h"
#include "listener_private.h"
#include "upstream.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The default of libvirtd's max_queued_clients */
#define LISTENER_BACKLOG 1000


/* Returns whether a daemon already listens at ADDR. If it was killed, a child that it had just
 * created may not have closed the socket yet. */
static gboolean
listenerIsTaken(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct ucred listens = { 0 };
    socklen_t len = sizeof(listens);
    gboolean taken;

    if (fd < 0)
        return FALSE;
    if (connect(fd, (const struct sockaddr *) addr, sizeof(*addr)) < 0)
        taken = errno == EAGAIN;
    else
        /* The process ID is 0 if the process is in another namespace. */
        taken = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listens, &len) < 0 || listens.pid <= 0 ||
            kill(listens.pid, 0) == 0 || errno != ESRCH;
    close(fd);
    return taken;
}


typedef struct {
    mode_t perms;
    gid_t gid;                  /* -1: unchanged */
} SocketAccess;


/* Determines owner and mode for the socket at PATH: those of the configuration, otherwise those of
 * libvirtd's socket, otherwise libvirt's defaults. */
static gboolean
listenerFindAccess(const ListenerOptions *opts,
                   const DaemonConfig *config,
                   const char *path,
                   gboolean readonly,
                   SocketAccess *found,
                   GError **err)
{
    int perms = readonly ? config->roPerms : config->rwPerms;
    g_auto(GStrv) upstream = NULL;
    struct stat st;
    gsize i;

    found->gid = (gid_t) -1;
    if (!opts->system)
        perms = perms < 0 ? 0700 : perms;

    upstream = upstreamPaths(config->upstream, opts->system, readonly, NULL);
    for (i = 0; perms < 0 && upstream && upstream[i]; i++) {
        if (!upstreamIsSame(upstream[i], path) &&
            stat(upstream[i], &st) == 0 && S_ISSOCK(st.st_mode)) {
            perms = st.st_mode & 0777;
            found->gid = st.st_gid;
        }
    }
    if (perms < 0)
        perms = readonly ? 0777 : 0700;
    found->perms = (mode_t) perms;

    if (config->group) {
        const struct group *group = getgrnam(config->group);

        if (!group) {
            emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                                   _("unix_sock_group: there is no group '%1$s'"),
                                   config->group);
            return FALSE;
        }
        found->gid = group->gr_gid;
    }
    return TRUE;
}


static gboolean
listenerSetAccess(const char *path, const SocketAccess *wanted, GError **err)
{
    if ((wanted->gid != (gid_t) -1 && wanted->gid != getegid() &&
         chown(path, (uid_t) -1, wanted->gid) < 0) ||
        chmod(path, wanted->perms) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot set owner and mode of '%1$s': %2$s"), path,
                               g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}


/* Sets owner and mode of the sockets as configured. On failure, all are unchanged. */
gboolean
listenerSetAllAccess(const Listener *listener, const DaemonConfig *config, GError **err)
{
    SocketAccess wanted[LISTENER_SOCKETS_MAX];
    SocketAccess before[LISTENER_SOCKETS_MAX];
    const ListenerSocket *sock = listener->sockets;
    int i;

    for (i = 0; i < listener->nsockets; i++) {
        struct stat st;

        if (sock[i].path &&
            !listenerFindAccess(listener->opts, config, sock[i].path, sock[i].readonly,
                                &wanted[i], err))
            return FALSE;
        if (sock[i].path && stat(sock[i].path, &st) == 0)
            before[i] = (SocketAccess) { st.st_mode & 0777, st.st_gid };
        else
            before[i] = wanted[i];
    }

    for (i = 0; i < listener->nsockets; i++) {
        if (!sock[i].path || listenerSetAccess(sock[i].path, &wanted[i], err))
            continue;
        for (; i >= 0; i--) {
            if (sock[i].path)
                listenerSetAccess(sock[i].path, &before[i], NULL);
        }
        return FALSE;
    }
    return TRUE;
}


static gboolean
listenerAddSocket(Listener *listener, const char *path, gboolean readonly, GError **err)
{
    ListenerSocket *sock = &listener->sockets[listener->nsockets];
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    g_autofree char *dir = g_path_get_dirname(path);
    SocketAccess found;
    struct stat st;
    mode_t mask;
    int rc;

    if (g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)) >= sizeof(addr.sun_path)) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("the path of the socket '%1$s' is longer than %2$zu characters"),
                               path, sizeof(addr.sun_path) - 1);
        return FALSE;
    }

    if (g_mkdir_with_parents(dir, listener->opts->system ? 0755 : 0700) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create '%1$s': %2$s"),
                               dir, g_strerror(errno));
        return FALSE;
    }

    if (listenerIsTaken(&addr)) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("another daemon listens at '%1$s'"), path);
        return FALSE;
    }
    if (!listenerFindAccess(listener->opts, listener->config, path, readonly, &found, err))
        return FALSE;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);

    sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create a socket: %1$s"), g_strerror(errno));
        return FALSE;
    }

    /* The socket is created with its permissions: a client of libvirt that has started the daemon
     * waits until it listens, but gives up if the permissions do not allow a connection. */
    mask = umask(~found.perms & 0777);
    rc = bind(sock->fd, (struct sockaddr *) &addr, sizeof(addr));
    umask(mask);
    if (rc < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot listen at '%1$s': %2$s"),
                               path, g_strerror(errno));
        close(sock->fd);
        return FALSE;
    }

    sock->readonly = readonly;
    sock->path = g_strdup(path);
    listener->nsockets++;
    if (stat(path, &st) == 0) {
        sock->dev = st.st_dev;
        sock->ino = st.st_ino;
    }

    if (!listenerSetAccess(path, &found, err))
        return FALSE;
    if (listen(sock->fd, LISTENER_BACKLOG) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot listen at '%1$s': %2$s"),
                               path, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}


/* Takes the sockets of systemd: a path that ends in -ro is that of the read-only socket. */
static void
listenerTakeSockets(Listener *listener, int count)
{
    int i;

    for (i = 0; i < count && i < LISTENER_SOCKETS_MAX; i++) {
        ListenerSocket *sock = &listener->sockets[listener->nsockets++];
        struct sockaddr_un addr = { 0 };
        socklen_t len = sizeof(addr) - 1;

        sock->fd = 3 + i;
        if (getsockname(sock->fd, (struct sockaddr *) &addr, &len) == 0)
            sock->readonly = g_str_has_suffix(addr.sun_path, "-ro");
        fcntl(sock->fd, F_SETFL, fcntl(sock->fd, F_GETFL) | O_NONBLOCK);
    }
}


gboolean
listenerOpen(Listener *listener, GError **err)
{
    const ListenerOptions *opts = listener->opts;
    int passed = daemonSystemdSockets();

    if (passed > 0) {
        listenerTakeSockets(listener, passed);
        return TRUE;
    }

    return (!opts->path || listenerAddSocket(listener, opts->path, FALSE, err)) &&
        (!opts->pathRO || listenerAddSocket(listener, opts->pathRO, TRUE, err));
}


/* Closes the sockets, and removes their files unless another process has replaced them. */
void
listenerClose(Listener *listener, gboolean remove)
{
    int i;

    for (i = 0; i < listener->nsockets; i++) {
        ListenerSocket *sock = &listener->sockets[i];
        struct stat st;

        close(sock->fd);
        if (remove && sock->path && stat(sock->path, &st) == 0 &&
            st.st_dev == sock->dev && st.st_ino == sock->ino)
            unlink(sock->path);
        g_free(sock->path);
    }
    listener->nsockets = 0;
}
