/*
 * vmstate_sandbox.c: the sandbox of emulatedpci-vmstate
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int allowedCalls[] = {
    /* open sockets, and the connection that is accepted */
    SCMP_SYS(accept4), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    /* waiting */
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(clock_gettime),
    /* memory and the process itself */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
    SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(getegid),
    SCMP_SYS(getgid), SCMP_SYS(getrandom), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(tgkill),
};


/* These return 0 or a negative errno, like libseccomp. */
static int
addRules(scmp_filter_ctx ctx)
{
    size_t i;
    int rc;

    for (i = 0; i < sizeof(allowedCalls) / sizeof(allowedCalls[0]); i++) {
        if ((rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowedCalls[i], 0)) < 0)
            return rc;
    }

    /* Memory without code is allowed; processes and threads are not. */
    if ((rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                               SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS))) < 0)
        return rc;
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}


static int
loadFilter(SandboxFilter filter)
{
    scmp_filter_ctx ctx = seccomp_init(filter == SANDBOX_FILTER_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (!ctx) {
        errno = ENOMEM;
        return -1;
    }
    rc = addRules(ctx);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return 0;
}


int
vmstateSandboxEnter(SandboxFilter filter)
{
    const struct rlimit none = { 0, 0 };

    if (chdir("/") < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -1;

    return filter == SANDBOX_FILTER_NONE ? 0 : loadFilter(filter);
}
