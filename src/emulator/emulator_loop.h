/*
 * emulator_loop.h: serves the sockets of all devices of the process
 *
 * There is one thread and one epoll instance. A socket does not block another one: all sockets
 * are non-blocking, a peer that does not read its replies is not read from, and each turn of a
 * socket is one read.
 *
 * The loop sleeps in epoll_wait() between requests. Polling for the next request before sleeping
 * was slower, probably because the kernel then runs this process on another CPU than QEMU: with
 * the two bound to different CPUs, a read takes two to five times as long. Blocking in recv() for
 * a single device was slower, too: with both on one CPU, a read takes 1.2 times as long, probably
 * because this process then does not run before QEMU sleeps. bench/bench-config.py measures reads;
 * bench/bench-transports.c explains the placement by the kernel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "emulator_options.h"
#include "emulator_status.h"

/* The time until the next attempt to accept a connection after a failure, for example because of
 * too little memory, in milliseconds */
#define EMULATOR_LOOP_ACCEPT_PAUSE 100

typedef struct _EmulatorLoop EmulatorLoop;

/**
 * emulatorLoopNew:
 * @options: the devices
 * @status: their registers and journals
 *
 * Both arguments must exist as long as the process.
 *
 * Returns a loop, or NULL with errno set.
 */
EmulatorLoop *emulatorLoopNew(const EmulatorOptions *options,
                              EmulatorStatus *status);

/**
 * emulatorLoopGetListenFd:
 * @loop: the loop
 *
 * Returns a descriptor that becomes readable when a client connects to the listening socket of a
 * device, or -1 if no device has a listening socket any more. It belongs to @loop.
 */
int emulatorLoopGetListenFd(const EmulatorLoop *loop);

/**
 * emulatorLoopAccept:
 * @loop: the loop
 * @guarding: whether the caller is the guard
 *
 * Accepts the connections of waiting clients; each connection replaces the listening socket of
 * its device. The guard also removes the file of the socket and stores the pid of the client; it
 * then starts a worker, which has the connections, too.
 *
 * Returns true if a client has connected.
 */
bool emulatorLoopAccept(EmulatorLoop *loop,
                        bool guarding);

/**
 * emulatorLoopAcceptItself:
 * @loop: the loop
 *
 * Lets emulatorLoopRun() accept connections, if there is no guard.
 *
 * Returns false with errno set on failure.
 */
bool emulatorLoopAcceptItself(EmulatorLoop *loop);

/**
 * emulatorLoopIsOver:
 * @loop: the loop
 *
 * Checks whether devices still require a process. Only the process that created the loop can call
 * this.
 *
 * Returns true if all peers have disconnected; false if no device has had a connection yet.
 */
bool emulatorLoopIsOver(const EmulatorLoop *loop);

/**
 * emulatorLoopHasMet:
 * @loop: the loop
 *
 * Returns true if a device has or had a connection.
 */
bool emulatorLoopHasMet(const EmulatorLoop *loop);

/**
 * emulatorLoopUnlink:
 * @loop: the loop
 *
 * Removes the files of the listening sockets.
 */
void emulatorLoopUnlink(const EmulatorLoop *loop);

/**
 * emulatorLoopRun:
 * @loop: the loop
 *
 * Continues from the journals, and serves until all peers have closed their sockets. Devices
 * without a connection are ignored if another device has had one. Several processes can run the
 * loop, one after the other; each of them is forked by the process that created the loop, which
 * does not run it. The sandbox allows all system calls of this function.
 */
void emulatorLoopRun(EmulatorLoop *loop);

/**
 * emulatorLoopSayFarewell:
 * @loop: the loop
 *
 * Tells the process that requests registers (emulator_state.h) that this process will exit, and
 * that the registers are not required: all devices were unplugged, or QEMU has never connected.
 * Does nothing otherwise.
 */
void emulatorLoopSayFarewell(EmulatorLoop *loop);

/**
 * emulatorLoopIsPending:
 * @loop: the loop
 *
 * Checks for requests that wait for the process that serves, rather than for the peer. Only the
 * process that created the loop can call this.
 *
 * Returns true if there is such a request.
 */
bool emulatorLoopIsPending(const EmulatorLoop *loop);
