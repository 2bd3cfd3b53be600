/*
 * launcher_live_state.h: tells emulatedpci-vmstate about a device of a running domain
 *
 * A message consists of the alias of the device, a line feed, and the value of pci-emulator's
 * option --device. The socket through which registers are requested from the emulator is sent with
 * it. The answer is "ok" or an error.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"

/* The longest time that the answer may take, in milliseconds */
#define LAUNCHER_LIVE_STATE_TIMEOUT 5000

/**
 * launcherLiveStateAdd:
 * @control: the control socket of emulatedpci-vmstate
 * @emulator: the socket through which registers are requested from the emulator; it remains the
 *            caller's
 * @alias: the alias of the device, as the user knows it
 * @path: the path of the socket to which QEMU connects
 * @props: the device
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Adds a device to those whose registers are saved with the guest. Waits for the answer, at most
 * LAUNCHER_LIVE_STATE_TIMEOUT.
 *
 * Returns TRUE, or FALSE with @err set if the registers of the device would not be saved.
 */
gboolean launcherLiveStateAdd(int control,
                              int emulator,
                              const char *alias,
                              const char *path,
                              const QEMUProps *props,
                              GError **err);
