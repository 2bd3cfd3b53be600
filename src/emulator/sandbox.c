/*
 * sandbox.c: restricts a process before it serves a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "close_descriptors.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const filterNames[] = {
    [SANDBOX_FILTER_KILL] = "kill",
    [SANDBOX_FILTER_LOG] = "log",
    [SANDBOX_FILTER_NONE] = "none",
};

/* The system calls without conditions on their arguments: the kernel evaluates them with a bitmap,
 * without running the filter. */
static const int allowedCalls[] = {
    /* serving */
    SCMP_SYS(recvmmsg),
#ifdef __SNR_recvmmsg_time64
    SCMP_SYS(recvmmsg_time64),
#endif
    SCMP_SYS(sendmmsg),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(close),
    /* closing a device */
    SCMP_SYS(recvfrom),
    SCMP_SYS(shutdown),
    /* logging, besides write() to standard error */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* exiting, and continuing after SIGSTOP */
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
};

/* All system calls of SANDBOX_ROLE_LOG, besides write() to standard error and ioctl(FIONREAD) on
 * it */
static const int logCalls[] = {
    SCMP_SYS(read),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(close),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
};

/* The additional system calls of the guard. The processes that it forks inherit its filter. */
static const int guardCalls[] = {
    SCMP_SYS(wait4),
    SCMP_SYS(kill),
    SCMP_SYS(rt_sigtimedwait),
#ifdef __SNR_rt_sigtimedwait_time64
    SCMP_SYS(rt_sigtimedwait_time64),
#endif
    /* for systems whose vDSO has no clock */
    SCMP_SYS(clock_gettime),
#ifdef __SNR_clock_gettime64
    SCMP_SYS(clock_gettime64),
#endif
};

/* The additional system calls of a guard that accepts connections: it removes the files of the
 * sockets, and gets the identity of clients. */
static const int guardAcceptCalls[] = {
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(getsockopt),
};

/* The argument of clone() that holds the flags */
#ifdef __s390__
# define CLONE_FLAGS SCMP_A1
#else
# define CLONE_FLAGS SCMP_A0
#endif


const char *
sandboxFilterToString(SandboxFilter filter)
{
    return filterNames[filter];
}


int
sandboxFilterFromString(const char *str,
                        SandboxFilter *filter)
{
    int i;

    for (i = SANDBOX_FILTER_KILL; i <= SANDBOX_FILTER_NONE; i++) {
        if (strcmp(filterNames[i], str) == 0) {
            *filter = i;
            return 0;
        }
    }
    return -1;
}


static int
compareFds(const void *a,
           const void *b)
{
    const int *x = a;
    const int *y = b;

    return (*x > *y) - (*x < *y);
}


static int
replaceStandardStreams(void)
{
    const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int i;

    if (fd < 0)
        return -1;

    for (i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        if (i == STDERR_FILENO && (fd == i || fcntl(i, F_GETFD) >= 0))
            continue;
        if (i != fd && dup2(fd, i) < 0)
            return -1;
    }
    if (fd > STDERR_FILENO)
        close(fd);
    return 0;
}


int
sandboxCloseOthers(int *fds,
                   size_t nfds)
{
    qsort(fds, nfds, sizeof(*fds), compareFds);
    if (!closeDescriptorsExcept(fds, nfds))
        return -1;

    return replaceStandardStreams();
}


/* These return 0 or a negative errno, like libseccomp. */
static int
addCalls(scmp_filter_ctx ctx,
         const int *calls,
         size_t n)
{
    size_t i;
    int rc;

    for (i = 0; i < n; i++) {
        if ((rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0)) < 0)
            return rc;
    }
    return 0;
}


static int
addWrite(scmp_filter_ctx ctx,
         int fd)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, fd));
}


static int
addPrctl(scmp_filter_ctx ctx,
         int option)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, option));
}


static int
addLogRules(scmp_filter_ctx ctx)
{
    const int rc = addCalls(ctx, logCalls, sizeof(logCalls) / sizeof(logCalls[0]));

    if (rc < 0)
        return rc;
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2,
                            SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO), SCMP_A1(SCMP_CMP_EQ, FIONREAD));
}


static int
addGuardRules(scmp_filter_ctx ctx)
{
    int rc;

    if ((rc = addCalls(ctx, guardCalls, sizeof(guardCalls) / sizeof(guardCalls[0]))) < 0 ||
        (rc = addPrctl(ctx, PR_SET_DUMPABLE)) < 0 ||
        (rc = addPrctl(ctx, PR_SET_SECCOMP)) < 0)
        return rc;

    /* fork(): no thread, no namespace */
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            CLONE_FLAGS(SCMP_CMP_EQ, SIGCHLD));
}


static int
addRules(scmp_filter_ctx ctx,
         SandboxRole role,
         int notifyFd,
         bool accepting)
{
    int rc;

    if (role == SANDBOX_ROLE_LOG)
        rc = addLogRules(ctx);
    else
        rc = addCalls(ctx, allowedCalls, sizeof(allowedCalls) / sizeof(allowedCalls[0]));
    if (rc < 0 || (rc = addWrite(ctx, STDERR_FILENO)) < 0)
        return rc;

    if (accepting && (rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(accept4), 0)) < 0)
        return rc;

    if (role == SANDBOX_ROLE_GUARD && (rc = addGuardRules(ctx)) < 0)
        return rc;

    if (role == SANDBOX_ROLE_GUARD && accepting &&
        ((rc = addCalls(ctx, guardAcceptCalls,
                        sizeof(guardAcceptCalls) / sizeof(guardAcceptCalls[0]))) < 0 ||
         (rc = addPrctl(ctx, PR_SET_PDEATHSIG)) < 0))
        return rc;

    return notifyFd < 0 ? 0 : addWrite(ctx, notifyFd);
}


int
sandboxPrepare(SandboxProgram *program,
               SandboxRole role,
               SandboxFilter filter,
               int notifyFd,
               unsigned int acceptBelow)
{
    scmp_filter_ctx ctx;
    int fds[2] = { -1, -1 };
    ssize_t got = -1;
    int rc;

    *program = (SandboxProgram) { .role = role, .filter = filter };
    if (filter == SANDBOX_FILTER_NONE)
        return 0;

    ctx = seccomp_init(filter == SANDBOX_FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);
    if (!ctx) {
        errno = ENOMEM;
        return -1;
    }

    /* A pipe accepts 4096 bytes without a reader, which is more than the size of the program. */
    if ((rc = addRules(ctx, role, notifyFd, acceptBelow > 0)) == 0) {
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
            rc = -errno;
        else
            rc = seccomp_export_bpf(ctx, fds[1]);
    }
    if (rc == 0)
        got = read(fds[0], program->instructions, sizeof(program->instructions));

    /* The memory of libseccomp is freed before a filter is active, because free() could then be
     * forbidden. */
    if (fds[0] >= 0) {
        close(fds[0]);
        close(fds[1]);
    }
    seccomp_release(ctx);

    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    if (got <= 0 || got % sizeof(program->instructions[0]) != 0 ||
        got == sizeof(program->instructions)) {
        errno = EOVERFLOW;
        return -1;
    }
    program->len = got / sizeof(program->instructions[0]);
    return 0;
}


int
sandboxConfine(SandboxFilter filter,
               unsigned int acceptBelow)
{
    const struct rlimit none = { 0, 0 };
    const struct rlimit one = { 1, 1 };
    const struct rlimit few = { acceptBelow, acceptBelow };

    malloc_trim(0);

    if (chdir("/") < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;

    /* New descriptors are not possible, because number 0 is in use. (The limit cannot be 0,
     * because poll() accepts no more entries than that.) The sanitizers and valgrind, for which
     * the filter is relaxed, open files for their reports. */
    if (filter != SANDBOX_FILTER_KILL)
        return 0;
    return setrlimit(RLIMIT_NOFILE, acceptBelow > 0 ? &few : &one);
}


int
sandboxApply(const SandboxProgram *program)
{
    struct sock_fprog filter = {
        .len = program->len,
        .filter = (struct sock_filter *) program->instructions,
    };

    if (program->role != SANDBOX_ROLE_GUARD && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;

    if (program->filter == SANDBOX_FILTER_NONE)
        return 0;

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}


int
sandboxEnter(SandboxFilter filter,
             int notifyFd,
             unsigned int acceptBelow)
{
    SandboxProgram program;

    if (sandboxPrepare(&program, SANDBOX_ROLE_SERVE, filter, notifyFd, acceptBelow) < 0 ||
        sandboxConfine(filter, acceptBelow) < 0)
        return -1;

    return sandboxApply(&program);
}
