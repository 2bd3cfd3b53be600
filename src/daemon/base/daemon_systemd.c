/*
 * daemon_systemd.c: socket activation and notification of systemd
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "daemon_systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The maximum number of sockets; the units have two. */
#define SYSTEMD_SOCKETS_MAX 16
#define SYSTEMD_FIRST_FD 3


static guint64
systemdNumber(const char *variable)
{
    const char *value = g_getenv(variable);
    guint64 number = 0;

    if (!value || !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT, &number, NULL))
        return 0;
    return number;
}


int
daemonSystemdSockets(void)
{
    guint64 count = systemdNumber("LISTEN_FDS");
    gboolean forUs = systemdNumber("LISTEN_PID") == (guint64) getpid();
    int i;

    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    if (!forUs)
        return 0;

    count = MIN(count, SYSTEMD_SOCKETS_MAX);
    for (i = 0; i < (int) count; i++) {
        if (fcntl(SYSTEMD_FIRST_FD + i, F_SETFD, FD_CLOEXEC) < 0)
            return i;
    }
    return (int) count;
}


void
daemonSystemdNotify(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    gsize len;
    int fd;

    if (!path || (path[0] != '/' && path[0] != '@'))
        return;

    len = strlen(path);
    if (len >= sizeof(addr.sun_path))
        return;
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@')
        addr.sun_path[0] = '\0';

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &addr,
               offsetof(struct sockaddr_un, sun_path) + len) < 0)
        daemonWarning("systemd", "cannot notify %s: %s", path, g_strerror(errno));
    close(fd);
}
