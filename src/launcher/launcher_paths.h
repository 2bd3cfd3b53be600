/*
 * launcher_paths.h: where the launcher lies, and what lies around it
 *
 *   PKGLIBEXEC/emulatedpci-launcher      the program
 *   PKGLIBEXEC/pci-emulator              what it starts
 *   PKGLIBEXEC/emulatedpci-vmstate       what saves and restores registers
 *   PKGLIBEXEC/emulatedpci-stubdomain    what it starts an isolated one with
 *   PKGLIBEXEC/emulatedpci-logfilter     what it puts between QEMU and its log
 *   PKGLIBEXEC/launch/qemu-system-ARCH   links to the program
 *
 * Found from the program itself, so that an installed and a staged tree work
 * alike; libvirt clears the environment.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/* Leads to the program that runs, whatever name it was run by. */
#define LAUNCHER_SELF "/proc/self/exe"

/* The directory of the program that runs. Newly allocated; NULL with ERR
 * set. */
char *launcherPathsGetHome(GError **err);

/* pci-emulator, the other programs and the launch directory, in HOME. Newly allocated. */
char *launcherPathsGetEmulator(const char *home);
char *launcherPathsGetLogfilter(const char *home);
char *launcherPathsGetStubdomain(const char *home);
char *launcherPathsGetVMState(const char *home);
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
