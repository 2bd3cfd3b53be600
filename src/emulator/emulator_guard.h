/*
 * emulator_guard.h: the process that replaces a worker that was killed
 *
 * The guard is the process that the launcher starts. It makes the devices'
 * memory and sockets ready and forks the worker, which serves. A worker that
 * is killed by a signal is followed by another one, forked and without exec,
 * which goes on where that one was (emulator_device.h); so the guest waits for
 * its answer a little longer, and that is all. The guard never reads a byte
 * that QEMU sends, and of the devices' memory only numbers, which it uses for
 * comparing.
 *
 * A worker that has not acted on a request for a while, stopped or hanging,
 * is killed and replaced too.
 *
 * Connections are accepted by the guard, so that they outlive workers; one that
 * comes later ends the worker that does not have it, and the next one does.
 *
 * If the guard itself is killed, its worker goes on, without a guard, until
 * QEMU ends; unless there is a device that QEMU has not connected to yet: then
 * the worker ends, too, so that QEMU is told that nobody listens.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_loop.h"
#include "emulator_status.h"

/* How often in a row a worker may be killed within EMULATOR_GUARD_SETTLED of
 * its start, and before any request was served, until the guard waits before
 * it makes the next one. A device whose request was in hand each time is
 * closed then, for the others' sake, and counting begins anew. */
#define EMULATOR_GUARD_FAILURES 8

/* Milliseconds between two tries: the first ones, and at most. The time doubles
 * from one to the next. */
#define EMULATOR_GUARD_PAUSE_MIN 10
#define EMULATOR_GUARD_PAUSE_MAX 1000

/* Milliseconds. */
#define EMULATOR_GUARD_SETTLED 1000

/* Milliseconds between two looks whether requests are waiting, and between
 * those that follow a look which found some. A worker is replaced when three
 * looks in a row find requests waiting and none served: after 3.5 seconds at
 * the latest. QEMU's vfio-user-pci waits for 5 seconds and then gives the
 * device up for good. */
#define EMULATOR_GUARD_INTERVAL 2000
#define EMULATOR_GUARD_RECHECK 750

typedef struct {
    EmulatorStatus *status;
    EmulatorLoop *loop;
    size_t ndevices;
    int clientFd;           /* as in EmulatorOptions; -1 once a client has come, and in workers */
    int connectTimeout;     /* the same */
    int64_t deadline;       /* the guard's own */
    int64_t acceptAt;       /* the same: no connection is accepted before */
    unsigned int acceptFailures;
    int readyFd;            /* the first worker's; -1 in later ones */

    /* What a worker does; the result is its exit status. */
    int (*serve)(void *opaque);
    void *opaque;
} EmulatorGuard;

/* Prepares this process, before it enters its sandbox: SIGCHLD. */
void emulatorGuardInit(void);

/* Guards until a worker ends by itself, and returns its exit status; or until
 * the peers of all devices have gone while there was no worker, and returns
 * EXIT_SUCCESS. As long as the guest runs, a worker that is killed, or cannot
 * be made, is followed by another try. Returns in each worker too, with its
 * exit status. Needs the sandbox's guard role at most. */
int emulatorGuardRun(EmulatorGuard *guard);
