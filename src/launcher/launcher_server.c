/*
 * launcher_server.c: checks of a vfio-user server
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_server.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The header of a message, and that of VERSION (QEMU's docs/interop/vfio-user.rst), in host byte
 * order */
typedef struct {
    guint16 id;
    guint16 command;
    guint32 size;               /* length of the message with this header */
    guint32 flags;
    guint32 error;              /* an errno if the flags contain the error flag */
} ServerHeader;

typedef struct {
    guint16 major;
    guint16 minor;
} ServerVersion;

#define SERVER_COMMAND_VERSION 1
#define SERVER_FLAGS_TYPE 0xf
#define SERVER_FLAGS_REPLY 0x1
#define SERVER_FLAGS_ERROR 0x20
#define SERVER_MAJOR 0
#define SERVER_MINOR 0

/* The capabilities that QEMU proposes and that a server may depend on */
#define SERVER_CAPABILITIES "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}"

G_STATIC_ASSERT(sizeof(ServerHeader) == 16);
G_STATIC_ASSERT(sizeof(ServerVersion) == 4);


/* Connects a new socket of this type. Returns the socket, or -1 with errno set. */
static int
serverConnect(const char *path,
              int type)
{
    const struct timeval timeout = {
        .tv_sec = LAUNCHER_SERVER_TIMEOUT / 1000,
        .tv_usec = LAUNCHER_SERVER_TIMEOUT % 1000 * 1000,
    };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        launcherFdsClose(&fd);
    return fd;
}


/* Returns the first directory above PATH that this user may not search, newly allocated, or NULL if
 * there is none. */
static char *
serverFindDirectory(const char *path)
{
    const char *slash = path;

    while ((slash = strchr(slash + 1, '/'))) {
        g_autofree char *dir = g_strndup(path, slash - path);

        if (eaccess(dir, X_OK) < 0 && errno == EACCES)
            return g_steal_pointer(&dir);
    }
    return NULL;
}


static void
serverReportPermission(const char *path,
                       const char *name,
                       GError **err)
{
    g_autofree char *dir = serverFindDirectory(path);

    if (dir)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("user %1$u, as which QEMU runs, cannot connect device '%2$s' to the "
                                 "socket '%3$s': permission to search the directory '%4$s' is missing"),
                               (unsigned int) geteuid(), name, path, dir);
    else if (eaccess(path, W_OK) < 0)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("user %1$u, as which QEMU runs, cannot connect device '%2$s' to the "
                                 "socket '%3$s': permission to write to the socket is missing"),
                               (unsigned int) geteuid(), name, path);
    else
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("QEMU's confinement (SELinux or AppArmor) does not let device '%1$s' "
                                 "connect to the socket '%2$s': a rule or a label for it is required"),
                               name, path);
}


/* Reports that a connection to PATH failed with the errno NUMBER. */
static void
serverReport(const char *path,
             const char *name,
             int number,
             GError **err)
{
    struct stat st;

    if (number == EACCES || number == EPERM) {
        serverReportPermission(path, name, err);
    } else if (number == ENOENT || number == ENOTDIR) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the socket '%1$s' of device '%2$s' does not exist: its vfio-user "
                                 "server must be started before the domain"), path, name);
    } else if (number == ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' of device '%2$s' is not a socket: the socket of a vfio-user "
                                 "server is required"), path, name);
    } else if (number == ECONNREFUSED) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("no server listens at the socket '%1$s' of device '%2$s': its "
                                 "vfio-user server has ended and must be started again"), path, name);
    } else if (number == EPROTOTYPE) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the socket '%1$s' of device '%2$s' is of another type: a stream "
                                 "socket of a vfio-user server is required"), path, name);
    } else {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot connect device '%1$s' to the socket '%2$s': %3$s"),
                               name, path, g_strerror(number));
    }
}


gboolean
launcherServerCheck(const char *path,
                    const char *name,
                    GError **err)
{
    int fd = serverConnect(path, SOCK_DGRAM);
    int number = errno;

    /* Linux looks up the path, checks the permissions, and finds who has bound it, before it
     * compares the types (unix_find_bsd() in net/unix/af_unix.c). */
    if (fd < 0 && number == EPROTOTYPE)
        return TRUE;
    if (fd >= 0)
        number = EPROTOTYPE;
    launcherFdsClose(&fd);
    serverReport(path, name, number, err);
    return FALSE;
}


static void
serverReportAnswer(const char *path,
                   const char *name,
                   const char *why,
                   GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("the server at the socket '%1$s' of device '%2$s' does not speak '%3$s' "
                             "%4$d.%5$d: %6$s"),
                           path, name, "vfio-user", SERVER_MAJOR, SERVER_MINOR, why);
}


/* Reads SIZE bytes until DEADLINE. The kernel closes descriptors in the message. */
static gboolean
serverReadAll(int fd,
              void *buf,
              size_t size,
              gint64 deadline)
{
    char *at = buf;

    while (size > 0) {
        const ssize_t got = launcherChildRead(fd, at, size, deadline);

        if (got <= 0) {
            if (got == 0)
                errno = ECONNRESET;
            return FALSE;
        }
        at += got;
        size -= got;
    }
    return TRUE;
}


/* Checks the server's answer to VERSION. Returns NULL if it is correct, otherwise a message, to be
 * freed with g_free(). */
static char *
serverReadVersion(int fd)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_SERVER_TIMEOUT * INT64_C(1000);
    char rest[LAUNCHER_SERVER_REPLY_MAX];
    ServerHeader header;
    ServerVersion version;

    if (!serverReadAll(fd, &header, sizeof(header), deadline))
        return g_strdup(g_strerror(errno));
    if (header.command != SERVER_COMMAND_VERSION ||
        (header.flags & SERVER_FLAGS_TYPE) != SERVER_FLAGS_REPLY)
        return g_strdup_printf(_("its reply is of another protocol (command %1$u, flags 0x%2$x)"),
                               header.command, header.flags);
    if (header.flags & SERVER_FLAGS_ERROR)
        return g_strdup_printf(_("it refuses this version (%1$s)"), g_strerror((int) header.error));
    if (header.size < sizeof(header) + sizeof(version) || header.size > LAUNCHER_SERVER_REPLY_MAX)
        return g_strdup_printf(_("its reply has %1$u bytes: %2$zu to %3$d are expected"),
                               header.size, sizeof(header) + sizeof(version), LAUNCHER_SERVER_REPLY_MAX);
    if (!serverReadAll(fd, &version, sizeof(version), deadline) ||
        !serverReadAll(fd, rest, header.size - sizeof(header) - sizeof(version), deadline))
        return g_strdup(g_strerror(errno));
    if (version.major != SERVER_MAJOR)
        return g_strdup_printf(_("its version is %1$u.%2$u"), version.major, version.minor);
    return NULL;
}


gboolean
launcherServerNegotiate(const char *path,
                        const char *name,
                        GError **err)
{
    static const char capabilities[] = SERVER_CAPABILITIES;
    const ServerVersion version = { SERVER_MAJOR, SERVER_MINOR };
    const ServerHeader header = {
        .command = SERVER_COMMAND_VERSION,
        .size = sizeof(header) + sizeof(version) + sizeof(capabilities),
    };
    char request[sizeof(header) + sizeof(version) + sizeof(capabilities)];
    g_autofree char *why = NULL;
    int fd = serverConnect(path, SOCK_STREAM);

    if (fd < 0) {
        serverReport(path, name, errno == EAGAIN ? ETIMEDOUT : errno, err);
        return FALSE;
    }

    memcpy(request, &header, sizeof(header));
    memcpy(request + sizeof(header), &version, sizeof(version));
    memcpy(request + sizeof(header) + sizeof(version), capabilities, sizeof(capabilities));
    if (send(fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t) sizeof(request))
        why = g_strdup(g_strerror(errno));
    else
        why = serverReadVersion(fd);
    launcherFdsClose(&fd);

    if (why)
        serverReportAnswer(path, name, why, err);
    return !why;
}
