/*
 * sandbox.h: restricts a process before it serves a guest
 *
 * The guest chooses the bytes of its configuration accesses, and a QEMU under the control of a
 * guest chooses all bytes on the sockets. Therefore the process keeps only the resources that it
 * requires: its own descriptors and no way to get others (RLIMIT_NOFILE), no privileges, no core
 * file, and a few system calls, none of which maps memory or opens a file.
 *
 * This file knows neither devices nor protocols.
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

/* The run-time libraries of the sanitizers make additional system calls. */
#ifdef WITH_SANITIZERS
# define SANDBOX_FILTER_DEFAULT SANDBOX_FILTER_LOG
#else
# define SANDBOX_FILTER_DEFAULT SANDBOX_FILTER_KILL
#endif

/* Returns "kill", "log" or "none". */
const char *sandboxFilterToString(SandboxFilter filter);

/* Sets @filter to the action with that name. Returns 0, or -1 if there is none. */
int sandboxFilterFromString(const char *str,
                            SandboxFilter *filter);

/**
 * sandboxCloseOthers:
 * @fds: descriptors above 2, which are sorted
 * @nfds: their number
 *
 * Closes all descriptors except standard error and @fds. Standard input and output become
 * /dev/null, and standard error, too, if it is closed. Must be called before other descriptors
 * are opened.
 *
 * Returns 0, or -1 with errno set.
 */
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

/* Calls all of these functions, for a process without a guard. */
int sandboxEnter(SandboxFilter filter,
                 int notifyFd,
                 unsigned int acceptBelow);
