/*
 * launcher_spawn.c: starts a program that is no child of QEMU's
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_spawn.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "full-write.h"
#include "ignore-value.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the two generations of children tell the launcher, each in one
 * write to a pipe, and so whole. */
typedef struct {
    enum {
        LAUNCHER_REPORT_PID,        /* value: the program's */
        LAUNCHER_REPORT_FORK,       /* value: errno of a failure */
        LAUNCHER_REPORT_EXEC,
    } kind;
    int value;
} LauncherReport;

typedef struct {
    char *const *args;
    int *keep;          /* what the program gets, and REPORT[1], ascending */
    size_t nkeep;
    int output;
    int report[2];      /* LauncherReport */
    int gate[2];        /* the process in between stays until this is closed */
} LauncherSpawn;


static int
launcherSpawnCompareFds(const void *a,
                        const void *b)
{
    return *(const int *) a - *(const int *) b;
}


G_GNUC_NORETURN static void
launcherSpawnFail(const LauncherSpawn *spawn,
                  int kind)
{
    const LauncherReport failure = { kind, errno };

    ignore_value(full_write(spawn->report[1], &failure, sizeof(failure)));
    _exit(EXIT_FAILURE);
}


/* The program to be, in its own process. Its end of the reports closes itself
 * on exec. */
G_GNUC_NORETURN static void
launcherSpawnExec(const LauncherSpawn *spawn)
{
    size_t i;

    for (i = 0; i < spawn->nkeep; i++) {
        if (spawn->keep[i] != spawn->report[1] && !launcherFdsInherit(spawn->keep[i]))
            launcherSpawnFail(spawn, LAUNCHER_REPORT_EXEC);
    }
    if (!launcherChildSetStdio(spawn->output) ||
        !launcherFdsCloseExcept(spawn->keep, spawn->nkeep))
        launcherSpawnFail(spawn, LAUNCHER_REPORT_EXEC);

    execv(spawn->args[0], spawn->args);
    launcherSpawnFail(spawn, LAUNCHER_REPORT_EXEC);
}


/* The process in between: its end makes an orphan of the program. */
G_GNUC_NORETURN static void
launcherSpawnFork(LauncherSpawn *spawn)
{
    LauncherReport success = { .kind = LAUNCHER_REPORT_PID };
    char byte;

    /* If SIGCHLD was ignored, the program's id would be free at its end. */
    signal(SIGCHLD, SIG_DFL);
    launcherFdsClose(&spawn->gate[1]);

    success.value = fork();
    if (success.value < 0)
        launcherSpawnFail(spawn, LAUNCHER_REPORT_FORK);
    if (success.value == 0)
        launcherSpawnExec(spawn);

    ignore_value(full_write(spawn->report[1], &success, sizeof(success)));
    while (read(spawn->gate[0], &byte, 1) < 0 && errno == EINTR)
        ;
    _exit(EXIT_SUCCESS);
}


/* Reads what the children tell; their ends of the pipe close when the program
 * runs. */
static LauncherSpawnResult
launcherSpawnRead(LauncherSpawn *spawn,
                  int *pidfd)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_SPAWN_TIMEOUT * INT64_C(1000);
    LauncherReport r;
    ssize_t got;

    while ((got = launcherChildRead(spawn->report[0], &r, sizeof(r), deadline)) == sizeof(r)) {
        switch (r.kind) {
        case LAUNCHER_REPORT_PID:
            *pidfd = launcherChildOpen(r.value);
            launcherFdsClose(&spawn->gate[1]);
            break;

        case LAUNCHER_REPORT_FORK:
            errno = r.value;
            return LAUNCHER_SPAWN_NO_PROCESS;

        case LAUNCHER_REPORT_EXEC:
        default:
            errno = r.value;
            return LAUNCHER_SPAWN_NO_PROGRAM;
        }
    }

    if (got != 0 || spawn->gate[1] >= 0) {
        errno = got < 0 ? errno : ECHILD;
        return LAUNCHER_SPAWN_NO_PROCESS;
    }
    return LAUNCHER_SPAWN_OK;
}


LauncherSpawnResult
launcherSpawn(char *const *args,
              const int *fds,
              size_t nfds,
              int output,
              int *pidfd)
{
    g_autofree int *keep = g_new(int, nfds + 1);
    LauncherSpawn spawn = {
        .args = args, .keep = keep, .nkeep = nfds + 1, .output = output,
        .report = { -1, -1 }, .gate = { -1, -1 },
    };
    LauncherSpawnResult result = LAUNCHER_SPAWN_NO_PROCESS;
    pid_t pid = -1;
    int saved;

    *pidfd = -1;
    if (launcherFdsPipe(spawn.report) && launcherFdsPipe(spawn.gate)) {
        memcpy(keep, fds, nfds * sizeof(*fds));
        keep[nfds] = spawn.report[1];
        qsort(keep, nfds + 1, sizeof(*keep), launcherSpawnCompareFds);

        pid = launcherChildFork();
        if (pid == 0)
            launcherSpawnFork(&spawn);
    }
    launcherFdsClose(&spawn.report[1]);
    launcherFdsClose(&spawn.gate[0]);
    if (pid > 0)
        result = launcherSpawnRead(&spawn, pidfd);

    saved = errno;
    launcherFdsClose(&spawn.gate[1]);
    launcherFdsClose(&spawn.report[0]);
    if (pid > 0)
        launcherChildReap(pid);
    errno = saved;
    return result;
}
