/*
 * launcher_relay.h: the relay between libvirt and QEMU's monitor
 *
 * emulatedpci-monitor gets the listening socket that libvirt has created for QEMU's monitor. QEMU
 * gets another one, at a path in the directory of the domain:
 *
 *   -chardev socket,id=charmonitor,fd=N,server=on,wait=off
 *
 * with another N. emulatedpci-monitor relays between both sockets, and runs this program to start
 * an emulator when a device is attached to the running domain (launcher_live.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"
#include "emulatedpci_error.h"
#include "launcher_socket.h"

typedef struct {
    EmulatedPCIVersion transport;   /* the transport of attached devices; NONE: there is no relay */
    int monitor;                    /* libvirt's listening socket; or -1 */
    LauncherSocket *socket;         /* the socket on which QEMU listens; or NULL */
    int gate;                       /* the relay begins when this pipe is closed on exec; or -1 */
    int log;                        /* the relay's end of a pipe; or -1 */
    int pidfd;                      /* the pidfd of the relay; or -1 */
} LauncherRelay;

#define LAUNCHER_RELAY_INIT { EMULATED_PCI_VERSION_NONE, -1, NULL, -1, -1, -1 }

/* The longest time that it may take to get ready, in milliseconds. */
#define LAUNCHER_RELAY_TIMEOUT 10000

/**
 * launcherRelayOpenLog:
 * @relay: the relay, whose transport is set
 *
 * Creates a pipe that the filter of the log closes when the log is complete; libvirt is told then
 * that QEMU has exited.
 *
 * Returns the end for the filter, which the caller closes, too, or -1 with errno set.
 */
int launcherRelayOpenLog(LauncherRelay *relay);

/**
 * launcherRelayStart:
 * @relay: the relay, whose transport and monitor are set
 * @argv: QEMU's command line, in which the descriptor of the monitor is replaced
 * @number: the number of the socket, which must be larger than those of the devices
 * @state: a socket of emulatedpci-vmstate, which is closed; or -1
 * @home: the directory of the program to start
 * @err: set on failure
 *
 * Starts the relay, and waits until it is ready.
 *
 * Returns TRUE, or FALSE with @err set.
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
