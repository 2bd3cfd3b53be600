/*
 * emulator_socket.h: UNIX sockets with a name in the file system
 *
 * Knows neither a device nor a protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/types.h>

/* A listening socket at PATH, of TYPE (SOCK_STREAM or SOCK_SEQPACKET) and
 * with the permissions MODE. Non-blocking and close-on-exec. A file that is
 * there already is left alone: EADDRINUSE. Returns -1 with errno set on
 * failure (ENAMETOOLONG: PATH has more than 107 bytes), and there is no file
 * then. To be used while the process has one thread. */
int emulatorSocketListen(const char *path,
                         int type,
                         mode_t mode);
