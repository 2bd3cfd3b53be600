/*
 * emulator_guard.c: the process that replaces a worker that was killed
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_guard.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"

#define _(s) gettext(s)

/* The guard's record of earlier workers */
typedef struct {
    uint64_t served;        /* requests that all of them have served */
    unsigned int failures;  /* consecutive failures */
    uint32_t serving;       /* 1 + the device whose request the last worker was processing */
    uint64_t handled;       /* the number of requests served for that device */
    unsigned int repeated;  /* consecutive workers that were processing the same request */
    bool told;              /* whether the delay has been reported */
} GuardHistory;


static int64_t
guardNow(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}


/* The handler only interrupts system calls. */
static void
guardHandleSignal(int number _GL_UNUSED)
{
}


void
emulatorGuardInit(void)
{
    const struct sigaction action = { .sa_handler = guardHandleSignal, .sa_flags = SA_NOCLDSTOP };
    sigset_t set;

    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}


/* Sleeps until a child has exited, at most MILLISECONDS. */
static void
guardSleep(int milliseconds)
{
    const struct timespec timeout = {
        .tv_sec = milliseconds / 1000,
        .tv_nsec = milliseconds % 1000 * 1000000L,
    };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigtimedwait(&set, NULL, &timeout);
}


/* Sleeps for MILLISECONDS. To be called without a child: a pending SIGCHLD is that of an earlier
 * one. */
static void
guardRest(int milliseconds)
{
    const int64_t end = guardNow() + milliseconds;
    int64_t left;

    while ((left = end - guardNow()) > 0)
        guardSleep(left);
}


typedef enum {
    GUARD_WOKEN = 0,    /* a child may have exited, or the time is over */
    GUARD_CLIENT,       /* a client wants to connect */
    GUARD_NO_CLIENT,    /* no client will connect: its process has exited */
} GuardWake;


/* The same, but also returns if a client wants to connect, or cannot connect any more. */
static GuardWake
guardSleepOrMeet(const EmulatorGuard *guard,
                 int milliseconds)
{
    const struct timespec timeout = {
        .tv_sec = milliseconds / 1000,
        .tv_nsec = milliseconds % 1000 * 1000000L,
    };
    const bool accepting = guardNow() >= guard->acceptAt;
    struct pollfd fds[] = {
        { .fd = accepting ? emulatorLoopGetListenFd(guard->loop) : -1, .events = POLLIN },
        { .fd = guard->clientFd, .events = POLLIN },
    };
    sigset_t none;

    sigemptyset(&none);
    if (ppoll(fds, sizeof(fds) / sizeof(fds[0]), &timeout, &none) <= 0)
        return GUARD_WOKEN;

    /* If the client has connected before it exited, a worker notices its end. */
    return fds[0].revents ? GUARD_CLIENT : GUARD_NO_CLIENT;
}


/* Returns whether the process that should connect has exited. */
static bool
guardClientHasGone(const EmulatorGuard *guard)
{
    struct pollfd pfd = { .fd = guard->clientFd, .events = POLLIN };

    return guard->clientFd >= 0 && poll(&pfd, 1, 0) == 1;
}


static void
guardForgetClient(EmulatorGuard *guard)
{
    if (guard->clientFd >= 0)
        close(guard->clientFd);
    guard->clientFd = -1;
}


/* The system call of fork() alone: the additional work of fork() differs between C libraries, and
 * the sandbox would have to allow it. */
static pid_t
guardFork(void)
{
#ifdef __s390__
    return syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}


/* Returns whether three consecutive checks have found waiting requests, and no request was served
 * between them. WAITING counts these checks. */
static bool
guardFindStuck(const EmulatorGuard *guard,
               unsigned int *waiting,
               uint64_t *served)
{
    const uint64_t now = emulatorStatusServed(guard->status, guard->ndevices);

    if (!emulatorLoopIsPending(guard->loop))
        *waiting = 0;
    else if (now != *served)
        *waiting = 1;
    else
        (*waiting)++;

    *served = now;
    return *waiting >= 3;
}


/* Returns the time to wait after FAILURES consecutive failures, in milliseconds. The first ALLOWED
 * failures cause no delay. */
static int
guardPause(unsigned int failures,
           unsigned int allowed)
{
    int pause = EMULATOR_GUARD_PAUSE_MIN;

    if (failures <= allowed)
        return 0;
    while (--failures > allowed && pause < EMULATOR_GUARD_PAUSE_MAX)
        pause *= 2;
    return pause < EMULATOR_GUARD_PAUSE_MAX ? pause : EMULATOR_GUARD_PAUSE_MAX;
}


/* Accepts the clients that wait. If memory or descriptors are missing, it is repeated later.
 * Returns whether a client was accepted. */
static bool
guardAccept(EmulatorGuard *guard)
{
    if (emulatorLoopAccept(guard->loop, true)) {
        guard->acceptFailures = 0;
        guardForgetClient(guard);
        return true;
    }

    if (guard->acceptFailures++ == 0)
        emulatorLog(_("cannot accept a connection: %1$s"), strerrorname_np(errno));
    guard->acceptAt = guardNow() + guardPause(guard->acceptFailures, 0);
    return false;
}


/* Kills the worker PID, and returns its status. */
static int
guardKill(pid_t pid)
{
    int status = 0;

    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}


/* Waits for the end of the worker PID, and returns its status. *JOINED is set if the worker was
 * killed because it lacks a new connection, or because a connection could not be accepted. */
static int
guardWait(EmulatorGuard *guard,
          pid_t pid,
          bool *joined)
{
    uint64_t served = 0;
    unsigned int waiting = 0;
    int64_t look = guardNow() + EMULATOR_GUARD_INTERVAL;
    int status;

    for (;;) {
        int64_t now;
        pid_t rc;

        while ((rc = waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR)
            ;
        if (rc != 0)
            return rc < 0 ? 0 : status;

        if (!emulatorLoopHasMet(guard->loop) && guardNow() >= guard->deadline) {
            emulatorLog(_("no client has connected within %1$d seconds"), guard->connectTimeout);
            guardKill(pid);
            return W_EXITCODE(EXIT_FAILURE, 0);
        }

        if ((now = guardNow()) >= look) {
            if (guardFindStuck(guard, &waiting, &served)) {
                emulatorLog(_("requests have waited for %1$d ms and none was answered"),
                            2 * EMULATOR_GUARD_RECHECK);
                kill(pid, SIGKILL);
                waiting = 0;
            }
            look = now + (waiting > 0 ? EMULATOR_GUARD_RECHECK : EMULATOR_GUARD_INTERVAL);
        }
        if (!emulatorLoopHasMet(guard->loop) && look > guard->deadline)
            look = now > guard->deadline ? now : guard->deadline;
        if (now < guard->acceptAt && look > guard->acceptAt)
            look = guard->acceptAt;

        if (emulatorLoopGetListenFd(guard->loop) < 0) {
            guardSleep(look - now);
            continue;
        }

        switch (guardSleepOrMeet(guard, look - now)) {
        case GUARD_CLIENT:
            /* In this order: otherwise the worker would get events of the connection through the
             * shared epoll instance, and not know it. */
            status = guardKill(pid);
            guardAccept(guard);
            *joined = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
            return status;

        case GUARD_NO_CLIENT:
            /* The same as if the client had connected before. */
            guardKill(pid);
            return W_EXITCODE(EXIT_SUCCESS, 0);

        case GUARD_WOKEN:
        default:
            break;
        }
    }
}


/* A device whose request kills several consecutive workers is closed. */
static void
guardJudgeDevice(EmulatorGuard *guard,
                 GuardHistory *history)
{
    const uint32_t serving = guard->status->serving;
    EmulatorStatusDevice *device;
    uint64_t handled;

    if (serving == 0 || serving > guard->ndevices) {
        history->serving = 0;
        return;
    }
    device = &guard->status->devices[serving - 1];
    handled = emulatorDeviceServed(&device->device);

    if (serving != history->serving || handled != history->handled)
        history->repeated = 0;
    history->serving = serving;
    history->handled = handled;

    if (++history->repeated < EMULATOR_GUARD_FAILURES || device->closed)
        return;

    emulatorLog(_("closing device %1$u of %2$zu: its request has killed %3$u processes in a row"),
                serving, guard->ndevices, history->repeated);
    device->closed = EMULATOR_STATUS_FAILED;
    history->failures = 0;
}


/* Handles the end of a worker after AGE milliseconds, or a failure to start one. Waits before the
 * next one if there were many. Returns false if no worker is required any more. */
static bool
guardGoOn(EmulatorGuard *guard,
          GuardHistory *history,
          int64_t age)
{
    const uint64_t served = emulatorStatusServed(guard->status, guard->ndevices);
    int pause;

    if (served != history->served || age >= EMULATOR_GUARD_SETTLED)
        history->failures = 0;
    history->served = served;
    if (history->failures < UINT_MAX)
        history->failures++;

    guardJudgeDevice(guard, history);

    /* The reason can be temporary: too little memory, or too many processes. */
    pause = guardPause(history->failures, EMULATOR_GUARD_FAILURES);
    guardRest(pause);
    if (pause == EMULATOR_GUARD_PAUSE_MAX && !history->told) {
        emulatorLogLast(_("the devices cannot be served after %1$u failures in a row: trying again every %2$d ms"),
                        history->failures, EMULATOR_GUARD_PAUSE_MAX);
        history->told = true;
    }

    /* A worker, or the guard while a worker runs, notices the same. */
    if (emulatorLoopHasMet(guard->loop))
        return !emulatorLoopIsOver(guard->loop);
    return guardNow() < guard->deadline && !guardClientHasGone(guard);
}


/* Starts workers, one after the other. Returns the exit status of the last one. *GUARDING is TRUE
 * in the guard, and FALSE in a worker. */
static int
guardRun(EmulatorGuard *guard,
         bool *guarding)
{
    GuardHistory history = { 0 };
    bool joined;
    int64_t started;

    do {
        pid_t pid;
        int status = 0;

        joined = false;
        guard->status->serving = 0;
        started = guardNow();
        pid = guardFork();

        if (pid == 0) {
            *guarding = false;
            guardForgetClient(guard);
            /* Without a guard, QEMU's connection would not be accepted, and QEMU would wait for a
             * reply. */
            if (emulatorLoopGetListenFd(guard->loop) >= 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            return guard->serve(guard->opaque);
        }
        if (pid < 0) {
            if (history.failures == 0)
                emulatorLog("%s: %s", _("cannot start a process"), strerrorname_np(errno));
            continue;
        }
        guard->status->worker = pid;

        if (guard->readyFd >= 0)
            close(guard->readyFd);
        guard->readyFd = -1;

        status = guardWait(guard, pid, &joined);
        if (WIFEXITED(status))
            return WEXITSTATUS(status);
        if (joined)
            continue;

        guard->status->restarts++;
        emulatorLog(_("replacing a process that was killed by signal %1$d (number %2$llu)"),
                    WTERMSIG(status), (unsigned long long) guard->status->restarts);
    } while (joined || guardGoOn(guard, &history, guardNow() - started));

    return emulatorLoopHasMet(guard->loop) ? EXIT_SUCCESS : EXIT_FAILURE;
}


int
emulatorGuardRun(EmulatorGuard *guard)
{
    bool guarding = true;
    int status;

    guard->deadline = guard->connectTimeout > 0 ?
        guardNow() + guard->connectTimeout * INT64_C(1000) : INT64_MAX;
    status = guardRun(guard, &guarding);
    if (guarding) {
        emulatorLoopUnlink(guard->loop);
        if (!emulatorLoopHasMet(guard->loop))
            emulatorLoopSayFarewell(guard->loop);
    }
    return status;
}
