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

/**
 * sandboxFilterToString:
 * @filter: an action
 *
 * Returns the name of the action: "kill", "log" or "none". It must not be freed.
 */
const char *sandboxFilterToString(SandboxFilter filter);

/**
 * sandboxFilterFromString:
 * @str: the name of an action
 * @filter: set to the action
 *
 * Returns 0, or -1 if there is no such action.
 */
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
    SANDBOX_ROLE_SERVE = 0,     /* serves QEMU's requests */
    SANDBOX_ROLE_GUARD,         /* starts processes that serve, and waits for them */
    SANDBOX_ROLE_LOG,           /* reads QEMU's messages and writes them to standard error */
} SandboxRole;

/* A filter. It is created in advance, because this requires more system calls than any sandbox
 * allows. */
typedef struct {
    SandboxRole role;
    SandboxFilter filter;
    unsigned short len;
    struct sock_filter instructions[256];
} SandboxProgram;

/**
 * sandboxPrepare:
 * @program: filled in
 * @role: the task of the process
 * @filter: the action for a forbidden system call
 * @notifyFd: the only descriptor besides standard error for which write() is allowed; -1: none
 * @acceptBelow: if not 0, accept4() is allowed, and a guard may also remove files
 *
 * Creates a filter (seccomp(2)) without entering it. Creating one requires more system calls than
 * a sandbox allows.
 *
 * Returns 0, or -1 with errno set.
 */
int sandboxPrepare(SandboxProgram *program,
                   SandboxRole role,
                   SandboxFilter filter,
                   int notifyFd,
                   unsigned int acceptBelow);

/**
 * sandboxConfine:
 * @filter: the action for a forbidden system call
 * @acceptBelow: new descriptors must have a number below this one; 0: new descriptors are not
 *               allowed
 *
 * Gives up the privileges that no process of the program requires, for this process and those that
 * it forks.
 *
 * Returns 0, or -1 with errno set.
 */
int sandboxConfine(SandboxFilter filter,
                   unsigned int acceptBelow);

/**
 * sandboxApply:
 * @program: the filter
 *
 * Enters the sandbox. To be called after sandboxConfine(), by a process with one thread. A worker
 * enters its sandbox within that of the guard that has forked it. Except for a guard, other
 * processes of the user cannot inspect the process then.
 *
 * Returns 0, or -1 with errno set.
 */
int sandboxApply(const SandboxProgram *program);

/**
 * sandboxEnter:
 * @filter: see sandboxPrepare()
 * @notifyFd: see sandboxPrepare()
 * @acceptBelow: see sandboxPrepare() and sandboxConfine()
 *
 * Enters the sandbox of a process without a guard: calls the three functions above.
 *
 * Returns 0, or -1 with errno set.
 */
int sandboxEnter(SandboxFilter filter,
                 int notifyFd,
                 unsigned int acceptBelow);
