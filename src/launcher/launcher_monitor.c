/*
 * launcher_monitor.c: makes sure that libvirt shows why QEMU was not started
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_monitor.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The value of libvirt's -chardev option, up to the descriptor's number. */
#define LAUNCHER_MONITOR_CHARDEV "socket,id=charmonitor,fd="

/* QEMU's greeting, see docs/interop/qmp-spec in QEMU; libvirt only reads the name in it. */
#define LAUNCHER_MONITOR_GREETING "{\"QMP\": {\"capabilities\": []}}\r\n"


int
launcherMonitorFind(int argc,
                    char *const *argv)
{
    int i;

    for (i = 1; i + 1 < argc; i++) {
        const char *value = argv[i + 1];
        guint64 fd;
        char *end;

        if (strcmp(argv[i], "-chardev") != 0 || !g_str_has_prefix(value, LAUNCHER_MONITOR_CHARDEV))
            continue;

        value += strlen(LAUNCHER_MONITOR_CHARDEV);
        fd = g_ascii_strtoull(value, &end, 10);
        if (!g_ascii_isdigit(*value) || (*end != ',' && *end != '\0') || fd > G_MAXINT)
            return -1;
        return fd;
    }
    return -1;
}


void
launcherMonitorReplace(char **argv,
                       int fd)
{
    const guint argc = g_strv_length(argv);
    guint i;

    for (i = 1; i + 1 < argc; i++) {
        const char *value = argv[i + 1];
        const char *rest;
        char *replaced;

        if (strcmp(argv[i], "-chardev") != 0 || !g_str_has_prefix(value, LAUNCHER_MONITOR_CHARDEV))
            continue;
        rest = value + strlen(LAUNCHER_MONITOR_CHARDEV);
        rest += strspn(rest, "0123456789");
        replaced = g_strdup_printf(LAUNCHER_MONITOR_CHARDEV "%d%s", fd, rest);
        g_free(argv[i + 1]);
        argv[i + 1] = replaced;
        return;
    }
}


gboolean
launcherMonitorIsListening(int fd)
{
    int listening = 0;
    socklen_t len = sizeof(listening);

    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}


/* Waits for a connection to FD until DEADLINE (as for g_get_monotonic_time()). Returns the
 * connection, or -1. */
static int
launcherMonitorAccept(int fd,
                      gint64 deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    gint64 left;

    while ((left = (deadline - g_get_monotonic_time() + 999) / 1000) > 0) {
        if (poll(&p, 1, MIN(left, G_MAXINT)) > 0)
            return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    }
    return -1;
}


/* Waits until the pipe at standard error is empty, if it is a pipe. */
static void
launcherMonitorDrain(gint64 deadline)
{
    const struct timespec pause = { 0, 1000 * 1000 };
    struct stat st;
    int left;

    if (fstat(STDERR_FILENO, &st) < 0 || !S_ISFIFO(st.st_mode))
        return;

    while (ioctl(STDERR_FILENO, FIONREAD, &left) == 0 && left > 0 &&
           g_get_monotonic_time() < deadline)
        nanosleep(&pause, NULL);
}


void
launcherMonitorWait(int fd,
                    int timeout)
{
    const gint64 deadline = g_get_monotonic_time() + timeout * INT64_C(1000);
    const char greeting[] = LAUNCHER_MONITOR_GREETING;
    char buf[512];
    int client;

    if (!launcherMonitorIsListening(fd) || (client = launcherMonitorAccept(fd, deadline)) < 0)
        return;

    /* The command need not be read completely: libvirt notices the end of the connection either
     * way. MSG_NOSIGNAL is required because libvirt may have closed it already. */
    if (send(client, greeting, strlen(greeting), MSG_NOSIGNAL) == (ssize_t) strlen(greeting))
        (void) launcherChildRead(client, buf, sizeof(buf), deadline);
    launcherMonitorDrain(deadline);
    launcherFdsClose(&client);
}
