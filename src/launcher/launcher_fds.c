/*
 * launcher_fds.c: descriptors of the launcher, and which process inherits them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_fds.h"
#include "launcher_child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>


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
