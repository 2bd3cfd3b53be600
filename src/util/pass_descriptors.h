/*
 * pass_descriptors.h: messages with descriptors on UNIX sockets (SCM_RIGHTS)
 *
 * This file and its .c use only the C library and allocate nothing. They are for processes that are
 * allowed to call sendmsg() and recvmsg(). The workers of src/monitor are not, and have their own code.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The maximum number of descriptors of a message */
#define PASS_DESCRIPTORS_MAX 8

/**
 * passDescriptorsSend:
 * @fd: a connected UNIX socket
 * @data: the data
 * @size: their size, in bytes; at least 1
 * @fds: the descriptors, which remain open
 * @n: their number, at most PASS_DESCRIPTORS_MAX
 * @flags: flags for sendmsg(), in addition to MSG_NOSIGNAL
 *
 * Sends a message. The call is repeated if a signal interrupts it. Source: unix(7), SCM_RIGHTS.
 *
 * Returns the number of bytes sent, or -1 with errno set.
 */
ssize_t passDescriptorsSend(int fd, const void *data, size_t size, const int *fds, size_t n, int flags);

/**
 * passDescriptorsReceive:
 * @fd: a connected UNIX socket
 * @data: set to the data
 * @size: the maximum size of the data, in bytes
 * @fds: set to the descriptors, which have the flag FD_CLOEXEC and belong to the caller
 * @n: the maximum number of descriptors, at most PASS_DESCRIPTORS_MAX; set to their number
 * @flags: flags for recvmsg(), in addition to MSG_CMSG_CLOEXEC
 *
 * Receives a message. The call is repeated if a signal interrupts it. If the message has more than @n
 * descriptors, all of them are closed, and @n is set to 0. Source: unix(7), SCM_RIGHTS.
 *
 * Returns the return value of recvmsg(): the size of the data, 0 at the end of the connection, or -1
 * with errno set.
 */
ssize_t passDescriptorsReceive(int fd, void *data, size_t size, int *fds, size_t *n, int flags);
