/*
 * upstream.c: the libvirtd or virtqemud that does the work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "upstream.h"
#include "upstream_start.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The directory of the sockets of the distribution's libvirt */
#define UPSTREAM_SYSTEM_DIR "/run/libvirt"

/* The longest time that libvirt may take to accept a connection, in seconds */
#define UPSTREAM_CONNECT_TIMEOUT 30

/* The longest time that a user's libvirt may take until it listens, and the time between two
 * attempts to connect, in milliseconds */
#define UPSTREAM_START_TIMEOUT 30000
#define UPSTREAM_START_INTERVAL 10


/* The read-only socket has libvirt's name: that of the other socket with "-ro". */
static char *
upstreamVariant(const char *path, gboolean readonly)
{
    return g_strconcat(path, readonly ? "-ro" : "", NULL);
}


static GStrv
upstreamDefaults(gboolean system, gboolean readonly)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autofree char *dir = NULL;
    static const char *const names[] = { "virtqemud-sock", "libvirt-sock" };
    gsize i;

    dir = system ? g_strdup(UPSTREAM_SYSTEM_DIR) :
        g_build_filename(g_get_user_runtime_dir(), "libvirt", NULL);
    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);

        g_ptr_array_add(paths, upstreamVariant(path, readonly));
    }
    g_ptr_array_add(paths, NULL);
    return (GStrv) g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}


/* Returns the value of socket= in the URI's query, or NULL. */
static char *
upstreamSocketOfURI(const char *uri)
{
    g_autoptr(GUri) parsed = g_uri_parse(uri, G_URI_FLAGS_NONE, NULL);
    g_autoptr(GHashTable) query = NULL;

    if (!parsed || !g_uri_get_query(parsed))
        return NULL;

    query = g_uri_parse_params(g_uri_get_query(parsed), -1, "&", G_URI_PARAMS_NONE, NULL);
    return query ? g_strdup(g_hash_table_lookup(query, "socket")) : NULL;
}


GStrv
upstreamPaths(const char *name, gboolean system, gboolean readonly, GError **err)
{
    g_autofree char *path = NULL;
    GStrv paths;

    if (!name || !*name)
        return upstreamDefaults(system, readonly);
    if (strcmp(name, "qemu:///system") == 0)
        return upstreamDefaults(TRUE, readonly);
    if (strcmp(name, "qemu:///session") == 0)
        return upstreamDefaults(FALSE, readonly);

    path = name[0] == '/' ? g_strdup(name) : upstreamSocketOfURI(name);
    if (!path || path[0] != '/') {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid upstream '%1$s': qemu:///system, qemu:///session, a "
                                 "URI with socket=PATH or the path of a socket was expected"),
                               name);
        return NULL;
    }

    paths = g_new0(char *, 2);
    paths[0] = upstreamVariant(path, readonly);
    return paths;
}


gboolean
upstreamMayStart(const char *name, gboolean system)
{
    const char *setting = g_getenv("LIBVIRT_AUTOSTART");

    if (system || geteuid() == 0 || (setting && strcmp(setting, "0") == 0))
        return FALSE;
    return !name || !*name || strcmp(name, "qemu:///session") == 0;
}


/* Sets the timeout of connect() and send() on FD, in seconds; 0 means no timeout. */
static void
upstreamSetTimeout(int fd, int seconds)
{
    const struct timeval timeout = { .tv_sec = seconds };

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}


static int
upstreamConnectTo(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    if (g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;

    /* If the backlog is full, connect() blocks, as for any client; the time is limited. */
    upstreamSetTimeout(fd, UPSTREAM_CONNECT_TIMEOUT);
    while (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) < 0) {
        int saved = errno;

        if (saved == EINTR)
            continue;
        close(fd);
        errno = saved == EAGAIN ? ETIMEDOUT : saved;
        return -1;
    }
    upstreamSetTimeout(fd, 0);
    return fd;
}


gboolean
upstreamIsSame(const char *path, const char *other)
{
    struct stat a;
    struct stat b;

    return stat(path, &a) == 0 && stat(other, &b) == 0 &&
        a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}


/* Returns a connection to the first of PATHS that has a listener, or -1 with *ERRNUM and *WHERE,
 * the path of the last attempt, set. */
static int
upstreamTry(const char *const *paths, const char *own, const char **where, int *errnum)
{
    gsize i;

    *where = NULL;
    *errnum = ENOENT;
    for (i = 0; paths[i]; i++) {
        int fd;

        if (own && upstreamIsSame(paths[i], own))
            continue;

        fd = upstreamConnectTo(paths[i]);
        if (fd >= 0)
            return fd;
        *errnum = errno;
        *where = paths[i];

        /* The next path is only tried if this daemon is not running. */
        if (errno != ENOENT && errno != ECONNREFUSED)
            break;
    }
    return -1;
}


/* Starts the user's libvirt, unless another program is starting it. */
static int
upstreamStartAndTry(const char *const *paths,
                    const char *own,
                    const char **where,
                    int *errnum,
                    GError **err)
{
    g_autoptr(UpstreamStart) start = upstreamStartBegin(err);
    gint64 deadline;
    int fd;

    if (!start)
        return -1;

    fd = upstreamTry(paths, own, where, errnum);
    if (fd >= 0)
        return fd;
    if (!upstreamStartSpawn(start, err))
        return -1;

    deadline = g_get_monotonic_time() + UPSTREAM_START_TIMEOUT * 1000LL;
    do {
        g_usleep(UPSTREAM_START_INTERVAL * 1000);
        fd = upstreamTry(paths, own, where, errnum);
    } while (fd < 0 && (*errnum == ENOENT || *errnum == ECONNREFUSED) &&
             g_get_monotonic_time() < deadline);
    return fd;
}


int
upstreamConnect(const char *const *paths,
                const char *own,
                gboolean start,
                int *errnum,
                GError **err)
{
    const char *where;
    int fd = upstreamTry(paths, own, &where, errnum);

    if (fd < 0 && start && (*errnum == ENOENT || *errnum == ECONNREFUSED)) {
        g_autoptr(GError) local = NULL;

        fd = upstreamStartAndTry(paths, own, &where, errnum, &local);
        if (local) {
            g_propagate_error(err, g_steal_pointer(&local));
            return -1;
        }
    }
    if (fd >= 0)
        return fd;

    if (where) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("Failed to connect socket to '%1$s': %2$s"), where,
                               g_strerror(*errnum));
    } else {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, "%s",
                               _("the only libvirt daemon found is this daemon itself"));
    }
    return -1;
}
