/*
 * launcher_relay.h: what is between libvirt and QEMU's monitor
 *
 * emulatedpci-monitor gets the listening socket that libvirt made for QEMU's monitor, and QEMU
 * another one, at a path in the domain's directory:
 *
 *   -chardev socket,id=charmonitor,fd=N,server=on,wait=off
 *
 * with another N. It relays between both, and has this program start an emulator when a device
 * is attached to the running domain (launcher_live.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"
#include "emulatedpci_error.h"
#include "launcher_socket.h"

typedef struct {
    EmulatedPCIVersion transport;   /* of devices that are attached; NONE: there is no relay */
    int monitor;                    /* libvirt's listening socket; or -1 */
    LauncherSocket *socket;         /* QEMU's; or NULL */
    int gate;                       /* closing it on exec lets the relay begin; or -1 */
    int log;                        /* the relay's end of a pipe; or -1 */
    int pidfd;                      /* the relay's; or -1 */
} LauncherRelay;

#define LAUNCHER_RELAY_INIT { EMULATED_PCI_VERSION_NONE, -1, NULL, -1, -1, -1 }

/* The longest time that it may take to get ready, in milliseconds. */
#define LAUNCHER_RELAY_TIMEOUT 10000

/**
 * launcherRelayOpenLog:
 * @relay: its transport is set
 *
 * Returns what the log's filter is to close when the log is complete: libvirt then hears that
 * QEMU has ended. The caller closes it, too. -1 with errno set.
 */
int launcherRelayOpenLog(LauncherRelay *relay);

/**
 * launcherRelayStart:
 * @relay: its transport and monitor are set
 * @argv: QEMU's command line; the monitor's descriptor is replaced
 * @number: of the socket, more than those of the devices
 * @state: a socket of emulatedpci-vmstate, which is closed; or -1
 * @home: the directory of the program to start
 * @err: set on failure
 *
 * Starts the relay, and waits until it is ready.
 *
 * Returns FALSE on failure.
 */
gboolean launcherRelayStart(LauncherRelay *relay,
                            char **argv,
                            size_t number,
                            int state,
                            const char *home,
                            GError **err);

/**
 * launcherRelayClear:
 * @relay: the relay
 *
 * Kills the relay and closes its descriptors and sockets. For a launcher that does not become
 * QEMU. The struct itself belongs to the caller.
 */
void launcherRelayClear(LauncherRelay *relay);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherRelay, launcherRelayClear)
