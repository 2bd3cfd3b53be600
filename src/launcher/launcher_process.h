/*
 * launcher_process.h: starts a process that outlives the launcher
 *
 * The launcher becomes QEMU, which must not have children that it did not create. The process is
 * therefore an orphan, which init adopts.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stddef.h>

typedef struct {
    enum {
        LAUNCHER_PROCESS_FORK,      /* a process could not be created */
        LAUNCHER_PROCESS_EXEC,      /* the program could not be run */
        LAUNCHER_PROCESS_OTHER,
    } kind;
    int number;                     /* errno of the first two */
} LauncherProcessError;

/**
 * launcherProcessStart:
 * @args: the path of the program and its arguments, NULL-terminated
 * @fds: the descriptors that it inherits besides standard error, in any order
 * @n: the number of descriptors
 * @output: the descriptor that becomes its standard output; -1: /dev/null
 * @pidfd: set to a descriptor of the process, or to -1 if Linux does not support it (before 5.3)
 * @error: set on failure
 *
 * Starts the program, and returns when it runs. Its standard input is /dev/null. @pidfd is opened
 * while the intermediate process exists, so that the process ID cannot be reused before, even if
 * the program exits early.
 *
 * Returns TRUE, or FALSE with @error set.
 */
gboolean launcherProcessStart(char *const *args,
                              const int *fds,
                              size_t n,
                              int output,
                              int *pidfd,
                              LauncherProcessError *error);
