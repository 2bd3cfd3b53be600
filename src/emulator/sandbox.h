/*
 * sandbox.h: what is left to pci-emulator once it serves a guest
 *
 * The guest chooses the bytes of its configuration accesses, and a QEMU that
 * a guest has taken over chooses every byte on the sockets. So the process
 * keeps nothing that it does not need: no descriptor but its own, none that
 * it could get (RLIMIT_NOFILE), no privilege, no core file, and the handful
 * of system calls that serving takes. None of them maps or opens anything.
 *
 * Knows no device and no protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <linux/filter.h>
#include <stddef.h>

/* The action for a system call that is not allowed */
typedef enum {
    SANDBOX_FILTER_KILL = 0,    /* the process is killed by SIGSYS */
    SANDBOX_FILTER_LOG,         /* the kernel logs it and lets it pass */
    SANDBOX_FILTER_NONE,        /* there is no filter */
} SandboxFilter;

/* The sanitizers' run time makes system calls of its own, in any place. */
#ifdef WITH_SANITIZERS
# define SANDBOX_FILTER_DEFAULT SANDBOX_FILTER_LOG
#else
# define SANDBOX_FILTER_DEFAULT SANDBOX_FILTER_KILL
#endif

/* "kill", "log", "none" */
const char *sandboxFilterToString(SandboxFilter filter);

/* Returns 0, or -1 for another string. */
int sandboxFilterFromString(const char *str,
                            SandboxFilter *filter);

/* Closes every descriptor except standard error and the NFDS ones of FDS,
 * which are above 2 and get sorted; standard input and output become
 * /dev/null, and standard error too if it is closed. To be called early, so
 * that no descriptor opened later is hit. Returns 0, or -1 with errno set. */
int sandboxCloseOthers(int *fds,
                       size_t nfds);

/* The task of a process, which determines the system calls that it may use */
typedef enum {
    SANDBOX_ROLE_SERVE = 0,     /* answers what QEMU asks */
    SANDBOX_ROLE_GUARD,         /* makes processes that serve, and waits for them */
    SANDBOX_ROLE_LOG,           /* reads what QEMU logs and writes it to standard error */
} SandboxRole;

/* A filter that was made before: what makes one needs more system calls than
 * any sandbox allows. */
typedef struct {
    SandboxRole role;
    SandboxFilter filter;
    unsigned short len;
    struct sock_filter instructions[256];
} SandboxProgram;

/* Makes the filter of ROLE. NOTIFYFD is the one descriptor beside standard
 * error that write() is allowed on, or -1. ACCEPT_BELOW is 0, or accept4() is
 * allowed, and a guard may remove files besides. Returns 0, or -1 with errno
 * set. */
int sandboxPrepare(SandboxProgram *program,
                   SandboxRole role,
                   SandboxFilter filter,
                   int notifyFd,
                   unsigned int acceptBelow);

/* Gives up what all processes of the program do without, for this one and
 * those that it forks. ACCEPT_BELOW is 0, or no descriptor can come but one
 * below that number. Returns 0, or -1 with errno set. */
int sandboxConfine(SandboxFilter filter,
                   unsigned int acceptBelow);

/* Enters the sandbox that PROGRAM describes, after sandboxConfine(). The
 * process has one thread. A worker enters its own within that of the guard
 * that has forked it; nobody of its user can look into it from then on.
 * Returns 0, or -1 with errno set. */
int sandboxApply(const SandboxProgram *program);

/* Returns all of these in one, for a process that serves without a guard. */
int sandboxEnter(SandboxFilter filter,
                 int notifyFd,
                 unsigned int acceptBelow);
