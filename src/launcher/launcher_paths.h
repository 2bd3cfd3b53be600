/*
 * launcher_paths.h: the paths of the launcher and of the programs that it starts
 *
 *   PKGLIBEXEC/emulatedpci-launcher      the program
 *   PKGLIBEXEC/pci-emulator              emulates the devices
 *   PKGLIBEXEC/emulatedpci-vmstate       saves and restores registers
 *   PKGLIBEXEC/emulatedpci-monitor       relays between libvirt and QEMU's monitor
 *   PKGLIBEXEC/emulatedpci-stubdomain    isolates an emulator
 *   PKGLIBEXEC/emulatedpci-logfilter     filters QEMU's log
 *   PKGLIBEXEC/launch/qemu-system-ARCH   links to the program
 *
 * The paths are derived from the program's own path, so that an installed and a staged tree work
 * alike. The environment cannot be used, because libvirt clears it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/* A link to the running program, independent of the name by which it was started */
#define LAUNCHER_SELF "/proc/self/exe"

/**
 * launcherPathsGetHome:
 * @err: set on failure
 *
 * Returns the directory of the running program, or NULL on failure. The caller
 * frees it.
 */
char *launcherPathsGetHome(GError **err);

/**
 * launcherPathsGetEmulator:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the path of pci-emulator, to be freed with g_free().
 */
char *launcherPathsGetEmulator(const char *home);

/**
 * launcherPathsGetLogfilter:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the path of emulatedpci-logfilter, to be freed with g_free().
 */
char *launcherPathsGetLogfilter(const char *home);

/**
 * launcherPathsGetMonitor:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the path of emulatedpci-monitor, to be freed with g_free().
 */
char *launcherPathsGetMonitor(const char *home);

/**
 * launcherPathsGetStubdomain:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the path of emulatedpci-stubdomain, to be freed with g_free().
 */
char *launcherPathsGetStubdomain(const char *home);

/**
 * launcherPathsGetVMState:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the path of emulatedpci-vmstate, to be freed with g_free().
 */
char *launcherPathsGetVMState(const char *home);

/**
 * launcherPathsGetLaunchDir:
 * @home: the directory that launcherPathsGetHome() returned
 *
 * Returns the directory of the launchers, to be freed with g_free().
 */
char *launcherPathsGetLaunchDir(const char *home);

/**
 * launcherPathsIsInLaunchDir:
 * @home: the directory that launcherPathsGetHome() returned
 * @path: the name by which this program was started: argv[0]
 *
 * Returns TRUE if @path is in the launch directory of @home, also if it is reached through links.
 * A name without a directory is not.
 */
gboolean launcherPathsIsInLaunchDir(const char *home, const char *path);
