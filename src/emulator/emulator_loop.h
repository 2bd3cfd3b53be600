/*
 * emulator_loop.h: serves the sockets of all devices of the process
 *
 * One thread, one epoll. A socket never holds up another one: nothing here
 * blocks, a peer that does not take its answers is not read from, and one
 * turn for a socket is one read.
 *
 * It sleeps in epoll_wait() between requests. Blocking in recv() with a single
 * device, and looking for the next request for a while before sleeping, were
 * both tried and were slower, most likely because the kernel then runs this
 * process on another CPU than QEMU: a read with the two pinned to different
 * CPUs takes five times as long. bench/bench-config.py measures reads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "emulator_options.h"
#include "emulator_status.h"

typedef struct _EmulatorLoop EmulatorLoop;

/* A loop for the devices of OPTIONS, whose registers and journals are in
 * STATUS. Both live as long as the process. NULL with errno set on failure. */
EmulatorLoop *emulatorLoopNew(const EmulatorOptions *options,
                              EmulatorStatus *status);

/* Goes on from what is in the journals, and serves until the peer of the last
 * device has closed its socket. A loop may be run by one process after the
 * other, each forked by the one that made the loop and that runs none itself.
 * Makes only system calls that the sandbox allows. */
void emulatorLoopRun(EmulatorLoop *loop);

/* Whether a request waits for the process that serves, and not for its peer
 * to take an answer. For the process that made the loop. */
bool emulatorLoopIsPending(const EmulatorLoop *loop);
