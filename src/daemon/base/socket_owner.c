/*
 * socket_owner.c: the user who has created a UNIX socket
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "socket_owner.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* These numbers are the same on all architectures. */
#ifndef UDIAG_SHOW_UID
# define UDIAG_SHOW_UID 0x00000040
# define UNIX_DIAG_UID 7
#endif

/* The maximum length of a reply about one socket, in bytes: it has a name of up to 108 bytes */
#define OWNER_REPLY_MAX 1024

typedef union {
    struct nlmsghdr header;
    char space[OWNER_REPLY_MAX];
} OwnerReply;


/* Requests a report about the socket INODE. Returns the length of the reply, or -1 with errno
 * set. */
static ssize_t
ownerAsk(int fd,
         guint32 inode,
         OwnerReply *reply)
{
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    struct sockaddr_nl from = { .nl_family = AF_NETLINK };
    socklen_t fromLen = sizeof(from);
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {
            .nlmsg_len = sizeof(request),
            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
            .nlmsg_flags = NLM_F_REQUEST,
        },
        .body = {
            .sdiag_family = AF_UNIX,
            .udiag_states = -1,
            .udiag_ino = inode,
            .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_UID,
            .udiag_cookie = { -1, -1 },
        },
    };
    ssize_t got;

    /* The kernel has replied when sendto() returns. */
    if (sendto(fd, &request, sizeof(request), MSG_NOSIGNAL, (struct sockaddr *) &kernel,
               sizeof(kernel)) < 0)
        return -1;
    got = recvfrom(fd, reply, sizeof(*reply), MSG_DONTWAIT, (struct sockaddr *) &from, &fromLen);
    if (got >= 0 && from.nl_pid != 0) {
        errno = EPROTO;
        return -1;
    }
    return got;
}


/* Returns whether ATTR is the abstract NAME. */
static gboolean
ownerIsNamed(const struct rtattr *attr,
             const char *name)
{
    const size_t len = strlen(name);
    const char *value = RTA_DATA(attr);

    return RTA_PAYLOAD(attr) == len + 1 && value[0] == '\0' && memcmp(value + 1, name, len) == 0;
}


/* Reads the report in REPLY, of LEN bytes, about the socket INODE. Returns 0, or -1 with errno set. */
static int
ownerRead(const OwnerReply *reply,
          size_t len,
          guint32 inode,
          const char *name,
          uid_t *uid)
{
    const struct unix_diag_msg *body = NLMSG_DATA(&reply->header);
    const struct rtattr *attr = (const struct rtattr *) (body + 1);
    gboolean named = FALSE;
    gboolean owned = FALSE;
    int left;

    if (!NLMSG_OK(&reply->header, len)) {
        errno = EPROTO;
        return -1;
    }
    if (reply->header.nlmsg_type == NLMSG_ERROR &&
        reply->header.nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        errno = -((const struct nlmsgerr *) NLMSG_DATA(&reply->header))->error;
        return -1;
    }
    if (reply->header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        reply->header.nlmsg_len < NLMSG_LENGTH(sizeof(*body)) || body->udiag_ino != inode) {
        errno = EPROTO;
        return -1;
    }

    left = reply->header.nlmsg_len - NLMSG_LENGTH(sizeof(*body));
    for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
        guint32 value;

        if (attr->rta_type == UNIX_DIAG_NAME) {
            named = ownerIsNamed(attr, name);
        } else if (attr->rta_type == UNIX_DIAG_UID && RTA_PAYLOAD(attr) == sizeof(value)) {
            memcpy(&value, RTA_DATA(attr), sizeof(value));
            *uid = value;
            owned = TRUE;
        }
    }
    if (named && owned)
        return 0;
    errno = named ? EOPNOTSUPP : ENOENT;
    return -1;
}


int
socketOwnerGet(guint32 inode,
               const char *name,
               uid_t *uid)
{
    OwnerReply reply = { .space = "" };
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    ssize_t got;
    int saved;
    int rc;

    if (fd < 0)
        return -1;
    got = ownerAsk(fd, inode, &reply);
    rc = got < 0 ? -1 : ownerRead(&reply, got, inode, name, uid);
    saved = errno;
    close(fd);
    errno = saved;
    return rc;
}
