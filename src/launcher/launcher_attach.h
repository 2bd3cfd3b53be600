/*
 * launcher_attach.h: devices for an emulator that already runs
 *
 * <driver pid='N'/>: N is a pci-emulator --listen, whose control socket is
 *
 *   RUNDIR/emulatedpci/N.sock
 *
 * where RUNDIR is $XDG_RUNTIME_DIR, /run/user/UID or /run, whichever has it
 * first. Over that it gets one message a device: the text of its --device
 * option without the socket, and the socket itself; and answers each with
 * "ok" or "error: …". From the connection's end on it serves them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_socket.h"
#include "qemu_props.h"

/* The longest time that the emulator may take for an answer, in
 * milliseconds. */
#define LAUNCHER_ATTACH_TIMEOUT 10000

/* Gives the N devices of PROPS, with the other ends of SOCKETS, which are
 * closed here, to the process PID. It must be PID that listens there, and be
 * this user's or root's. FALSE with ERR set. */
gboolean launcherAttach(pid_t pid,
                        QEMUProps *const *props,
                        LauncherSocket *const *sockets,
                        size_t n,
                        GError **err);
