/*
 * emulator_guard.h: the process that replaces a worker that was killed
 *
 * The launcher starts the guard. The guard creates the memory and the sockets of the devices and
 * forks the worker, which serves them. If a signal kills the worker, the guard forks another one,
 * which continues from the same state (emulator_device.h). The guest waits a little longer for
 * its access, but does not notice anything else. The guard does not read the data that QEMU
 * sends. It compares numbers in the memory of the devices, but does not use them otherwise.
 *
 * A worker that is stopped or hangs, so that it does not process a request for some time, is
 * killed and replaced, too.
 *
 * The guard accepts connections, so that they outlive workers. A worker does not have the
 * connections that were accepted after its start: it is replaced by one that has them.
 *
 * If the guard is killed, its worker continues without a guard until QEMU exits. If QEMU has not
 * connected to all devices yet, the worker exits, so that QEMU's connection fails at once.
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

/* The time between two attempts to start a worker, in milliseconds: it doubles from the minimum to
 * the maximum. */
#define EMULATOR_GUARD_PAUSE_MIN 10
#define EMULATOR_GUARD_PAUSE_MAX 1000

/* The time after which a worker is considered stable, in milliseconds */
#define EMULATOR_GUARD_SETTLED 1000

/* The time between two checks for waiting requests, and the time between the checks after one that
 * has found a waiting request, in milliseconds. A worker is replaced if three consecutive checks
 * find waiting requests and none was processed: after 3.5 seconds at the latest. QEMU's
 * vfio-user-pci disconnects a device permanently after 5 seconds. */
#define EMULATOR_GUARD_INTERVAL 2000
#define EMULATOR_GUARD_RECHECK 750

typedef struct {
    EmulatorStatus *status;
    EmulatorLoop *loop;
    size_t ndevices;
    int clientFd;           /* see EmulatorOptions; -1 when a client has connected, and in workers */
    int connectTimeout;     /* the same */
    int64_t deadline;       /* descriptors of the guard */
    int64_t acceptAt;       /* no connection is accepted before this time */
    unsigned int acceptFailures;
    int readyFd;            /* for the first worker; -1 in later ones */

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
