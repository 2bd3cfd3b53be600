/*
 * launcher_emulator.h: starts pci-emulator beside QEMU
 *
 * One process serves all devices of a domain, over a socketpair for each. It
 * is no child of the launcher's, which becomes QEMU, but of whoever adopts
 * orphans: QEMU will find no child that it did not make. It ends by itself
 * when QEMU does, because its sockets do.
 *
 * Its command line (see pci-emulator(8)):
 *
 *   pci-emulator --ready-fd=N --device fd=7,devicename=…,vendorid=0x5853,… …
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"

/* As many functions as one PCI bus has. */
#define LAUNCHER_DEVICES_MAX 256

/* The longest time that the emulator may take to get ready, in milliseconds;
 * it needs about three. */
#define LAUNCHER_EMULATOR_TIMEOUT 10000

typedef struct {
    pid_t pid;
    int ready;          /* what the emulator announces itself on */
    int *fds;           /* QEMU's ends, one a device, in their order */
    size_t n;
} LauncherEmulator;

/* Starts PROGRAM for the N devices of PROPS and returns at once. EMULATOR is
 * filled in. FALSE with ERR set. */
gboolean launcherEmulatorStart(LauncherEmulator *emulator,
                               const char *program,
                               QEMUProps *const *props,
                               size_t n,
                               GError **err);

/* Waits until the emulator serves its devices. FALSE, with ERR set, if it
 * ended before or took longer than TIMEOUT milliseconds; then it is killed. */
gboolean launcherEmulatorWait(LauncherEmulator *emulator, int timeout, GError **err);

/* Lets QEMU's ends, and nothing else, live through exec. */
gboolean launcherEmulatorInherit(const LauncherEmulator *emulator, GError **err);

/* Closes everything; the emulator then ends. */
void launcherEmulatorClear(LauncherEmulator *emulator);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherEmulator, launcherEmulatorClear)
