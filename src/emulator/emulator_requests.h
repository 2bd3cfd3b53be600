/*
 * emulator_requests.h: pci-emulator --requests-fd, processes for devices that come later
 *
 * The launcher keeps such a process for devices that are attached to a running domain: a new
 * process of its own would have to be linked, and its sandbox to be made. Each message on the
 * socket is a command line of pci-emulator, of which each argument ends with a NUL byte, with the
 * descriptors that it names by the numbers from EMULATOR_REQUESTS_FD on. It is run in a child
 * process, which is there before the message comes. The process ends when the socket's
 * other end is closed, its children when their QEMU ends.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_options.h"

/* The number of the first descriptor in a message, the greatest number of them, and the greatest
 * length of its text in bytes */
#define EMULATOR_REQUESTS_FD 20
#define EMULATOR_REQUESTS_FDS 4
#define EMULATOR_REQUESTS_MAX 4096

/**
 * emulatorRequestsRun:
 * @fd: the socket, of the type SOCK_SEQPACKET
 * @serve: runs with a message's command line, in a child process
 *
 * Runs the command lines that come from @fd.
 *
 * Returns the exit status: of the child in a child.
 */
int emulatorRequestsRun(int fd,
                        int (*serve)(EmulatorOptions *options));
