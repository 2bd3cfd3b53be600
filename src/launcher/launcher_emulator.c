/*
 * launcher_emulator.c: starts an emulator beside QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_emulator.h"
#include "launcher_child.h"
#include "launcher_fds.h"
#include "launcher_process.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define _(s) gettext(s)

char *
launcherEmulatorFormatDevice(const QEMUProps *props)
{
    GString *result = g_string_new(NULL);
    int i;

    g_string_append_printf(result, "%s=%s",
                           emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                           props->fields.devicename);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        g_string_append_printf(result, ",%s=0x%0*x", info->name, (int) info->bits / 4,
                               props->fields.value[i]);
    }
    return g_string_free(result, FALSE);
}


/* Returns a descriptor that tells an emulator to which QEMU connects that QEMU has exited; -1 if
 * the emulator does not support it, or Linux does not. */
static int
launcherEmulatorOpenClient(const LauncherEmulatorSpec *spec)
{
    size_t i;

    for (i = 0; spec->own && i < spec->n; i++) {
        if (spec->sockets[i]->path)
            return spec->clientFd >= 0 ? fcntl(spec->clientFd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) :
                launcherFdsSelf();
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
    if (spec->own && spec->state >= 0)
        g_ptr_array_add(args, g_strdup_printf("--state-fd=%d", spec->state));
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


static void
launcherEmulatorReport(const LauncherEmulatorSpec *spec,
                       const LauncherProcessError *error,
                       GError **err)
{
    switch (error->kind) {
    case LAUNCHER_PROCESS_FORK:
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot start a process: %1$s"), g_strerror(error->number));
        break;

    case LAUNCHER_PROCESS_EXEC:
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run '%1$s' for the PCI device emulator '%2$s': %3$s"),
                               spec->stubdomain ? spec->stubdomain : spec->program,
                               spec->name, g_strerror(error->number));
        break;

    case LAUNCHER_PROCESS_OTHER:
    default:
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot start the PCI device emulator '%1$s'"), spec->name);
        break;
    }
}


/* The same as launcherProcessStart() with the number of the state socket in the environment, for a
 * program that may not know an option for it. */
static gboolean
launcherEmulatorRun(const LauncherEmulatorSpec *spec,
                    char *const *args,
                    const int *fds,
                    size_t n,
                    int *pidfd,
                    LauncherProcessError *error)
{
    const gboolean tell = !spec->own && spec->state >= 0;
    gboolean ok;

    if (tell) {
        g_autofree char *number = g_strdup_printf("%d", spec->state);

        g_setenv(LAUNCHER_EMULATOR_STATE_ENV, number, TRUE);
    }
    ok = launcherProcessStart(args, fds, n, -1, pidfd, error);
    if (tell)
        g_unsetenv(LAUNCHER_EMULATOR_STATE_ENV);
    return ok;
}


void
launcherEmulatorTellQEMU(void)
{
    g_autofree char *pid = g_strdup_printf("%d", (int) getpid());

    g_setenv(LAUNCHER_EMULATOR_QEMU_ENV, pid, TRUE);
}


gboolean
launcherEmulatorStart(LauncherEmulator *emulator,
                      const LauncherEmulatorSpec *spec,
                      GError **err)
{
    LauncherProcessError error = { LAUNCHER_PROCESS_OTHER, 0 };
    int ready[2] = { -1, -1 };
    int client = -1;
    gboolean ok = FALSE;
    size_t i;

    *emulator = (LauncherEmulator) { .name = spec->name, .pidfd = -1, .ready = -1, .state = -1,
                                     .travels = spec->own && spec->state >= 0 };

    if (!launcherFdsPipe(ready)) {
        error = (LauncherProcessError) { LAUNCHER_PROCESS_FORK, errno };
    } else {
        g_auto(GStrv) args = NULL;
        g_autofree int *keep = g_new(int, spec->n + 4);
        size_t n = 0;

        client = launcherEmulatorOpenClient(spec);
        args = launcherEmulatorFormatArgs(spec, ready[1], client);
        for (i = 0; i < spec->n; i++) {
            if (spec->sockets[i]->theirs >= 0)
                keep[n++] = spec->sockets[i]->theirs;
        }
        keep[n++] = ready[1];
        if (client >= 0)
            keep[n++] = client;
        if (spec->state >= 0)
            keep[n++] = spec->state;
        /* In its namespace it does not see the process ID of QEMU, which is that of this process:
         * emulator_status.h */
        if (spec->stubdomain && !spec->qemu)
            launcherEmulatorTellQEMU();
        else if (spec->qemu)
            g_setenv(LAUNCHER_EMULATOR_QEMU_ENV, spec->qemu, TRUE);
        ok = launcherEmulatorRun(spec, args, keep, n, &emulator->pidfd, &error);
        g_unsetenv(LAUNCHER_EMULATOR_QEMU_ENV);
        launcherFdsClose(&client);
    }

    /* The emulator owns its ends of the sockets now. */
    for (i = 0; i < spec->n; i++)
        launcherFdsClose(&spec->sockets[i]->theirs);
    launcherFdsClose(&ready[1]);
    emulator->ready = ready[0];

    if (!ok)
        launcherEmulatorReport(spec, &error, err);
    return ok;
}


gboolean
launcherEmulatorWait(LauncherEmulator *emulator,
                     gint64 deadline,
                     GError **err)
{
    char byte;

    if (emulator->ready < 0)
        return TRUE;

    switch (launcherChildRead(emulator->ready, &byte, 1, deadline)) {
    case 1:
        launcherFdsClose(&emulator->ready);
        if (emulator->state >= 0 && byte == LAUNCHER_EMULATOR_STATE_BYTE)
            emulator->travels = TRUE;
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
    launcherFdsClose(&emulator->state);
}
