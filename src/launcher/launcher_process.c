/*
 * launcher_process.c: starts a process that outlives the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "close_descriptors.h"
#include "launcher_process.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "full-write.h"
#include "ignore-value.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The longest time that a program may take until it runs, in milliseconds. */
#define LAUNCHER_PROCESS_TIMEOUT 10000

/* A report of the child or the grandchild to the launcher, in one write to a pipe, so that it is
 * not split */
typedef struct {
    enum {
        LAUNCHER_REPORT_PID,        /* the value is the process ID of the program */
        LAUNCHER_REPORT_FORK,       /* the value is the errno of a failure */
        LAUNCHER_REPORT_EXEC,
    } kind;
    int value;
} LauncherReport;

typedef struct {
    char *const *args;
    int *keep;          /* the descriptors that the program inherits, and report[1], ascending */
    size_t nkeep;
    int output;
    int report[2];      /* LauncherReport */
    int gate[2];        /* the intermediate process waits until this pipe is closed */
} LauncherProcess;


static int
processCompareFds(const void *a,
                  const void *b)
{
    return *(const int *) a - *(const int *) b;
}


G_GNUC_NORETURN static void
processFail(const LauncherProcess *process,
            int kind)
{
    const LauncherReport failure = { kind, errno };

    ignore_value(full_write(process->report[1], &failure, sizeof(failure)));
    _exit(EXIT_FAILURE);
}


/* The process that becomes the program. Its end of the pipe for reports is closed on exec. */
G_GNUC_NORETURN static void
processExec(const LauncherProcess *process)
{
    size_t i;

    for (i = 0; i < process->nkeep; i++) {
        if (process->keep[i] != process->report[1] && !launcherFdsInherit(process->keep[i]))
            processFail(process, LAUNCHER_REPORT_EXEC);
    }
    if (!launcherChildSetStdio(process->output) ||
        !closeDescriptorsExcept(process->keep, process->nkeep))
        processFail(process, LAUNCHER_REPORT_EXEC);

    execv(process->args[0], process->args);
    processFail(process, LAUNCHER_REPORT_EXEC);
}


/* The intermediate process: when it exits, the program becomes an orphan. */
G_GNUC_NORETURN static void
processFork(LauncherProcess *process)
{
    LauncherReport success = { .kind = LAUNCHER_REPORT_PID };
    char byte;

    /* If SIGCHLD is ignored, the process ID of the program could be reused when it exits. */
    signal(SIGCHLD, SIG_DFL);
    launcherFdsClose(&process->gate[1]);

    success.value = fork();
    if (success.value < 0)
        processFail(process, LAUNCHER_REPORT_FORK);
    if (success.value == 0)
        processExec(process);

    ignore_value(full_write(process->report[1], &success, sizeof(success)));
    while (read(process->gate[0], &byte, 1) < 0 && errno == EINTR)
        ;
    _exit(EXIT_SUCCESS);
}


/* Reads the reports of the children. Their ends of the pipe are closed when the program runs. */
static gboolean
processReadReports(LauncherProcess *process,
                   int *pidfd,
                   LauncherProcessError *error)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_PROCESS_TIMEOUT * INT64_C(1000);
    LauncherReport r;
    ssize_t got;

    while ((got = launcherChildRead(process->report[0], &r, sizeof(r), deadline)) == sizeof(r)) {
        if (r.kind != LAUNCHER_REPORT_PID) {
            error->kind = r.kind == LAUNCHER_REPORT_FORK ? LAUNCHER_PROCESS_FORK : LAUNCHER_PROCESS_EXEC;
            error->number = r.value;
            return FALSE;
        }
        *pidfd = launcherChildOpen(r.value);
        launcherFdsClose(&process->gate[1]);
    }

    *error = (LauncherProcessError) { LAUNCHER_PROCESS_OTHER, 0 };
    return got == 0 && process->gate[1] < 0;
}


gboolean
launcherProcessStart(char *const *args,
                     const int *fds,
                     size_t n,
                     int output,
                     int *pidfd,
                     LauncherProcessError *error)
{
    g_autofree int *keep = g_new(int, n + 1);
    LauncherProcess process = {
        .args = args, .keep = keep, .nkeep = n + 1, .output = output,
        .report = { -1, -1 }, .gate = { -1, -1 },
    };
    gboolean ok = FALSE;
    pid_t pid = -1;

    *pidfd = -1;
    if (launcherFdsPipe(process.report) && launcherFdsPipe(process.gate)) {
        if (n > 0)
            memcpy(keep, fds, n * sizeof(*fds));
        keep[n] = process.report[1];
        qsort(keep, n + 1, sizeof(*keep), processCompareFds);

        pid = launcherChildFork();
        if (pid == 0)
            processFork(&process);
    }
    *error = (LauncherProcessError) { LAUNCHER_PROCESS_FORK, errno };
    launcherFdsClose(&process.report[1]);
    launcherFdsClose(&process.gate[0]);

    if (pid > 0)
        ok = processReadReports(&process, pidfd, error);
    launcherFdsClose(&process.gate[1]);
    launcherFdsClose(&process.report[0]);
    if (pid > 0)
        launcherChildReap(pid);
    return ok;
}
