/*
 * launcher_process.c: starts a process that outlives the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_process.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "full-write.h"
#include "ignore-value.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The longest time that a program may take until it runs, in milliseconds. */
#define LAUNCHER_PROCESS_TIMEOUT 10000

/* What the two generations of children tell the launcher, each in one
 * write to a pipe, and so whole. */
typedef struct {
    enum {
        LAUNCHER_REPORT_PID,        /* value: the process's */
        LAUNCHER_REPORT_FORK,       /* value: errno of a failure */
        LAUNCHER_REPORT_EXEC,
    } kind;
    int value;
} LauncherReport;


G_GNUC_NORETURN static void
processFail(int report,
            int kind)
{
    const LauncherReport failure = { kind, errno };

    ignore_value(full_write(report, &failure, sizeof(failure)));
    _exit(EXIT_FAILURE);
}


/* The program to be, in its own process. KEEP: its descriptors, ascending;
 * REPORT closes itself on exec. */
G_GNUC_NORETURN static void
processExec(char **args,
            int *keep,
            size_t nkeep,
            int report)
{
    size_t i;

    for (i = 0; i < nkeep; i++) {
        if (keep[i] != report && !launcherFdsInherit(keep[i]))
            processFail(report, LAUNCHER_REPORT_EXEC);
    }
    if (!launcherChildSetStdio(-1) || !launcherFdsCloseExcept(keep, nkeep))
        processFail(report, LAUNCHER_REPORT_EXEC);

    execv(args[0], args);
    processFail(report, LAUNCHER_REPORT_EXEC);
}


/* The process in between: its end makes an orphan of the other one. */
G_GNUC_NORETURN static void
processFork(char **args,
            int *keep,
            size_t nkeep,
            int report)
{
    LauncherReport success = { LAUNCHER_REPORT_PID, fork() };

    if (success.value < 0)
        processFail(report, LAUNCHER_REPORT_FORK);
    if (success.value == 0)
        processExec(args, keep, nkeep, report);

    ignore_value(full_write(report, &success, sizeof(success)));
    _exit(EXIT_SUCCESS);
}


/* Reads what the children tell; their end of the pipe closes when the
 * program runs. */
static gboolean
processReadReports(int report,
                   int *pidfd,
                   LauncherProcessError *error)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_PROCESS_TIMEOUT * INT64_C(1000);
    LauncherReport r;
    gboolean started = FALSE;
    ssize_t got;

    while ((got = launcherChildRead(report, &r, sizeof(r), deadline)) == sizeof(r)) {
        if (r.kind != LAUNCHER_REPORT_PID) {
            error->kind = r.kind == LAUNCHER_REPORT_FORK ? LAUNCHER_PROCESS_FORK : LAUNCHER_PROCESS_EXEC;
            error->number = r.value;
            return FALSE;
        }
        *pidfd = launcherChildOpen(r.value);
        started = TRUE;
    }

    *error = (LauncherProcessError) { LAUNCHER_PROCESS_OTHER, 0 };
    return got == 0 && started;
}


static int
processCompareFds(const void *a,
                  const void *b)
{
    return *(const int *) a - *(const int *) b;
}


gboolean
launcherProcessStart(char **args,
                     int *fds,
                     size_t n,
                     int *pidfd,
                     LauncherProcessError *error)
{
    int report[2] = { -1, -1 };
    gboolean ok = FALSE;
    pid_t pid = -1;

    *pidfd = -1;
    if (launcherFdsPipe(report)) {
        fds[n++] = report[1];
        qsort(fds, n, sizeof(*fds), processCompareFds);

        pid = launcherChildFork();
        if (pid == 0)
            processFork(args, fds, n, report[1]);
    }
    *error = (LauncherProcessError) { LAUNCHER_PROCESS_FORK, errno };
    launcherFdsClose(&report[1]);

    if (pid > 0) {
        ok = processReadReports(report[0], pidfd, error);
        launcherChildReap(pid);
    }
    launcherFdsClose(&report[0]);
    return ok;
}
