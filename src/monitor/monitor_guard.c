/*
 * monitor_guard.c: the process that replaces a worker of the relay that was killed
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"
#include "ignore-value.h"
#include "monitor_starter.h"
#include "monitor_worker.h"

#define _(s) gettext(s)

/* The number of the system call is the same on all architectures. */
#ifndef SYS_pidfd_open
# define SYS_pidfd_open 434
#endif

typedef struct {
    const MonitorOptions *options;
    MonitorSession session;
    SandboxProgram sandbox;
    int alive[2];               /* a pipe; only the guard has the write end */
    unsigned long emulators;    /* the number of emulators that were requested */
    unsigned int failures;      /* consecutive failures of workers */
    uint64_t moved;             /* bytes that all workers have moved, at the last check */
} Guard;


static void
guardClose(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}


static void
guardSleep(int milliseconds)
{
    const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

    nanosleep(&pause, NULL);
}


/* Waits up to TIMEOUT milliseconds. Returns whether FD is readable or at its end. */
static bool
guardWaitFor(int fd,
             int timeout)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };

    return poll(&pfd, 1, timeout) == 1;
}


/* Sleeps after a failure, longer after each consecutive one. */
static void
guardPause(Guard *guard)
{
    int pause = MONITOR_GUARD_PAUSE_MIN;
    unsigned int n = guard->failures++;

    if (n < MONITOR_GUARD_FAILURES)
        return;
    for (; n > MONITOR_GUARD_FAILURES && pause < MONITOR_GUARD_PAUSE_MAX; n--)
        pause *= 2;
    guardSleep(pause < MONITOR_GUARD_PAUSE_MAX ? pause : MONITOR_GUARD_PAUSE_MAX);
}


static uint64_t
guardMoved(const Guard *guard)
{
    const MonitorStatus *status = guard->session.status;

    return status->flow[0].moved + status->flow[1].moved;
}


/* Returns whether there are bytes that a worker could move now. */
static bool
guardIsWaiting(const Guard *guard,
               MonitorDirection direction)
{
    const bool toQEMU = direction == MONITOR_TO_QEMU;
    struct pollfd fds[] = {
        { .fd = toQEMU ? guard->session.libvirt : guard->session.qemu, .events = POLLIN },
        { .fd = toQEMU ? guard->session.qemu : guard->session.libvirt, .events = POLLOUT },
    };

    return poll(fds, 2, 0) == 2 && !guard->session.status->flow[direction].held &&
        guard->session.status->attach.state == MONITOR_ATTACH_NONE;
}


/* Waits until the worker PID exits, and kills it if it makes no progress. Returns its status. */
static int
guardWaitForWorker(Guard *guard,
                   pid_t pid)
{
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    uint64_t moved = guardMoved(guard);
    unsigned int looks = 0;
    int status = 0;

    while (pidfd >= 0 && !guardWaitFor(pidfd, MONITOR_GUARD_INTERVAL)) {
        const bool stuck = guardMoved(guard) == moved &&
            (guardIsWaiting(guard, MONITOR_TO_QEMU) || guardIsWaiting(guard, MONITOR_TO_LIBVIRT));

        moved = guardMoved(guard);
        looks = stuck ? looks + 1 : 0;
        if (looks == MONITOR_GUARD_LOOKS) {
            emulatorLog(_("the monitor's process has stopped: replacing it"));
            kill(pid, SIGKILL);
        }
    }
    guardClose(&pidfd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}


/* The main function of a worker. */
__attribute__((noreturn)) static void
guardServe(Guard *guard)
{
    int epfd;

    guardClose(&guard->alive[1]);
    epfd = monitorWorkerOpen(&guard->session);
    if (epfd < 0 || sandboxApply(&guard->sandbox) < 0)
        _exit(MONITOR_EXIT_FAILURE);
    _exit(monitorWorkerRun(&guard->session, epfd));
}


/* Handles the request of a worker, which is its exit status. Returns whether another worker is
 * required. */
static bool
guardFollow(Guard *guard,
            int status)
{
    MonitorAttach *attach = &guard->session.status->attach;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : MONITOR_EXIT_FAILURE;

    switch (code) {
    case MONITOR_EXIT_END:
        return false;

    case MONITOR_EXIT_ATTACH:
        guardClose(&guard->session.link);
        if (attach->state != MONITOR_ATTACH_REQUESTED)
            break;
        guard->session.link = monitorStarterRun(guard->options, attach, ++guard->emulators);
        attach->state = MONITOR_ATTACH_ANSWERED;
        return true;

    case MONITOR_EXIT_RELEASE:
        guardClose(&guard->session.link);
        if (attach->state == MONITOR_ATTACH_RELEASE)
            attach->state = MONITOR_ATTACH_NONE;
        return true;

    default:
        break;
    }

    if (guardMoved(guard) != guard->moved)
        guard->failures = 0;
    guard->moved = guardMoved(guard);
    if (WIFSIGNALED(status))
        emulatorLog(_("replacing the monitor's process, which was killed by signal %1$d"),
                    WTERMSIG(status));
    guardPause(guard);
    return true;
}


/* Relays between the two connections until one of them ends. */
static void
guardRelay(Guard *guard)
{
    memset(guard->session.status, 0, sizeof(*guard->session.status));
    guard->failures = 0;
    guard->moved = 0;

    for (;;) {
        const pid_t pid = fork();

        if (pid == 0)
            guardServe(guard);
        if (pid < 0) {
            guard->failures += MONITOR_GUARD_FAILURES;
            guardPause(guard);
            continue;
        }
        if (!guardFollow(guard, guardWaitForWorker(guard, pid)))
            return;
    }
}


/* Returns a connection to QEMU's monitor, or -1. */
static int
guardConnect(const Guard *guard)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    memcpy(address.sun_path, guard->options->path, strlen(guard->options->path));
    for (;;) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
            return fd;
        guardClose(&fd);

        /* QEMU's backlog is full, or the host lacks memory or descriptors. */
        if ((errno != EAGAIN && errno != EINTR && errno != EMFILE && errno != ENFILE &&
             errno != ENOMEM && errno != ENOBUFS) || guardWaitFor(guard->options->qemuFd, 0))
            return -1;
        guardSleep(MONITOR_GUARD_PAUSE_MIN);
    }
}


/* Waits until QEMU's log is complete: libvirt reads it when its connection ends before QEMU has
 * started. */
static void
guardWaitForLog(const Guard *guard)
{
    const MonitorOptions *options = guard->options;

    if (options->logFd >= 0 && guardWaitFor(options->qemuFd, MONITOR_GUARD_PAUSE_MAX))
        guardWaitFor(options->logFd, MONITOR_GUARD_LOG_TIMEOUT);
}


/* Accepts a connection of libvirt and serves it. */
static void
guardAccept(Guard *guard)
{
    MonitorSession *session = &guard->session;

    session->libvirt = accept4(guard->options->listenFd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (session->libvirt < 0) {
        if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
            guardSleep(MONITOR_GUARD_PAUSE_MIN);
        return;
    }
    session->qemu = guardConnect(guard);
    if (session->qemu >= 0)
        guardRelay(guard);
    guardClose(&session->qemu);
    guardClose(&session->link);
    guardWaitForLog(guard);
    guardClose(&session->libvirt);
}


/* Creates the socket that shows that this process runs. Without it, no device can be attached. */
static void
guardMark(const MonitorOptions *options)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;
    int n;

    if (!options->name || !options->launcher)
        return;
    n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, MONITOR_GUARD_MARKER "%s/%d",
                 options->name, (int) getpid());
    if (n < 0 || (size_t) n >= sizeof(address.sun_path) - 1)
        return;

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address,
                       offsetof(struct sockaddr_un, sun_path) + 1 + n) < 0 || listen(fd, 1) < 0) {
        emulatorLog(_("devices cannot be attached while the domain is running: cannot create a "
                      "socket: %1$s"), strerror(errno));
        guardClose(&fd);
    }
}


/* Gives up privileges that neither the guard nor a worker requires. Returns 0, or -1 with errno
 * set. */
static int
guardConfine(Guard *guard)
{
    const struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        sandboxPrepare(&guard->sandbox, SANDBOX_ROLE_SERVE, guard->options->filter, -1, 0) < 0)
        return -1;
    return pipe2(guard->alive, O_CLOEXEC);
}


/* Waits until QEMU runs. Returns FALSE if it will not. */
static bool
guardWaitForQEMU(const MonitorOptions *options)
{
    char byte;
    ssize_t got = 0;

    if (options->gateFd < 0)
        return true;
    do {
        got = read(options->gateFd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    close(options->gateFd);
    return got == 0;
}


int
monitorGuardRun(const MonitorOptions *options)
{
    static Guard guard;

    guard = (Guard) {
        .options = options,
        .session = { .libvirt = -1, .qemu = -1, .guard = -1, .link = -1 },
        .alive = { -1, -1 },
    };
    guard.session.status = mmap(NULL, sizeof(MonitorStatus), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (guard.session.status == MAP_FAILED || guardConfine(&guard) < 0 ||
        strlen(options->path) >= sizeof(((struct sockaddr_un *) NULL)->sun_path)) {
        emulatorLog(_("cannot start the monitor's process: %1$s"), strerror(errno));
        return EXIT_FAILURE;
    }
    guard.session.guard = guard.alive[0];

    guardMark(options);
    if (options->readyFd >= 0) {
        ignore_value(write(options->readyFd, "", 1));
        close(options->readyFd);
    }
    if (!guardWaitForQEMU(options))
        return EXIT_SUCCESS;

    for (;;) {
        struct pollfd fds[] = {
            { .fd = options->listenFd, .events = POLLIN },
            { .fd = options->qemuFd, .events = POLLIN },
        };

        if (poll(fds, 2, -1) < 0) {
            guardSleep(MONITOR_GUARD_PAUSE_MIN);
            continue;
        }
        /* A connection that waits is also told when QEMU exits. */
        if (fds[0].revents)
            guardAccept(&guard);
        else if (fds[1].revents)
            break;
    }
    unlink(options->path);
    return EXIT_SUCCESS;
}
