/*
 * launcher_child.c: child processes of which QEMU does not notice anything
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_child.h"

#include "ignore-value.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The numbers of the system calls are the same on all architectures. */
#ifndef SYS_pidfd_open
# define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
# define SYS_pidfd_send_signal 424
#endif

/* Whether a SIGCHLD was pending before the first child was created. Such a signal must not be
 * removed. */
static gboolean sigchldWasPending;


static gboolean
launcherChildSigchldIsPending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGCHLD) == 1;
}


pid_t
launcherChildFork(void)
{
    sigchldWasPending = launcherChildSigchldIsPending();
    return fork();
}


int
launcherChildReap(pid_t pid)
{
    const struct timespec now = { 0, 0 };
    sigset_t sigchld;
    int status;
    pid_t rc;

    do {
        rc = waitpid(pid, &status, 0);
    } while (rc < 0 && errno == EINTR);

    /* A blocked SIGCHLD stays pending through exec. */
    if (!sigchldWasPending && launcherChildSigchldIsPending()) {
        sigemptyset(&sigchld);
        sigaddset(&sigchld, SIGCHLD);
        ignore_value(sigtimedwait(&sigchld, NULL, &now));
    }

    return rc < 0 ? -1 : status;
}


int
launcherChildOpen(pid_t pid)
{
    return syscall(SYS_pidfd_open, pid, 0);
}


void
launcherChildKill(int pidfd)
{
    ignore_value(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
}


gboolean
launcherChildSetStdio(int output)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(output < 0 ? null : output, STDOUT_FILENO) < 0)
        return FALSE;
    if (null > STDERR_FILENO)
        close(null);
    return TRUE;
}


ssize_t
launcherChildRead(int fd,
                  void *buf,
                  size_t size,
                  gint64 deadline)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        gint64 left = (deadline - g_get_monotonic_time() + 999) / 1000;
        ssize_t got;
        int rc = poll(&p, 1, CLAMP(left, 0, G_MAXINT));

        if (rc == 0 && left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (rc < 0 && errno != EINTR)
            return -1;
        if (rc <= 0)
            continue;

        got = read(fd, buf, size);
        if (got >= 0 || errno != EINTR)
            return got;
    }
}
