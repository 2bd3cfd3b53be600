/*
 * pass_descriptors.c: messages with descriptors on UNIX sockets (SCM_RIGHTS)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "pass_descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    struct cmsghdr header;
    char space[CMSG_SPACE(PASS_DESCRIPTORS_MAX * sizeof(int))];
} PassControl;


ssize_t
passDescriptorsSend(int fd,
                    const void *data,
                    size_t size,
                    const int *fds,
                    size_t n,
                    int flags)
{
    PassControl control = { .space = "" };
    struct iovec iov = { (void *) data, size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t sent;

    if (n > PASS_DESCRIPTORS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (n > 0) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
    }

    do {
        sent = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}


/* Stores the descriptors in MSG in FDS. Returns their number, 0 if there are more than MAX. */
static size_t
passTake(struct msghdr *msg,
         int *fds,
         size_t max)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(msg);
    int received[PASS_DESCRIPTORS_MAX];
    size_t n;
    size_t i;

    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return 0;

    n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(received, CMSG_DATA(header), n * sizeof(int));
    if (n > max || (msg->msg_flags & MSG_CTRUNC)) {
        for (i = 0; i < n; i++)
            close(received[i]);
        return 0;
    }
    memcpy(fds, received, n * sizeof(int));
    return n;
}


ssize_t
passDescriptorsReceive(int fd,
                       void *data,
                       size_t size,
                       int *fds,
                       size_t *n,
                       int flags)
{
    PassControl control;
    struct iovec iov = { data, size };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    const size_t max = *n;
    ssize_t got;

    *n = 0;
    do {
        got = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got >= 0)
        *n = passTake(&msg, fds, max);
    return got;
}
