/*
 * emulator_requests.h: pci-emulator --requests-fd, which starts processes in advance
 *
 * The launcher keeps such a process to attach devices to a running domain faster: the program is
 * already linked, and its sandbox is already prepared. Each message on the socket is a command line
 * of pci-emulator: the arguments, each with a final NUL byte, and descriptors, to which the
 * arguments refer with the numbers from EMULATOR_REQUESTS_FD on. A child process, which is forked
 * before the message arrives, runs the command line. The process exits when the other end of the
 * socket is closed. Its children exit with their QEMU.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_options.h"

/* The number of the first descriptor of a message, the maximum number of descriptors, and the
 * maximum length of a command line in bytes */
#define EMULATOR_REQUESTS_FD 20
#define EMULATOR_REQUESTS_FDS 4
#define EMULATOR_REQUESTS_MAX 4096

/**
 * emulatorRequestsRun:
 * @fd: the socket, of the type SOCK_SEQPACKET
 * @serve: the function that runs a command line, in a child process
 *
 * Reads command lines from @fd and runs each of them in a child process.
 *
 * Returns the exit status of the process, or, in a child process, that of the child.
 */
int emulatorRequestsRun(int fd,
                        int (*serve)(EmulatorOptions *options));
