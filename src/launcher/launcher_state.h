/*
 * launcher_state.h: saves the registers of the devices with a guest
 *
 * QEMU's vfio-user-pci does not save the registers of its device. QEMU's dbus-vmstate object
 * requests state from another process, and restores it there: this process is emulatedpci-vmstate,
 * one for a domain, with a socket to each of the domain's emulators. If all devices of a domain can
 * provide their registers, it is started, and QEMU gets
 *
 *   -object {"qom-type":"dbus-vmstate","id":"emulatedpci-vmstate","addr":"unix:path=…","id-list":"emulatedpci"}
 *
 * Otherwise the guest must not be saved or migrated: launcher_blocker.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_args.h"
#include "launcher_emulators.h"

/**
 * launcherStatePlan:
 * @emulators: the emulators, planned and not started
 * @args: the devices
 * @argc: the number of arguments
 * @argv: QEMU's command line
 * @home: the directory of the programs; without emulatedpci-vmstate in it, registers cannot be
 *        saved
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if registers cannot be saved although @argv restores a
 *       guest or receives one from another host, because it would lose them
 *
 * Decides whether the registers of all devices can be saved with the guest, as far as this is
 * known before the emulators run, and sets it in @emulators.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherStatePlan(LauncherEmulators *emulators,
                           const LauncherArgs *args,
                           int argc,
                           char *const *argv,
                           const char *home,
                           GError **err);

/**
 * launcherStateDecide:
 * @emulators: the emulators, started
 * @args: the devices
 * @argc: the number of arguments
 * @argv: QEMU's command line
 * @err: set as for launcherStatePlan(), or if an emulator does not become ready
 *
 * Decides whether the registers of all devices are saved with the guest, and sets it in
 * @emulators. If some emulators are not pci-emulator, waits until the emulators are ready, because
 * such an emulator then tells whether it supports this.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherStateDecide(LauncherEmulators *emulators,
                             const LauncherArgs *args,
                             int argc,
                             char *const *argv,
                             GError **err);

/**
 * launcherStateStart:
 * @emulators: the emulators, started
 * @args: the devices
 * @argv: QEMU's command line
 * @home: the directory of the program to start
 * @more: the options for QEMU are appended to it, allocated strings
 * @err: set on failure
 *
 * Starts the process that saves and restores registers, if they are saved with the guest.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherStateStart(LauncherEmulators *emulators,
                            const LauncherArgs *args,
                            char *const *argv,
                            const char *home,
                            GPtrArray *more,
                            GError **err);

/**
 * launcherStateFormatAddress:
 * @path: the path of a socket
 *
 * Returns the D-Bus address of the socket, to be freed with g_free(): all bytes with a special
 * meaning in an address are escaped (D-Bus Specification, Server Addresses).
 */
char *launcherStateFormatAddress(const char *path);
