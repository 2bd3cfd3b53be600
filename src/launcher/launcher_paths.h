/*
 * launcher_paths.h: the paths of the launcher and of the programs that it starts
 *
 *   PKGLIBEXEC/emulatedpci-launcher      the program
 *   PKGLIBEXEC/pci-emulator              emulates the devices
 *   PKGLIBEXEC/emulatedpci-vmstate       saves and restores registers
 *   PKGLIBEXEC/emulatedpci-monitor       is between libvirt and QEMU's monitor
 *   PKGLIBEXEC/emulatedpci-stubdomain    isolates an emulator
 *   PKGLIBEXEC/emulatedpci-logfilter     is between QEMU and the domain's log
 *   PKGLIBEXEC/launch/qemu-system-ARCH   links to the program
 *
 * The paths are derived from the program's own path, so that an installed and a
 * staged tree work alike. libvirt clears the environment.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/* A link to the running program, whatever it was called by. */
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
 * @home: what launcherPathsGetHome() returned
 * @path: how this program was called: argv[0]
 *
 * Returns TRUE if @path is in the launch directory of @home itself, by
 * whatever path that was reached. A name without a directory is not.
 */
gboolean launcherPathsIsInLaunchDir(const char *home, const char *path);
