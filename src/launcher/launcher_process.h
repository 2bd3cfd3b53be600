/*
 * launcher_process.h: starts a process that outlives the launcher
 *
 * The process is not a child of the launcher, which becomes QEMU. It is adopted, as orphans are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stddef.h>

typedef struct {
    enum {
        LAUNCHER_PROCESS_FORK,      /* there could be no process */
        LAUNCHER_PROCESS_EXEC,      /* the program could not be run */
        LAUNCHER_PROCESS_OTHER,
    } kind;
    int number;                     /* errno of the first two */
} LauncherProcessError;

/**
 * launcherProcessStart:
 * @args: the program's path and its arguments, NULL-terminated
 * @fds: the descriptors that it inherits, besides standard error, in any order
 * @n: how many
 * @output: what becomes its standard output, or -1 for /dev/null
 * @pidfd: set to a descriptor of the process, or to -1 where Linux has none of those
 *         (before 5.3)
 * @error: set on failure
 *
 * Starts the program and returns when it runs. Its standard input is /dev/null.
 *
 * @pidfd is opened while the process in between exists, which keeps the id of the
 * program's process from being used again, however early the program ends.
 *
 * Returns FALSE on failure.
 */
gboolean launcherProcessStart(char *const *args,
                              const int *fds,
                              size_t n,
                              int output,
                              int *pidfd,
                              LauncherProcessError *error);
