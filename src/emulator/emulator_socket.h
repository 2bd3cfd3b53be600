/*
 * emulator_socket.h: UNIX sockets with a name in the file system
 *
 * Knows neither a device nor a protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/types.h>

/**
 * emulatorSocketListen:
 * @path: where the socket is created, at most 107 bytes
 * @type: SOCK_STREAM or SOCK_SEQPACKET
 * @mode: the file's permissions
 *
 * Creates a listening socket. The process must have one thread, because the umask
 * changes for a moment.
 *
 * Returns a descriptor, non-blocking and close-on-exec, or -1 with errno set:
 * EADDRINUSE if @path exists, ENAMETOOLONG if it is too long.
 */
int emulatorSocketListen(const char *path,
                         int type,
                         mode_t mode);
