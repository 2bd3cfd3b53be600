/*
 * launcher_process.h: starts a process that outlives the launcher
 *
 * It is no child of the launcher's, which becomes QEMU, but of whoever adopts
 * orphans.
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
 * @fds: the descriptors that it inherits, besides standard error; gets sorted, and
 *   has room for one more
 * @n: how many
 * @pidfd: gets a descriptor of the process, or -1 where Linux has none of those
 * @error: gets the reason of a failure
 *
 * Starts the program and returns when it runs. Its standard input and output are
 * /dev/null.
 *
 * Returns FALSE on failure.
 */
gboolean launcherProcessStart(char **args,
                              int *fds,
                              size_t n,
                              int *pidfd,
                              LauncherProcessError *error);
