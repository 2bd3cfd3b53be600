/*
 * launcher_spawn.h: starts a program that is no child of QEMU's
 *
 * The launcher becomes QEMU, so a child of the launcher's would be a child
 * that QEMU did not make. A program is therefore started by a process in
 * between, which ends at once, and is adopted by init or by whoever reaps
 * orphans there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <stddef.h>

/* The longest time from fork() to the program's start, in milliseconds. */
#define LAUNCHER_SPAWN_TIMEOUT 10000

typedef enum {
    LAUNCHER_SPAWN_OK = 0,
    LAUNCHER_SPAWN_NO_PROCESS,      /* fork() failed, or the like */
    LAUNCHER_SPAWN_NO_PROGRAM,      /* exec() failed */
} LauncherSpawnResult;

/**
 * launcherSpawn:
 * @args: the program's absolute path and its arguments, ended by NULL
 * @fds: descriptors that the program gets under the same numbers, each
 *       above 2, in any order
 * @nfds: their number
 * @output: what becomes its standard output, or -1 for /dev/null
 * @pidfd: set to a descriptor of the program's process, or to -1 if that has
 *         ended, or where Linux has none of those (before 5.3)
 *
 * Starts a program as an orphan. It gets @fds, /dev/null as its standard input,
 * this process's standard error, and nothing else that is open.
 *
 * The pidfd is opened while the process in between is there, which keeps the
 * program's id from being used again however early the program ends.
 *
 * Returns LAUNCHER_SPAWN_OK once the program runs, else what went wrong, with
 * errno set.
 */
LauncherSpawnResult launcherSpawn(char *const *args,
                                  const int *fds,
                                  size_t nfds,
                                  int output,
                                  int *pidfd);
