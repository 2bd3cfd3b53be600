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
#include <sched.h>
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
#include "pass_descriptors.h"

#define _(s) gettext(s)

/* These numbers are the same on all architectures. */
#ifndef SYS_pidfd_open
# define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
# define SYS_pidfd_send_signal 424
#endif
#ifndef CLONE_PIDFD
# define CLONE_PIDFD 0x00001000
#endif

/* The phase of the guard. The comment names the event that ends it. */
typedef enum {
    GUARD_IDLE = 0,             /* libvirt connects, or QEMU ends */
    GUARD_ACCEPTED,             /* QEMU's monitor accepts a connection */
    GUARD_RELAYING,             /* one of both connections ends */
    GUARD_ENDING,               /* the connections are closed */
} GuardPhase;

/* The data that the deputy requires to continue as the guard. Both share this memory and one table
 * of descriptors. A worker shares neither. */
typedef struct {
    MonitorSession session;     /* its guard is the worker's end of CONTROL */
    SandboxProgram sandbox;
    volatile uint32_t phase;    /* GuardPhase */
    volatile uint32_t over;     /* the guard exits and must not be replaced */
    int marker;                 /* the socket of guardMark(), or -1 */
    int control;                /* the guard's end of the socket to the worker */
    int self;                   /* a pidfd of the guard */
    int deputy;                 /* a pidfd of the deputy, or -1 */
    pid_t deputyPid;
    int worker;                 /* a pidfd of the worker, or -1 */
    pid_t workerPid;            /* 0 if it is not a child of this guard */
    MonitorStarter starter;
    volatile uint32_t untold;   /* the worker has not been notified of the answer */
    unsigned int failures;      /* consecutive failures of workers */
    uint64_t moved;             /* the number of bytes moved, at the last check */
} GuardMemory;

/* The guard, or its deputy */
typedef struct {
    const MonitorOptions *options;
    GuardMemory *memory;
} Guard;


static void
guardClose(int *fd)
{
    const int number = *fd;

    *fd = -1;
    if (number >= 0)
        close(number);
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
guardPause(GuardMemory *memory)
{
    int pause = MONITOR_GUARD_PAUSE_MIN;
    unsigned int n = memory->failures++;

    if (n < MONITOR_GUARD_FAILURES)
        return;
    for (; n > MONITOR_GUARD_FAILURES && pause < MONITOR_GUARD_PAUSE_MAX; n--)
        pause *= 2;
    guardSleep(pause < MONITOR_GUARD_PAUSE_MAX ? pause : MONITOR_GUARD_PAUSE_MAX);
}


/* Forks with the FLAGS of clone(). The kernel sets PIDFD within the system call. */
static pid_t
guardFork(unsigned long flags,
          int *pidfd)
{
#ifdef __s390__
    return syscall(SYS_clone, 0, flags | CLONE_PIDFD | SIGCHLD, pidfd, 0, 0);
#else
    return syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
#endif
}


/* Waits until the process PID exits, and closes PIDFD. Returns its status; 0 if it is not a child of
 * this process. */
static int
guardReap(pid_t pid,
          int *pidfd)
{
    int status = 0;

    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    guardClose(pidfd);
    return status;
}


static void
guardKill(int pidfd)
{
    ignore_value(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
}


/* --- the worker --- */

static uint64_t
guardMoved(const GuardMemory *memory)
{
    const MonitorStatus *status = memory->session.status;

    return status->flow[0].moved + status->flow[1].moved;
}


/* Returns whether there are bytes that a worker could move now. */
static bool
guardIsWaiting(const MonitorSession *session,
               MonitorDirection direction)
{
    const bool toQEMU = direction == MONITOR_TO_QEMU;
    struct pollfd fds[] = {
        { .fd = toQEMU ? session->libvirt : session->qemu, .events = POLLIN },
        { .fd = toQEMU ? session->qemu : session->libvirt, .events = POLLOUT },
    };

    return poll(fds, 2, 0) == 2 && !session->status->flow[direction].held &&
        session->status->attach.state == MONITOR_ATTACH_NONE;
}


/* The main function of a worker. */
__attribute__((noreturn)) static void
guardServe(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    static SandboxProgram sandbox;
    static MonitorSession session;
    int epfd;

    /* The worker processes the data of others. It must not be able to change the guard's data. */
    sandbox = memory->sandbox;
    session = memory->session;
    close(memory->control);
    if (memory->starter.fd >= 0)
        close(memory->starter.fd);
    if (guard->options->stateFd >= 0)
        close(guard->options->stateFd);
    munmap(memory, sizeof(*memory));

    epfd = monitorWorkerOpen(&session);
    if (epfd < 0 || sandboxApply(&sandbox) < 0)
        _exit(MONITOR_EXIT_FAILURE);
    _exit(monitorWorkerRun(&session, epfd));
}


/* Starts a worker. Returns false on failure. */
static bool
guardStartWorker(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    const pid_t pid = guardFork(0, &memory->worker);

    if (pid == 0)
        guardServe(guard);
    if (pid > 0) {
        memory->workerPid = pid;
        return true;
    }
    memory->failures += MONITOR_GUARD_FAILURES;
    guardPause(memory);
    return false;
}


/* Notifies the worker of the answer, and sends the socket for QEMU. */
static void
guardTell(GuardMemory *memory)
{
    const int link = memory->session.link;

    /* A new worker starts with the answer. */
    if (passDescriptorsSend(memory->control, "", 1, &link, link >= 0, MSG_DONTWAIT) < 0)
        guardKill(memory->worker);
    memory->untold = false;
}


/* Handles the request of a worker. */
static void
guardFollow(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    MonitorAttach *attach = &memory->session.status->attach;
    const uint32_t state = attach->state;

    /* The previous command has ended. */
    if (state == MONITOR_ATTACH_NONE || state == MONITOR_ATTACH_REQUESTED)
        guardClose(&memory->session.link);
    if (state != MONITOR_ATTACH_REQUESTED)
        return;
    memory->session.link = monitorStarterRun(guard->options, &memory->starter, attach);
    memory->untold = true;
    attach->state = MONITOR_ATTACH_ANSWERED;
}


/* Removes the notifications of workers. */
static void
guardDrain(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
        ;
}


/* Waits until the worker sends a notification, or the worker or the deputy exits. Kills a worker that
 * makes no progress. */
static void
guardWaitForWorker(GuardMemory *memory)
{
    struct pollfd fds[] = {
        { .fd = memory->worker, .events = POLLIN },
        { .fd = memory->control, .events = POLLIN },
        { .fd = memory->deputy, .events = POLLIN },
    };
    uint64_t moved = guardMoved(memory);
    unsigned int looks = 0;

    while (poll(fds, 3, MONITOR_GUARD_INTERVAL) == 0) {
        const bool stuck = guardMoved(memory) == moved &&
            (guardIsWaiting(&memory->session, MONITOR_TO_QEMU) ||
             guardIsWaiting(&memory->session, MONITOR_TO_LIBVIRT));

        moved = guardMoved(memory);
        looks = stuck ? looks + 1 : 0;
        if (looks == MONITOR_GUARD_LOOKS) {
            emulatorLog(_("the monitor's process has stopped: replacing it"));
            guardKill(memory->worker);
        }
    }
}


/* Handles the exit of the worker. Another one is required unless the connection has ended. */
static void
guardReplaceWorker(GuardMemory *memory)
{
    const int status = guardReap(memory->workerPid, &memory->worker);

    if (memory->session.status->ended) {
        memory->phase = GUARD_ENDING;
        return;
    }
    if (guardMoved(memory) != memory->moved)
        memory->failures = 0;
    memory->moved = guardMoved(memory);
    if (WIFSIGNALED(status))
        emulatorLog(_("replacing the monitor's process, which was killed by signal %1$d"),
                    WTERMSIG(status));
    guardPause(memory);
}


static void
guardRelay(const Guard *guard)
{
    GuardMemory *memory = guard->memory;

    if (memory->worker < 0 && !guardStartWorker(guard))
        return;
    guardFollow(guard);
    if (memory->untold)
        guardTell(memory);
    guardWaitForWorker(memory);
    guardDrain(memory->control);
    if (guardWaitFor(memory->worker, 0))
        guardReplaceWorker(memory);
}


/* --- the connections --- */

/* Returns a connection to QEMU's monitor, or -1. */
static int
guardConnect(const MonitorOptions *options)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    memcpy(address.sun_path, options->path, strlen(options->path));
    for (;;) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
            return fd;
        guardClose(&fd);

        /* QEMU's backlog is full, or the host lacks memory or descriptors. */
        if ((errno != EAGAIN && errno != EINTR && errno != EMFILE && errno != ENFILE &&
             errno != ENOMEM && errno != ENOBUFS) || guardWaitFor(options->qemuFd, 0))
            return -1;
        guardSleep(MONITOR_GUARD_PAUSE_MIN);
    }
}


/* Waits until QEMU's log is complete: libvirt reads it when its connection ends before QEMU has
 * started. */
static void
guardWaitForLog(const MonitorOptions *options)
{
    if (options->logFd >= 0 && guardWaitFor(options->qemuFd, MONITOR_GUARD_PAUSE_MAX))
        guardWaitFor(options->logFd, MONITOR_GUARD_LOG_TIMEOUT);
}


/* Waits for a connection of libvirt. Returns false if QEMU has exited. */
static bool
guardAccept(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    struct pollfd fds[] = {
        { .fd = guard->options->listenFd, .events = POLLIN },
        { .fd = guard->options->qemuFd, .events = POLLIN },
        { .fd = memory->deputy, .events = POLLIN },
    };
    int fd;

    if (poll(fds, 3, -1) < 0) {
        guardSleep(MONITOR_GUARD_PAUSE_MIN);
        return true;
    }
    /* A pending connection is accepted even if QEMU has exited, so that libvirt notices the exit. */
    if (!fds[0].revents)
        return !fds[1].revents;

    fd = accept4(guard->options->listenFd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        memory->session.libvirt = fd;
        memory->phase = GUARD_ACCEPTED;
    } else if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED) {
        guardSleep(MONITOR_GUARD_PAUSE_MIN);
    }
    return true;
}


static void
guardBegin(const Guard *guard)
{
    GuardMemory *memory = guard->memory;

    memory->session.qemu = guardConnect(guard->options);
    memset(memory->session.status, 0, sizeof(*memory->session.status));
    memory->failures = 0;
    memory->moved = 0;
    memory->phase = memory->session.qemu >= 0 ? GUARD_RELAYING : GUARD_ENDING;
}


static void
guardEnd(const Guard *guard)
{
    GuardMemory *memory = guard->memory;

    guardClose(&memory->session.qemu);
    guardClose(&memory->session.link);
    guardWaitForLog(guard->options);
    guardClose(&memory->session.libvirt);
    memory->phase = GUARD_IDLE;
}


/* --- the deputy --- */

/* Returns whether FD is a connection. */
static bool
guardIsConnection(int fd)
{
    int type = 0;
    int listening = 1;
    socklen_t len = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && !listening;
}


/* Corrects the descriptors after the guard was killed: removes those that it had already closed, and
 * closes those that it had opened but not stored. One of the latter can be a connection of
 * libvirt, which is kept. */
static void
guardSweep(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    int *const known[] = {
        &memory->session.libvirt, &memory->session.qemu, &memory->session.link,
        &memory->session.guard, &memory->control, &memory->marker, &memory->self, &memory->deputy,
        &memory->worker, &memory->starter.fd,
    };
    const size_t n = sizeof(known) / sizeof(known[0]);
    const MonitorOptions *options = guard->options;
    size_t i;
    int fd;

    for (i = 0; i < n; i++) {
        if (*known[i] >= 0 && fcntl(*known[i], F_GETFD) < 0)
            *known[i] = -1;
    }
    for (fd = STDERR_FILENO + 1; fd < MONITOR_GUARD_FDS; fd++) {
        bool mine = fd == options->listenFd || fd == options->qemuFd || fd == options->logFd ||
            fd == options->stateFd;

        for (i = 0; i < n; i++)
            mine |= fd == *known[i];
        if (mine)
            continue;
        if (memory->phase == GUARD_IDLE && memory->session.libvirt < 0 && guardIsConnection(fd))
            memory->session.libvirt = fd;
        else
            close(fd);
    }
    if (memory->phase == GUARD_IDLE && memory->session.libvirt >= 0)
        memory->phase = GUARD_ACCEPTED;
    /* It is connected again. */
    if (memory->phase == GUARD_ACCEPTED)
        guardClose(&memory->session.qemu);
}


/* Makes the deputy the guard. */
static void
guardTakeOver(const Guard *guard)
{
    GuardMemory *memory = guard->memory;

    guardSweep(guard);
    guardClose(&memory->self);
    guardClose(&memory->deputy);
    memory->deputyPid = 0;
    memory->workerPid = 0;
    monitorStarterForget(&memory->starter);
    emulatorLog(_("replacing the monitor's guard, which was killed"));
}


/* Returns whether there is a deputy. */
static bool
guardHasDeputy(GuardMemory *memory)
{
    if (memory->deputy < 0)
        return false;
    if (!guardWaitFor(memory->deputy, 0))
        return true;
    guardReap(memory->deputyPid, &memory->deputy);
    return false;
}


/* Waits, in the deputy, until the guard exits. Returns if the guard was killed. */
static void
guardStandBy(const Guard *guard)
{
    while (!guardWaitFor(guard->memory->self, -1))
        ;
    if (guard->memory->over)
        _exit(EXIT_SUCCESS);
    guardTakeOver(guard);
}


/* Starts a deputy if there is none. In the deputy, this function returns when the deputy has become
 * the guard and has started another deputy. */
static void
guardDeputize(const Guard *guard)
{
    GuardMemory *memory = guard->memory;

    while (!guardHasDeputy(memory)) {
        pid_t pid;

        if (memory->self < 0)
            memory->self = syscall(SYS_pidfd_open, getpid(), 0);
        pid = memory->self >= 0 ? guardFork(CLONE_FILES, &memory->deputy) : -1;
        if (pid == 0) {
            guardStandBy(guard);
            continue;
        }
        memory->deputyPid = pid;
        return;
    }
}


/* --- the start --- */

/* Creates the socket that shows that this process runs. Without it, no device can be attached.
 * Returns the socket, or -1. */
static int
guardMark(const MonitorOptions *options)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;
    int n;

    if (!options->name || !options->launcher)
        return -1;
    n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, MONITOR_GUARD_MARKER,
                 options->name, (int) getpid());
    if (n < 0 || (size_t) n >= sizeof(address.sun_path) - 1)
        return -1;

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address,
                       offsetof(struct sockaddr_un, sun_path) + 1 + n) < 0 || listen(fd, 1) < 0) {
        emulatorLog(_("devices cannot be attached while the domain is running: cannot create a "
                      "socket: %1$s"), strerror(errno));
        guardClose(&fd);
    }
    return fd;
}


/* Gives up privileges that none of these processes requires, and creates the socket between guard
 * and worker. Returns 0, or -1 with errno set. */
static int
guardConfine(const Guard *guard)
{
    GuardMemory *memory = guard->memory;
    const struct rlimit none = { 0, 0 };
    int control[2];

    if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        sandboxPrepare(&memory->sandbox, SANDBOX_ROLE_SERVE, guard->options->filter, -1, 0) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
        return -1;
    memory->session.guard = control[0];
    memory->control = control[1];
    return 0;
}


/* Waits until QEMU runs. Returns false if it will not run. */
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


static void *
guardMap(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}


/* Initializes the memory of GUARD. Returns 0, or -1 with errno set. */
static int
guardInit(Guard *guard)
{
    GuardMemory *memory = guardMap(sizeof(*memory));

    if (memory == MAP_FAILED)
        return -1;
    *memory = (GuardMemory) {
        .session = { .libvirt = -1, .qemu = -1, .guard = -1, .link = -1 },
        .marker = -1, .control = -1, .self = -1, .deputy = -1, .worker = -1,
        .starter = { .fd = -1 },
    };
    memory->session.status = guardMap(sizeof(MonitorStatus));
    guard->memory = memory;
    return memory->session.status == MAP_FAILED ? -1 : guardConfine(guard);
}


/* Runs the current phase once. Returns false if QEMU has exited. */
static bool
guardStep(const Guard *guard)
{
    switch (guard->memory->phase) {
    case GUARD_ACCEPTED:
        guardBegin(guard);
        return true;
    case GUARD_RELAYING:
        guardRelay(guard);
        return true;
    case GUARD_ENDING:
        guardEnd(guard);
        return true;
    case GUARD_IDLE:
    default:
        return guardAccept(guard);
    }
}


int
monitorGuardRun(const MonitorOptions *options)
{
    static Guard guard;

    guard.options = options;
    if (strlen(options->path) >= sizeof(((struct sockaddr_un *) NULL)->sun_path)) {
        emulatorLog(_("the path '%1$s' of QEMU's monitor is too long: up to %2$zu bytes are allowed"),
                    options->path, sizeof(((struct sockaddr_un *) NULL)->sun_path) - 1);
        return EXIT_FAILURE;
    }
    if (guardInit(&guard) < 0) {
        emulatorLog(_("cannot start the monitor's process: %1$s"), strerror(errno));
        return EXIT_FAILURE;
    }

    guard.memory->marker = guardMark(options);
    if (options->readyFd >= 0) {
        ignore_value(write(options->readyFd, "", 1));
        close(options->readyFd);
    }
    if (!guardWaitForQEMU(options))
        return EXIT_SUCCESS;

    do {
        guardDeputize(&guard);
    } while (guardStep(&guard));

    unlink(options->path);
    guard.memory->over = true;
    return EXIT_SUCCESS;
}
