/*
 * launcher_emulator.c: starts pci-emulator beside QEMU
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
#include <signal.h>
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


/* What the emulator is told of a device. */
static char *
launcherEmulatorFormatDevice(const QEMUProps *props,
                             int fd)
{
    GString *result = g_string_new(NULL);
    int i;

    g_string_append_printf(result, "fd=%d,%s=%s", fd,
                           emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                           props->devicename);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        g_string_append_printf(result, ",%s=0x%0*x", info->name, (int) info->bits / 4,
                               props->value[i]);
    }
    return g_string_free(result, FALSE);
}


static char **
launcherEmulatorFormatArgs(const char *program,
                           QEMUProps *const *props,
                           size_t n,
                           int ready,
                           const int *fds)
{
    GPtrArray *args = g_ptr_array_new();
    size_t i;

    g_ptr_array_add(args, g_strdup(program));
    g_ptr_array_add(args, g_strdup_printf("--ready-fd=%d", ready));
    for (i = 0; i < n; i++) {
        g_ptr_array_add(args, g_strdup("--device"));
        g_ptr_array_add(args, launcherEmulatorFormatDevice(props[i], fds[i]));
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
                            const char *program,
                            GError **err)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_EMULATOR_TIMEOUT * INT64_C(1000);
    LauncherReport r;
    ssize_t got;

    while ((got = launcherChildRead(report, &r, sizeof(r), deadline)) == sizeof(r)) {
        switch (r.kind) {
        case LAUNCHER_REPORT_PID:
            emulator->pid = r.value;
            break;

        case LAUNCHER_REPORT_FORK:
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot start a process: %1$s"), g_strerror(r.value));
            return FALSE;

        case LAUNCHER_REPORT_EXEC:
        default:
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot run the PCI device emulator '%1$s': %2$s"),
                                   program, g_strerror(r.value));
            return FALSE;
        }
    }

    if (got != 0 || emulator->pid <= 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot start the PCI device emulator '%1$s'"), program);
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


/* Forks; READY, REPORT and the N of THEIRS are the child's descriptors. */
static pid_t
launcherEmulatorSpawn(const char *program,
                      QEMUProps *const *props,
                      size_t n,
                      const int *theirs,
                      int ready,
                      int report)
{
    g_auto(GStrv) args = launcherEmulatorFormatArgs(program, props, n, ready, theirs);
    g_autofree int *keep = g_new(int, n + 2);
    pid_t pid;
    size_t i;

    for (i = 0; i < n; i++)
        keep[i] = theirs[i];
    keep[n] = ready;
    keep[n + 1] = report;
    qsort(keep, n + 2, sizeof(*keep), launcherEmulatorCompareFds);

    pid = launcherChildFork();
    if (pid == 0)
        launcherEmulatorFork(args, keep, n + 2, report);
    return pid;
}


/* Makes the sockets: QEMU's ends in EMULATOR, the others in THEIRS. */
static gboolean
launcherEmulatorConnect(LauncherEmulator *emulator,
                        int *theirs,
                        size_t n,
                        GError **err)
{
    for (; emulator->n < n; emulator->n++) {
        int fds[2];

        if (!launcherFdsSocketpair(fds)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot make a socket for emulated PCI device %1$zu of %2$zu: %3$s"),
                                   emulator->n + 1, n, g_strerror(errno));
            return FALSE;
        }
        emulator->fds[emulator->n] = fds[0];
        theirs[emulator->n] = fds[1];
    }
    return TRUE;
}


gboolean
launcherEmulatorStart(LauncherEmulator *emulator,
                      const char *program,
                      QEMUProps *const *props,
                      size_t n,
                      GError **err)
{
    g_autofree int *theirs = g_new(int, n);
    int ready[2] = { -1, -1 };
    int report[2] = { -1, -1 };
    gboolean ok = FALSE;
    pid_t pid = -1;
    size_t i;

    *emulator = (LauncherEmulator) { .ready = -1, .fds = g_new(int, n) };

    if (launcherEmulatorConnect(emulator, theirs, n, err)) {
        if (launcherFdsPipe(ready) && launcherFdsPipe(report))
            pid = launcherEmulatorSpawn(program, props, n, theirs, ready[1], report[1]);
        if (pid < 0)
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("cannot start a process: %1$s"), g_strerror(errno));
    }

    /* The other side's ends are its own from here on. */
    for (i = 0; i < emulator->n; i++)
        launcherFdsClose(&theirs[i]);
    launcherFdsClose(&ready[1]);
    launcherFdsClose(&report[1]);
    emulator->ready = ready[0];

    if (pid > 0) {
        ok = launcherEmulatorReadReports(emulator, report[0], program, err);
        launcherChildReap(pid);
    }
    launcherFdsClose(&report[0]);
    return ok;
}


gboolean
launcherEmulatorWait(LauncherEmulator *emulator,
                     int timeout,
                     GError **err)
{
    const gint64 deadline = g_get_monotonic_time() + timeout * INT64_C(1000);
    char byte;

    switch (launcherChildRead(emulator->ready, &byte, 1, deadline)) {
    case 1:
        return TRUE;

    case 0:
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s",
                               _("the PCI device emulator ended before it was ready"));
        return FALSE;

    default:
        /* It still holds the pipe: its pid is its own. */
        kill(emulator->pid, SIGKILL);
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the PCI device emulator was not ready after %1$d milliseconds"),
                               timeout);
        return FALSE;
    }
}


gboolean
launcherEmulatorInherit(const LauncherEmulator *emulator,
                        GError **err)
{
    size_t i;

    for (i = 0; i < emulator->n; i++) {
        if (!launcherFdsInherit(emulator->fds[i])) {
            emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                                   _("cannot hand over a socket: %1$s"), g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}


void
launcherEmulatorClear(LauncherEmulator *emulator)
{
    size_t i;

    for (i = 0; i < emulator->n; i++)
        launcherFdsClose(&emulator->fds[i]);
    launcherFdsClose(&emulator->ready);
    g_clear_pointer(&emulator->fds, g_free);
    emulator->n = 0;
}
