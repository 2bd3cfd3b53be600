/*
 * emulator_listen.c: pci-emulator --listen, one emulator for several domains
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_listen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator_log.h"
#include "emulator_socket.h"
#include "gettext.h"
#include "ignore-value.h"
#include "pass_descriptors.h"

#define _(s) gettext(s)

typedef struct {
    char path[sizeof(((EmulatorOptions *) 0)->listenPath)];
    int fd;                     /* the control socket */
    int signals;                /* SIGTERM, SIGINT, SIGCHLD */
    sigset_t before;            /* the previous signal mask */
    size_t ndomains;            /* the number of child processes */
} EmulatorListener;


/* The directory below the user's runtime directory */
static int
formatRuntimeDir(char *path,
                 size_t size)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int len;

    if (dir && *dir == '/')
        len = snprintf(path, size, "%s/emulatedpci", dir);
    else if (geteuid() == 0)
        len = snprintf(path, size, "/run/emulatedpci");
    else
        len = snprintf(path, size, "/run/user/%u/emulatedpci", (unsigned int) geteuid());

    return len < (int) size ? 0 : -1;
}


/* Returns the path at which a launcher looks for the emulator with this process's id, in a
 * directory that only its user can write to. */
static int
makeDefaultPath(EmulatorListener *listener)
{
    const mode_t mode = geteuid() == 0 ? 0755 : 0700;
    char dir[sizeof(listener->path) - sizeof("/2147483647.sock")];
    struct stat sb;

    if (formatRuntimeDir(dir, sizeof(dir)) < 0) {
        emulatorLog(_("--listen: XDG_RUNTIME_DIR is too long"));
        return -1;
    }

    if (mkdir(dir, mode) < 0 && errno != EEXIST) {
        emulatorLog(_("--listen: cannot create the directory '%1$s': %2$s"), dir, strerror(errno));
        return -1;
    }
    if (lstat(dir, &sb) < 0 || !S_ISDIR(sb.st_mode) || sb.st_uid != geteuid() ||
        (sb.st_mode & (S_IWGRP | S_IWOTH))) {
        emulatorLog(_("--listen: '%1$s' is not a directory that only its user can write to"), dir);
        return -1;
    }
    snprintf(listener->path, sizeof(listener->path), "%s/%d.sock", dir, (int) getpid());
    return 0;
}


static int
listenerOpen(EmulatorListener *listener,
             const EmulatorOptions *options)
{
    /* All users that can be allowed must be able to connect; the user is checked afterwards. */
    const mode_t mode = options->nallowed > 0 ? 0666 : 0600;
    struct stat sb;
    sigset_t mask;

    memcpy(listener->path, options->listenPath, sizeof(listener->path));
    if (!*listener->path && makeDefaultPath(listener) < 0)
        return -1;

    /* Removes the socket of an emulator with the same id that was killed. */
    if (!*options->listenPath && lstat(listener->path, &sb) == 0 && S_ISSOCK(sb.st_mode))
        unlink(listener->path);

    listener->fd = emulatorSocketListen(listener->path, SOCK_SEQPACKET, mode);
    if (listener->fd < 0) {
        emulatorLog(_("--listen: cannot listen on '%1$s': %2$s"), listener->path, strerror(errno));
        return -1;
    }

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &mask, &listener->before) < 0 ||
        (listener->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
        emulatorLog(_("--listen: cannot wait for signals: %1$s"), strerror(errno));
        unlink(listener->path);
        return -1;
    }
    return 0;
}


static bool
userIsAllowed(const EmulatorOptions *options,
              uid_t uid)
{
    size_t i;

    for (i = 0; i < options->nallowed; i++) {
        if (options->allowed[i] == uid)
            return true;
    }
    return uid == 0 || uid == geteuid();
}


/* Sends one line of at most EMULATOR_LISTEN_MESSAGE_MAX bytes, in which control characters are
 * replaced by '?'. The line is dropped if the peer does not read it. */
__attribute__((format(printf, 2, 3))) static void
answer(int fd,
       const char *format, ...)
{
    char line[EMULATOR_LISTEN_MESSAGE_MAX];
    size_t len;
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof(line) - 1, format, ap);
    va_end(ap);

    for (len = 0; line[len]; len++) {
        if ((unsigned char) line[len] < 0x20 || line[len] == 0x7f)
            line[len] = '?';
    }
    line[len++] = '\n';
    ignore_value(send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}


/* Receives one message into TEXT, with a terminating NUL, and its descriptor into *PASSED. Returns
 * its length, 0 at the end, or -1 on failure; *PASSED is -1 then. */
static ssize_t
receive(int fd,
        char text[EMULATOR_LISTEN_MESSAGE_MAX + 1],
        int *passed)
{
    size_t n = 1;
    const ssize_t got = passDescriptorsReceive(fd, text, EMULATOR_LISTEN_MESSAGE_MAX, passed, &n, MSG_TRUNC);

    if (n == 0)
        *passed = -1;
    if (got < 0)
        return -1;
    if (got > EMULATOR_LISTEN_MESSAGE_MAX) {
        if (*passed >= 0)
            close(*passed);
        *passed = -1;
        errno = EMSGSIZE;
        return -1;
    }
    text[got] = '\0';
    return got;
}


/* Stores FD, the socket of a message without a device, through which registers are requested.
 * Takes ownership of FD. Returns 0, or -1 with ERROR set. */
static int
addState(EmulatorOptions *domain,
         int fd,
         EmulatorDeviceError *error)
{
    if (domain->stateFd >= 0 || domain->ndevices > 0) {
        snprintf(error->text, sizeof(error->text), "%s",
                 _("'state' is allowed once, before all devices"));
        close(fd);
        return -1;
    }
    domain->stateFd = fd;
    return 0;
}


/* Adds the device of one message. Takes ownership of FD. */
static int
addDevice(EmulatorOptions *domain,
          char *text,
          size_t len,
          int fd,
          EmulatorDeviceError *error)
{
    EmulatorDeviceOptions *device;

    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';

    if (fd < 0) {
        snprintf(error->text, sizeof(error->text), "%s",
                 _("a message requires one descriptor, the device's socket"));
        return -1;
    }
    if (strlen(text) != len || domain->ndevices == EMULATOR_DEVICES_MAX) {
        snprintf(error->text, sizeof(error->text), "%s",
                 strlen(text) != len ? _("a message must be text") : _("too many devices"));
        close(fd);
        return -1;
    }

    if (strcmp(text, "state") == 0)
        return addState(domain, fd, error);

    device = &domain->devices[domain->ndevices];
    if (emulatorDeviceOptionsParse(device, text, fd, error) < 0) {
        close(fd);
        return -1;
    }
    domain->ndevices++;
    return 0;
}


/* Receives the devices of a domain and serves them, in a child process. */
static int
domainRun(const EmulatorOptions *options,
          int fd,
          int (*serve)(EmulatorOptions *domain))
{
    const struct timeval timeout = { .tv_sec = EMULATOR_LISTEN_TIMEOUT };
    EmulatorOptions domain = *options;
    char text[EMULATOR_LISTEN_MESSAGE_MAX + 1];
    EmulatorDeviceError error;
    ssize_t got;
    int passed;

    domain.readyFd = -1;
    domain.stateFd = -1;
    domain.ndevices = 0;
    domain.devices = calloc(EMULATOR_DEVICES_MAX, sizeof(*domain.devices));
    if (!domain.devices || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
        answer(fd, "error: %s", strerror(errno));
        return EXIT_FAILURE;
    }

    while ((got = receive(fd, text, &passed)) > 0) {
        if (addDevice(&domain, text, got, passed, &error) < 0)
            answer(fd, "error: %s", error.text);
        else
            answer(fd, "ok");
    }
    if (got < 0) {
        emulatorLog(_("--listen: cannot receive the devices of a domain: %1$s"), strerror(errno));
        answer(fd, "error: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    close(fd);

    return domain.ndevices > 0 ? serve(&domain) : EXIT_SUCCESS;
}


static void
listenerFork(EmulatorListener *listener,
             const EmulatorOptions *options,
             int fd,
             int (*serve)(EmulatorOptions *domain))
{
    const pid_t pid = fork();

    if (pid == 0) {
        close(listener->fd);
        close(listener->signals);
        sigprocmask(SIG_SETMASK, &listener->before, NULL);
        exit(domainRun(options, fd, serve));
    }
    if (pid < 0) {
        emulatorLog(_("--listen: cannot start a process: %1$s"), strerror(errno));
        answer(fd, "error: %s", strerror(errno));
        return;
    }
    listener->ndomains++;
}


/* Accepts one connection. Returns false if that is not possible now; it remains in the backlog. */
static bool
listenerAccept(EmulatorListener *listener,
               const EmulatorOptions *options,
               int (*serve)(EmulatorOptions *domain))
{
    struct ucred peer = { .uid = (uid_t) -1 };
    socklen_t len = sizeof(peer);
    const int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        !userIsAllowed(options, peer.uid)) {
        emulatorLog(_("--listen: user %1$u is not permitted to attach"), (unsigned int) peer.uid);
        answer(fd, "error: user %u is not permitted", (unsigned int) peer.uid);
    } else if (listener->ndomains == EMULATOR_DOMAINS_MAX) {
        emulatorLog(_("--listen: more than %1$d domains"), EMULATOR_DOMAINS_MAX);
        answer(fd, "error: more than %d domains", EMULATOR_DOMAINS_MAX);
    } else {
        listenerFork(listener, options, fd, serve);
    }
    close(fd);
    return true;
}


/* Handles pending signals. Returns whether the process continues. */
static bool
listenerHandleSignals(EmulatorListener *listener)
{
    struct signalfd_siginfo info;
    bool goOn = true;

    while (read(listener->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD)
            goOn = false;
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        listener->ndomains--;

    return goOn;
}


/* Serves until a signal ends it. */
static void
listenerRun(EmulatorListener *listener,
            const EmulatorOptions *options,
            int (*serve)(EmulatorOptions *domain))
{
    struct pollfd fds[] = {
        { .fd = listener->signals, .events = POLLIN },
        { .fd = listener->fd, .events = POLLIN },
    };
    bool failed = false;

    for (;;) {
        /* A connection that cannot be accepted would wake poll() at once. */
        fds[1].fd = failed ? -1 : listener->fd;
        if (poll(fds, 2, failed ? EMULATOR_LISTEN_ACCEPT_PAUSE : -1) < 0 && errno != EINTR)
            break;
        failed = false;
        if (fds[0].revents && !listenerHandleSignals(listener))
            break;
        if (fds[1].revents && !listenerAccept(listener, options, serve)) {
            emulatorLog(_("--listen: cannot accept a connection: %1$s"), strerror(errno));
            failed = true;
        }
    }
}


int
emulatorListenRun(const EmulatorOptions *options,
                  int (*serve)(EmulatorOptions *domain))
{
    EmulatorListener listener = { .fd = -1, .signals = -1 };

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    if (listenerOpen(&listener, options) < 0)
        return -1;

    if (options->readyFd >= 0) {
        ignore_value(write(options->readyFd, "", 1));
        close(options->readyFd);
    }

    listenerRun(&listener, options, serve);
    unlink(listener.path);
    return 0;
}
