/*
 * launcher_logfilter.c: removes repeated lines from the domain's log
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_logfilter.h"
#include "launcher_child.h"
#include "launcher_fds.h"
#include "launcher_log.h"
#include "launcher_paths.h"
#include "launcher_process.h"

#include "gettext.h"
#include "ignore-value.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define _(s) gettext(s)


/* Returns whether standard error is open and not /dev/null. */
static gboolean
launcherLogfilterIsNeeded(void)
{
    struct stat st;
    struct stat null;

    return fstat(STDERR_FILENO, &st) == 0 &&
        !(stat("/dev/null", &null) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev);
}


/* Starts PROGRAM, which reads from INPUT and writes to READY when it is ready. Returns FALSE with
 * errno set. */
static gboolean
launcherLogfilterSpawn(const char *program,
                       int input,
                       int ready,
                       int monitor)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    int fds[4];
    size_t n = 0;
    int self = launcherFdsSelf();
    int pidfd;
    LauncherProcessError error;
    gboolean ok;

    g_ptr_array_add(args, g_strdup(program));
    g_ptr_array_add(args, g_strdup_printf("--input-fd=%d", fds[n++] = input));
    g_ptr_array_add(args, g_strdup_printf("--ready-fd=%d", fds[n++] = ready));
    if (self >= 0)
        g_ptr_array_add(args, g_strdup_printf("--qemu-fd=%d", fds[n++] = self));
    /* Only with QEMU's pidfd: the process must not keep the monitor's socket open after QEMU has
     * exited. */
    if (self >= 0 && monitor > STDERR_FILENO)
        g_ptr_array_add(args, g_strdup_printf("--monitor-fd=%d", fds[n++] = monitor));
    g_ptr_array_add(args, NULL);

    ok = launcherProcessStart((char **) args->pdata, fds, n, -1, &pidfd, &error);
    launcherFdsClose(&pidfd);
    launcherFdsClose(&self);
    errno = error.number;
    return ok;
}


void
launcherLogfilterStart(LauncherLogfilter *filter,
                       const char *home,
                       int monitor)
{
    g_autofree char *program = launcherPathsGetLogfilter(home);
    int input[2] = { -1, -1 };
    int ready[2] = { -1, -1 };

    if (!launcherLogfilterIsNeeded())
        return;

    if (!launcherFdsPipe(input) || !launcherFdsPipe(ready) ||
        !launcherLogfilterSpawn(program, input[0], ready[1], monitor)) {
        launcherLog(_("warning: cannot run '%1$s', which removes repeated lines from this log: %2$s"),
                    program, g_strerror(errno));
        launcherFdsClose(&input[1]);
        launcherFdsClose(&ready[0]);
    }
    launcherFdsClose(&input[0]);
    launcherFdsClose(&ready[1]);
    filter->output = input[1];
    filter->ready = ready[0];
}


void
launcherLogfilterEnter(LauncherLogfilter *filter)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_LOGFILTER_TIMEOUT * INT64_C(1000);
    char byte;

    /* If the process has exited before, it has reported the reason. */
    if (filter->output < 0 || launcherChildRead(filter->ready, &byte, 1, deadline) != 1)
        return;

    filter->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (filter->saved >= 0)
        ignore_value(dup2(filter->output, STDERR_FILENO));
}


void
launcherLogfilterLeave(LauncherLogfilter *filter)
{
    if (filter->saved >= 0)
        ignore_value(dup2(filter->saved, STDERR_FILENO));
}


void
launcherLogfilterClear(LauncherLogfilter *filter)
{
    launcherFdsClose(&filter->ready);
    launcherFdsClose(&filter->output);
    launcherFdsClose(&filter->saved);
}
