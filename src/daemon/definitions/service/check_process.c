/*
 * check_process.c: the process that makes a check with libvirtd
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "check_process.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <unistd.h>

#define _(s) gettext(s)

struct _CheckProcess {
    pid_t pid;
    gboolean reaped;
    int fd;
    gint64 deadline;            /* monotonic, us */
};


CheckProcess *
checkProcessStart(const DefinitionCheckOptions *opts, GError **err)
{
    CheckProcess *process;
    int fd;
    pid_t pid = definitionCheckStart(opts, &fd, err);

    if (pid < 0)
        return NULL;

    /* The listener must not block when it reads the result. */
    fcntl(fd, F_SETFL, O_NONBLOCK);
    process = g_new0(CheckProcess, 1);
    process->pid = pid;
    process->fd = fd;
    process->deadline = g_get_monotonic_time() + CHECK_PROCESS_TIMEOUT * 1000LL;
    return process;
}


void
checkProcessFree(CheckProcess *process)
{
    if (!process)
        return;

    if (!process->reaped)
        kill(process->pid, SIGKILL);
    close(process->fd);
    g_free(process);
}


int
checkProcessFD(const CheckProcess *process)
{
    return process->fd;
}


int
checkProcessTimeout(const CheckProcess *process)
{
    gint64 left = process->deadline - g_get_monotonic_time();

    return left <= 0 ? 0 : (int) (left / 1000 + 1);
}


void
checkProcessResult(const CheckProcess *process, DefinitionCheckResult *result)
{
    ssize_t got;

    /* The process writes the result at once, and the pipe has space for it. */
    do {
        got = read(process->fd, result, sizeof(*result));
    } while (got < 0 && errno == EINTR);

    if (got != (ssize_t) sizeof(*result)) {
        *result = (DefinitionCheckResult) { .code = VIR_ERR_OPERATION_TIMEOUT };
        g_strlcpy(result->message, _("no reply from libvirtd"), sizeof(result->message));
    }
    result->message[sizeof(result->message) - 1] = '\0';
}


void
checkProcessReaped(CheckProcess *process, pid_t pid)
{
    if (process->pid == pid)
        process->reaped = TRUE;
}


void
checkProcessForget(const CheckProcess *process)
{
    close(process->fd);
}
