/*
 * launcher_fds.c: which process gets which descriptor
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_fds.h"
#include "launcher_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For Linux's old number of the system call, the same everywhere. */
#ifndef SYS_close_range
# define SYS_close_range 436
#endif


void
launcherFdsClose(int *fd)
{
    const int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}


gboolean
launcherFdsRaise(int *fd)
{
    int raised;

    if (*fd > STDERR_FILENO)
        return TRUE;
    raised = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    launcherFdsClose(fd);
    *fd = raised;
    return raised >= 0;
}


static gboolean
launcherFdsRaiseBoth(int fds[2])
{
    if (launcherFdsRaise(&fds[0]) && launcherFdsRaise(&fds[1]))
        return TRUE;
    launcherFdsClose(&fds[0]);
    launcherFdsClose(&fds[1]);
    return FALSE;
}


gboolean
launcherFdsSocketpair(int fds[2])
{
    fds[0] = fds[1] = -1;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 &&
        launcherFdsRaiseBoth(fds);
}


gboolean
launcherFdsPacketpair(int fds[2])
{
    fds[0] = fds[1] = -1;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0 &&
        launcherFdsRaiseBoth(fds);
}


gboolean
launcherFdsPipe(int fds[2])
{
    fds[0] = fds[1] = -1;
    return pipe2(fds, O_CLOEXEC) == 0 && launcherFdsRaiseBoth(fds);
}


int
launcherFdsSelf(void)
{
    int fd = launcherChildOpen(getpid());

    if (fd >= 0)
        launcherFdsRaise(&fd);
    return fd;
}


gboolean
launcherFdsInherit(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    return flags >= 0 && fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}


gboolean
launcherFdsCloseExceptSlowly(const int *keep,
                             size_t n)
{
    struct rlimit limit;
    int max = 65536;
    int fd;

    /* The limit can have been higher when a descriptor was opened; libvirt
     * does not do that. An "infinite" one is not walked through. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
        max = MIN(limit.rlim_max, 4 * 1024 * 1024);

    for (fd = STDERR_FILENO + 1; fd < max; fd++) {
        if (n > 0 && *keep == fd) {
            keep++;
            n--;
        } else {
            close(fd);
        }
    }
    return TRUE;
}


gboolean
launcherFdsCloseExcept(const int *keep,
                       size_t n)
{
    const int *const all = keep;
    const size_t total = n;
    unsigned int first = STDERR_FILENO + 1;

    for (; n > 0; keep++, n--) {
        const unsigned int fd = *keep;

        if (first < fd && syscall(SYS_close_range, first, fd - 1, 0) < 0)
            return errno == ENOSYS && launcherFdsCloseExceptSlowly(all, total);
        first = fd + 1;
    }
    if (syscall(SYS_close_range, first, UINT_MAX, 0) < 0)
        return errno == ENOSYS && launcherFdsCloseExceptSlowly(all, total);
    return TRUE;
}
