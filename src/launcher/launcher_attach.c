/*
 * launcher_attach.c: attaches devices to a running emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_attach.h"
#include "launcher_emulator.h"
#include "launcher_fds.h"
#include "pass_descriptors.h"

#include "gettext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)

#define LAUNCHER_ATTACH_ANSWER_MAX 1024


/* Returns the possible paths of the control socket, in the order in which they are tried. */
static char **
launcherAttachGetPaths(pid_t pid)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    GPtrArray *paths = g_ptr_array_new();

    if (runtime && *runtime == '/')
        g_ptr_array_add(paths, g_strdup_printf("%s/emulatedpci/%d.sock", runtime, (int) pid));
    g_ptr_array_add(paths, g_strdup_printf("/run/user/%u/emulatedpci/%d.sock",
                                           (unsigned int) geteuid(), (int) pid));
    g_ptr_array_add(paths, g_strdup_printf("/run/emulatedpci/%d.sock", (int) pid));
    g_ptr_array_add(paths, NULL);
    return (char **) g_ptr_array_free(paths, FALSE);
}


/* Returns a connection to PATH, or -1 with errno set. */
static int
launcherAttachOpen(const char *path)
{
    const struct timeval timeout = {
        .tv_sec = LAUNCHER_ATTACH_TIMEOUT / 1000,
        .tv_usec = LAUNCHER_ATTACH_TIMEOUT % 1000 * 1000,
    };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        launcherFdsClose(&fd);
    return fd;
}


/* Returns a connection to the emulator PID, or -1 with ERR set. */
static int
launcherAttachConnect(pid_t pid,
                      GError **err)
{
    g_auto(GStrv) paths = launcherAttachGetPaths(pid);
    int cause = ENOENT;
    int fd = -1;
    size_t i;

    for (i = 0; paths[i] && fd < 0; i++) {
        fd = launcherAttachOpen(paths[i]);
        if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
            cause = errno;
    }
    if (fd < 0)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot attach to the PCI device emulator with pid %1$d: %2$s; "
                                 "a running 'pci-emulator --listen' is required"),
                               (int) pid, g_strerror(cause));
    return fd;
}


/* Checks that the peer of FD is the expected process, and that its user could control QEMU in any
 * case. */
static gboolean
launcherAttachVerify(int fd,
                     pid_t pid,
                     GError **err)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot attach to the PCI device emulator with pid %1$d: %2$s; "
                                 "a running 'pci-emulator --listen' is required"),
                               (int) pid, g_strerror(errno));
        return FALSE;
    }
    if (peer.pid != pid) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the socket of the PCI device emulator with pid %1$d belongs to "
                                 "another process, with pid %2$d"),
                               (int) pid, (int) peer.pid);
        return FALSE;
    }
    if (peer.uid != 0 && peer.uid != geteuid()) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator with pid %1$d runs as user %2$u: "
                                 "user %3$u or root is required"),
                               (int) pid, (unsigned int) peer.uid, (unsigned int) geteuid());
        return FALSE;
    }
    return TRUE;
}


/* Reads one answer into LINE, without the line break. Returns FALSE with errno set if there is
 * none. If an emulator refuses without reading the request, the connection is reset: the socket
 * reports that once, and then returns the answer. */
static gboolean
launcherAttachReceive(int fd,
                      char *line,
                      size_t size)
{
    ssize_t got;

    got = TEMP_FAILURE_RETRY(recv(fd, line, size - 1, 0));
    if (got < 0 && errno == ECONNRESET)
        got = TEMP_FAILURE_RETRY(recv(fd, line, size - 1, 0));

    if (got <= 0) {
        if (got == 0)
            errno = ECONNRESET;
        else if (errno == EAGAIN)
            errno = ETIMEDOUT;
        return FALSE;
    }
    line[got] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return TRUE;
}


static gboolean
launcherAttachDevice(int fd,
                     pid_t pid,
                     const QEMUProps *props,
                     const LauncherSocket *link,
                     GError **err)
{
    g_autofree char *text = launcherEmulatorFormatDevice(props);
    char line[LAUNCHER_ATTACH_ANSWER_MAX];

    /* An emulator that has closed the connection may have sent the reason before. */
    if ((passDescriptorsSend(fd, text, strlen(text), &link->theirs, 1, 0) < 0 && errno != EPIPE) ||
        !launcherAttachReceive(fd, line, sizeof(line))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator with pid %1$d does not answer: %2$s"),
                               (int) pid, g_strerror(errno));
        return FALSE;
    }
    if (strcmp(line, "ok") != 0) {
        g_autofree char *shown = emulatedPCIErrorQuote(line);

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator with pid %1$d refuses device '%2$s': %3$s"),
                               (int) pid, props->fields.devicename,
                               g_str_has_prefix(shown, "error: ") ? shown + strlen("error: ") : shown);
        return FALSE;
    }
    return TRUE;
}


/* Sends the emulator the socket STATE, through which registers are requested. Returns whether it
 * accepts it. An emulator that does not know this message refuses it and continues. */
static gboolean
launcherAttachState(int fd,
                    int state)
{
    char line[LAUNCHER_ATTACH_ANSWER_MAX];

    return state >= 0 && passDescriptorsSend(fd, "state", strlen("state"), &state, 1, 0) >= 0 &&
        launcherAttachReceive(fd, line, sizeof(line)) && strcmp(line, "ok") == 0;
}


gboolean
launcherAttach(pid_t pid,
               QEMUProps *const *props,
               LauncherSocket *const *sockets,
               size_t n,
               int state,
               gboolean *travels,
               GError **err)
{
    int fd = launcherAttachConnect(pid, err);
    gboolean ok = fd >= 0 && launcherAttachVerify(fd, pid, err);
    size_t i;

    *travels = ok && launcherAttachState(fd, state);

    for (i = 0; i < n; i++) {
        ok = ok && (!sockets[i]->path || launcherSocketListen(sockets[i], err)) &&
            launcherAttachDevice(fd, pid, props[i], sockets[i], err);
        launcherFdsClose(&sockets[i]->theirs);
    }
    launcherFdsClose(&fd);
    return ok;
}
