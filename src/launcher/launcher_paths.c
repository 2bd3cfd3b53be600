/*
 * launcher_paths.c: the paths of the launcher and of the programs that it starts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_paths.h"

#include "gettext.h"

#include <string.h>
#include <sys/stat.h>

#define _(s) gettext(s)

#define LAUNCHER_PATHS_EMULATOR "pci-emulator"
#define LAUNCHER_PATHS_LOGFILTER "emulatedpci-logfilter"
#define LAUNCHER_PATHS_MONITOR "emulatedpci-monitor"
#define LAUNCHER_PATHS_STUBDOMAIN "emulatedpci-stubdomain"
#define LAUNCHER_PATHS_VMSTATE "emulatedpci-vmstate"
#define LAUNCHER_PATHS_LAUNCH "launch"


char *
launcherPathsGetHome(GError **err)
{
    g_autoptr(GError) cause = NULL;
    g_autofree char *self = g_file_read_link(LAUNCHER_SELF, &cause);
    g_autofree char *home = NULL;
    g_autofree char *name = NULL;

    if (!self) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot find the launcher's own path: %1$s"), cause->message);
        return NULL;
    }

    /* The launch directory may contain a copy of the program. */
    home = g_path_get_dirname(self);
    name = g_path_get_basename(home);
    if (strcmp(name, LAUNCHER_PATHS_LAUNCH) == 0)
        return g_path_get_dirname(home);
    return g_steal_pointer(&home);
}


char *
launcherPathsGetEmulator(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_EMULATOR, NULL);
}


char *
launcherPathsGetLogfilter(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_LOGFILTER, NULL);
}


char *
launcherPathsGetMonitor(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_MONITOR, NULL);
}


char *
launcherPathsGetStubdomain(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_STUBDOMAIN, NULL);
}


char *
launcherPathsGetVMState(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_VMSTATE, NULL);
}


char *
launcherPathsGetLaunchDir(const char *home)
{
    return g_build_filename(home, LAUNCHER_PATHS_LAUNCH, NULL);
}


gboolean
launcherPathsIsInLaunchDir(const char *home,
                           const char *path)
{
    g_autofree char *launch = launcherPathsGetLaunchDir(home);
    g_autofree char *dir = g_path_get_dirname(path);
    struct stat own;
    struct stat st;

    return strchr(path, '/') && stat(launch, &own) == 0 && stat(dir, &st) == 0 &&
        own.st_dev == st.st_dev && own.st_ino == st.st_ino;
}
