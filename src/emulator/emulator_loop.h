/*
 * emulator_loop.h: serves the sockets of all devices of the process
 *
 * One thread, one epoll. A socket never holds up another one: nothing here
 * blocks, a peer that does not take its answers is not read from, and one
 * turn for a socket is one read.
 *
 * It sleeps in epoll_wait() between requests. Looking for the next one for a
 * while before sleeping was tried and was slower, most likely because the kernel
 * then runs this process on another CPU than QEMU: a read with the two pinned
 * to different CPUs takes two to five times as long. Blocking in recv() with
 * a single device was tried, too: with all on one CPU a read takes 1.2 times as
 * long, most likely because this process then does not run before QEMU sleeps.
 * bench/bench-config.py measures reads, and bench/bench-transports.c tells why
 * the kernel runs processes on one CPU, or not.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "emulator_options.h"
#include "emulator_status.h"

/* Milliseconds between two tries to accept a connection, if the first one
 * failed: there are no descriptors, or there is no memory. */
#define EMULATOR_LOOP_ACCEPT_PAUSE 100

typedef struct _EmulatorLoop EmulatorLoop;

/* Returns a loop for the devices of OPTIONS, whose registers and journals are in STATUS. Both live
 * as long as the process. Returns NULL with errno set on failure. */
EmulatorLoop *emulatorLoopNew(const EmulatorOptions *options,
                              EmulatorStatus *status);

/* Returns a descriptor that becomes readable when a client connects to the listening socket of a
 * device, or -1 if no device has a listening socket any more. */
int emulatorLoopGetListenFd(const EmulatorLoop *loop);

/* Takes the clients that wait to connect; each takes the listening socket's
 * place. Returns whether there was any. A guard does that (GUARDING), and
 * then starts a worker that has the connections, too; it also removes the
 * sockets' files, and notes who connects. Or the loop does it itself while it
 * runs, after emulatorLoopAcceptItself(), which returns false with errno set
 * on failure. */
bool emulatorLoopAccept(EmulatorLoop *loop,
                        bool guarding);
bool emulatorLoopAcceptItself(EmulatorLoop *loop);

/* Returns whether nobody needs a process that serves: the peers of all devices have
 * gone. Without any connection it is false. For the process that made the
 * loop. */
bool emulatorLoopIsOver(const EmulatorLoop *loop);

/* Returns whether there is, or was, any connection. */
bool emulatorLoopHasMet(const EmulatorLoop *loop);

/* Removes the files of listening sockets. */
void emulatorLoopUnlink(const EmulatorLoop *loop);

/* Goes on from what is in the journals, and serves until the peer of the last
 * device has closed its socket; devices that nobody has connected to do not
 * count once somebody had connected to another one. A loop may be run by one
 * process after the other, each forked by the one that made the loop and that
 * runs none itself. Makes only system calls that the sandbox allows. */
void emulatorLoopRun(EmulatorLoop *loop);

/* Tells whoever asks for registers (emulator_state.h) that this process is about to end, and that
 * nobody needs them: all devices were unplugged, or QEMU has never connected to them. */
void emulatorLoopSayFarewell(EmulatorLoop *loop);

/* Returns whether a request waits for the process that serves, and not for its peer
 * to take an answer. For the process that made the loop. */
bool emulatorLoopIsPending(const EmulatorLoop *loop);
