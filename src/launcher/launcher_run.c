/*
 * launcher_run.c: stands in for QEMU, and becomes it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_run.h"
#include "launcher_accel.h"
#include "launcher_args.h"
#include "launcher_emulator.h"
#include "launcher_log.h"
#include "launcher_paths.h"
#include "launcher_qemu.h"
#include "launcher_stale.h"
#include "qemu_launcher_path.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)


static int
launcherRunExec(const char *qemu,
                char **argv)
{
    int saved;

    execv(qemu, argv);
    saved = errno;
    launcherLog(_("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(saved));
    return saved == ENOENT ? LAUNCHER_EXIT_NOT_FOUND : LAUNCHER_EXIT_CANNOT_RUN;
}


/* libvirt may know another QEMU than the one that is there now. It gets a
 * chance to notice, but a start never fails for that. */
static void
launcherRunRefresh(const char *qemu)
{
    g_autofree char *self = NULL;

    if (launcherStaleCheck(LAUNCHER_SELF, qemu) != LAUNCHER_STALE_YES ||
        launcherStaleRefresh(LAUNCHER_SELF, FALSE))
        return;
    self = g_file_read_link(LAUNCHER_SELF, NULL);
    launcherLog(_("warning: '%1$s' was replaced; for libvirt to notice, run as root: %2$s --refresh"),
                qemu, self ? self : QEMU_LAUNCHER_PROGRAM);
}


/* Starts the emulator for the devices of ARGV. Returns QEMU's argv, or NULL
 * with ERR set. */
static char **
launcherRunPrepare(const char *qemu,
                   int argc,
                   char **argv,
                   LauncherEmulator *emulator,
                   GError **err)
{
    g_auto(LauncherArgs) args = { NULL, NULL };
    g_auto(GStrv) result = NULL;
    g_autofree char *home = NULL;
    g_autofree char *program = NULL;
    LauncherQEMU info;

    if (!launcherArgsParse(&args, argc, argv, err))
        return NULL;

    home = launcherPathsGetHome(err);
    if (!home)
        return NULL;
    program = launcherPathsGetEmulator(home);

    /* While the emulator gets ready there is time to look at QEMU. */
    if (!launcherEmulatorStart(emulator, program, (QEMUProps *const *) args.props->pdata,
                               args.props->len, err) ||
        !launcherQEMUInspect(&info, qemu, err) ||
        !launcherQEMUCheck(&info, qemu, launcherAccelIsKVM(argc, argv), err))
        return NULL;

    result = launcherArgsRewrite(&args, argc, argv, qemu, LAUNCHER_QEMU_DRIVER, emulator->fds, err);
    if (!result ||
        !launcherEmulatorWait(emulator, LAUNCHER_EMULATOR_TIMEOUT, err) ||
        !launcherEmulatorInherit(emulator, err))
        return NULL;
    return g_steal_pointer(&result);
}


int
launcherRun(const char *name,
            int argc,
            char **argv)
{
    g_autofree char *qemu = qemuLauncherNameToQEMU(NULL, name);
    g_auto(LauncherEmulator) emulator = { .ready = -1 };
    g_auto(GStrv) result = NULL;
    g_autoptr(GError) err = NULL;

    if (!qemu) {
        launcherLog(_("no QEMU has the launcher name '%1$s'"), name);
        return LAUNCHER_EXIT_FAILURE;
    }
    launcherRunRefresh(qemu);

    if (!launcherArgsHaveDevices(argc, argv)) {
        argv[0] = qemu;
        return launcherRunExec(qemu, argv);
    }

    if (access(qemu, X_OK) < 0) {
        const int saved = errno;

        launcherLog(_("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(saved));
        return saved == ENOENT ? LAUNCHER_EXIT_NOT_FOUND : LAUNCHER_EXIT_CANNOT_RUN;
    }

    result = launcherRunPrepare(qemu, argc, argv, &emulator, &err);
    if (!result) {
        launcherLog("%s", err->message);
        return LAUNCHER_EXIT_FAILURE;
    }
    return launcherRunExec(qemu, result);
}
