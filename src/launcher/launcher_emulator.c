/*
 * launcher_emulator.c: starts an emulator beside QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_emulator.h"
#include "launcher_child.h"
#include "launcher_fds.h"

#include "full-write.h"
#include "gettext.h"
#include "ignore-value.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _(s) gettext(s)

/* What the two generations of children tell the launcher, each in one
 * write to a pipe, and so whole. */
typedef struct {
    enum {
        LAUNCHER_REPORT_PID,        /* value: the emulator's */
        LAUNCHER_REPORT_FORK,       /* value: errno of a failure */
        LAUNCHER_REPORT_EXEC,
    } kind;
    int value;
} LauncherReport;


char *
launcherEmulatorFormatDevice(const QEMUProps *props)
{
    GString *result = g_string_new(NULL);
    int i;

    g_string_append_printf(result, "%s=%s",
                           emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                           props->devicename);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        g_string_append_printf(result, ",%s=0x%0*x", info->name, (int) info->bits / 4,
                               props->value[i]);
    }
    return g_string_free(result, FALSE);
}


/* For an emulator that QEMU is to connect to: this process, which will be QEMU. -1 if
 * the emulator does not know what that is, or this Linux does not. */
static int
launcherEmulatorOpenClient(const LauncherEmulatorSpec *spec)
{
    size_t i;

    for (i = 0; spec->client && i < spec->n; i++) {
        if (spec->sockets[i]->path)
            return launcherFdsSelf();
    }
    return -1;
}


static char **
launcherEmulatorFormatArgs(const LauncherEmulatorSpec *spec,
                           int ready,
                           int client)
{
    GPtrArray *args = g_ptr_array_new();
    size_t i;

    if (spec->stubdomain) {
        g_ptr_array_add(args, g_strdup(spec->stubdomain));
        g_ptr_array_add(args, g_strdup_printf("--ready-fd=%d", ready));
    }
    g_ptr_array_add(args, g_strdup(spec->program));
    for (i = 0; spec->args && spec->args[i]; i++)
        g_ptr_array_add(args, g_strdup(spec->args[i]));
    g_ptr_array_add(args, g_strdup_printf("--ready-fd=%d", ready));
    if (client >= 0)
        g_ptr_array_add(args, g_strdup_printf("--client-fd=%d", client));
    for (i = 0; i < spec->n; i++) {
        g_autofree char *device = launcherEmulatorFormatDevice(spec->props[i]);

        g_ptr_array_add(args, g_strdup("--device"));
        g_ptr_array_add(args, spec->sockets[i]->path ?
                        g_strdup_printf("socket=%s,%s", spec->sockets[i]->path, device) :
                        g_strdup_printf("fd=%d,%s", spec->sockets[i]->theirs, device));
    }
    g_ptr_array_add(args, NULL);
    return (char **) g_ptr_array_free(args, FALSE);
}


G_GNUC_NORETURN static void
launcherEmulatorFail(int report,
                     int kind)
{
    const LauncherReport failure = { kind, errno };

    ignore_value(full_write(report, &failure, sizeof(failure)));
    _exit(EXIT_FAILURE);
}


/* The emulator to be, in its own process. KEEP: its descriptors, ascending;
 * REPORT closes itself on exec. */
G_GNUC_NORETURN static void
launcherEmulatorExec(char **args,
                     int *keep,
                     size_t nkeep,
                     int report)
{
    size_t i;

    for (i = 0; i < nkeep; i++) {
        if (keep[i] != report && !launcherFdsInherit(keep[i]))
            launcherEmulatorFail(report, LAUNCHER_REPORT_EXEC);
    }
    if (!launcherChildSetStdio(-1) || !launcherFdsCloseExcept(keep, nkeep))
        launcherEmulatorFail(report, LAUNCHER_REPORT_EXEC);

    execv(args[0], args);
    launcherEmulatorFail(report, LAUNCHER_REPORT_EXEC);
}


/* The process in between: its end makes an orphan of the emulator. */
G_GNUC_NORETURN static void
launcherEmulatorFork(char **args,
                     int *keep,
                     size_t nkeep,
                     int report)
{
    LauncherReport success = { LAUNCHER_REPORT_PID, fork() };

    if (success.value < 0)
        launcherEmulatorFail(report, LAUNCHER_REPORT_FORK);
    if (success.value == 0)
        launcherEmulatorExec(args, keep, nkeep, report);

    ignore_value(full_write(report, &success, sizeof(success)));
    _exit(EXIT_SUCCESS);
}


/* Reads what the children tell; their end of the pipe closes when the
 * emulator runs. */
static gboolean
launcherEmulatorReadReports(LauncherEmulator *emulator,
                            int report,
                            const LauncherEmulatorSpec *spec,
                            GError **err)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_EMULATOR_TIMEOUT * INT64_C(1000);
    LauncherReport r;
    gboolean started = FALSE;
    ssize_t got;

    while ((got = launcherChildRead(report, &r, sizeof(r), deadline)) == sizeof(r)) {
        switch (r.kind) {
        case LAUNCHER_REPORT_PID:
            emulator->pidfd = launcherChildOpen(r.value);
            started = TRUE;
            break;

        case LAUNCHER_REPORT_FORK:
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot start a process: %1$s"), g_strerror(r.value));
            return FALSE;

        case LAUNCHER_REPORT_EXEC:
        default:
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot run '%1$s' for the PCI device emulator '%2$s': %3$s"),
                                   spec->stubdomain ? spec->stubdomain : spec->program,
                                   spec->name, g_strerror(r.value));
            return FALSE;
        }
    }

    if (got != 0 || !started) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot start the PCI device emulator '%1$s'"), spec->name);
        return FALSE;
    }
    return TRUE;
}


static int
launcherEmulatorCompareFds(const void *a,
                           const void *b)
{
    return *(const int *) a - *(const int *) b;
}


/* Forks; READY, REPORT and the other ends of the sockets are the child's
 * descriptors. */
static pid_t
launcherEmulatorSpawn(const LauncherEmulatorSpec *spec,
                      int ready,
                      int report)
{
    int client = launcherEmulatorOpenClient(spec);
    g_auto(GStrv) args = launcherEmulatorFormatArgs(spec, ready, client);
    g_autofree int *keep = g_new(int, spec->n + 3);
    size_t n = 0;
    size_t i;
    pid_t pid;

    for (i = 0; i < spec->n; i++) {
        if (spec->sockets[i]->theirs >= 0)
            keep[n++] = spec->sockets[i]->theirs;
    }
    keep[n++] = ready;
    keep[n++] = report;
    if (client >= 0)
        keep[n++] = client;
    qsort(keep, n, sizeof(*keep), launcherEmulatorCompareFds);

    pid = launcherChildFork();
    if (pid == 0)
        launcherEmulatorFork(args, keep, n, report);
    launcherFdsClose(&client);
    return pid;
}


gboolean
launcherEmulatorStart(LauncherEmulator *emulator,
                      const LauncherEmulatorSpec *spec,
                      GError **err)
{
    int ready[2] = { -1, -1 };
    int report[2] = { -1, -1 };
    gboolean ok = FALSE;
    pid_t pid = -1;
    size_t i;

    *emulator = (LauncherEmulator) { .name = spec->name, .pidfd = -1, .ready = -1 };

    if (launcherFdsPipe(ready) && launcherFdsPipe(report))
        pid = launcherEmulatorSpawn(spec, ready[1], report[1]);
    if (pid < 0)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot start a process: %1$s"), g_strerror(errno));

    /* The other side's ends are its own from here on. */
    for (i = 0; i < spec->n; i++)
        launcherFdsClose(&spec->sockets[i]->theirs);
    launcherFdsClose(&ready[1]);
    launcherFdsClose(&report[1]);
    emulator->ready = ready[0];

    if (pid > 0) {
        ok = launcherEmulatorReadReports(emulator, report[0], spec, err);
        launcherChildReap(pid);
    }
    launcherFdsClose(&report[0]);
    return ok;
}


gboolean
launcherEmulatorWait(LauncherEmulator *emulator,
                     gint64 deadline,
                     GError **err)
{
    char byte;

    switch (launcherChildRead(emulator->ready, &byte, 1, deadline)) {
    case 1:
        return TRUE;

    case 0:
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator '%1$s' ended before it was ready"),
                               emulator->name);
        return FALSE;

    default:
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator '%1$s' was not ready after %2$d milliseconds"),
                               emulator->name, LAUNCHER_EMULATOR_TIMEOUT);
        return FALSE;
    }
}


void
launcherEmulatorKill(LauncherEmulator *emulator)
{
    if (emulator->pidfd >= 0)
        launcherChildKill(emulator->pidfd);
}


void
launcherEmulatorClear(LauncherEmulator *emulator)
{
    launcherFdsClose(&emulator->pidfd);
    launcherFdsClose(&emulator->ready);
}
