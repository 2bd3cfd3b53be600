/*
 * launcher_attach.h: attaches devices to a running emulator
 *
 * In <driver pid='N'/>, N is the pid of a pci-emulator --listen with the control socket
 *
 *   RUNDIR/emulatedpci/N.sock
 *
 * RUNDIR is the first of $XDG_RUNTIME_DIR, /run/user/UID and /run that contains it. The launcher
 * sends a message for each device, which contains the text of its --device option without the
 * socket, and the socket itself. The emulator replies "ok" or "error: …" to each message, and
 * serves the devices when the connection ends.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_socket.h"
#include "qemu_props.h"

/* The longest time that the emulator may take to answer, in milliseconds */
#define LAUNCHER_ATTACH_TIMEOUT 10000

/**
 * launcherAttach:
 * @pid: the process ID of the emulator
 * @props: the devices
 * @sockets: their sockets; the emulator's ends are closed
 * @n: the number of devices
 * @state: the emulator's end of the socket through which registers are requested, or -1; it
 *         remains open
 * @travels: set to whether the emulator accepts @state
 * @err: set on failure
 *
 * Attaches the devices to the emulator. The process that listens there must be @pid, and must run
 * as this user or as root.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherAttach(pid_t pid,
                        QEMUProps *const *props,
                        LauncherSocket *const *sockets,
                        size_t n,
                        int state,
                        gboolean *travels,
                        GError **err);
