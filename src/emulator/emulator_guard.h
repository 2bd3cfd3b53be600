/*
 * emulator_guard.h: the process that replaces a worker that was killed
 *
 * The guard is the process that the launcher starts. It prepares the memory and
 * the sockets of the devices and forks the worker, which serves. If the worker is
 * killed by a signal, the guard forks another one, which continues where that one
 * was (emulator_device.h): the guest waits a little longer for its answer, and
 * notices nothing else. The guard never reads what QEMU sends. It reads numbers in
 * the devices' memory, but only compares them.
 *
 * A worker that has stopped or hangs, and does not act on a request for a while, is
 * killed and replaced, too.
 *
 * The guard accepts connections, so that they outlive workers. A worker does not
 * have a connection that comes after its start: it is replaced by one that has.
 *
 * If the guard is killed, its worker continues without a guard until QEMU ends. If
 * QEMU has not connected to all devices yet, the worker ends, so that QEMU is told
 * that nobody listens.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_loop.h"
#include "emulator_status.h"

/* The number of consecutive workers that may be killed within EMULATOR_GUARD_SETTLED after their
 * start, before they have served a request, until the guard delays the next one. If the same
 * device had an unfinished request each time, that device is closed, so that the other devices
 * continue, and the count starts again. */
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

    /* The function that a worker runs; it returns the exit status. */
    int (*serve)(void *opaque);
    void *opaque;
} EmulatorGuard;

/**
 * emulatorGuardInit:
 *
 * Prepares SIGCHLD. To be called before this process enters its sandbox.
 */
void emulatorGuardInit(void);

/**
 * emulatorGuardRun:
 * @guard: filled in by the caller
 *
 * Replaces workers as long as the guest runs, also if they cannot be created for a
 * while. Requires no more than the guard role of the sandbox.
 *
 * Returns in the guard the exit status of a worker that has ended by itself, or
 * EXIT_SUCCESS if all peers have gone while there was no worker. Returns in each
 * worker its exit status.
 */
int emulatorGuardRun(EmulatorGuard *guard);
