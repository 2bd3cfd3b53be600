/*
 * launcher_live_state.h: tells emulatedpci-vmstate about a device of a running domain
 *
 * One message: the device's alias, a line feed, and the value of pci-emulator's --device
 * option; and with it the socket on which the emulator is asked for registers. The
 * answer is "ok", or an error.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"

/* The longest time that the answer may take, in milliseconds. */
#define LAUNCHER_LIVE_STATE_TIMEOUT 5000

/**
 * launcherLiveStateAdd:
 * @control: a socket of emulatedpci-vmstate
 * @emulator: the emulator's other end; stays the caller's
 * @alias: the device's, as the user knows it
 * @path: of the socket that QEMU connects to
 * @props: the device
 *
 * Returns FALSE with @err set if the device's registers would not travel with the guest.
 */
gboolean launcherLiveStateAdd(int control,
                              int emulator,
                              const char *alias,
                              const char *path,
                              const QEMUProps *props,
                              GError **err);
