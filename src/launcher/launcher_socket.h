/*
 * launcher_socket.h: the socket between QEMU and a device
 *
 * With mpqemu, it is a pair of connected sockets, one of which QEMU inherits. With vfio-user, it is
 * a path on which the emulator listens and to which QEMU connects. The path is in the domain's own
 * directory, which libvirt has created and which is QEMU's HOME.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"

#include <stddef.h>

typedef struct {
    EmulatedPCIVersion version;
    int fd;             /* mpqemu: QEMU's end; otherwise -1 */
    int theirs;         /* the emulator's end until the emulator owns it; otherwise -1 */
    char *path;         /* vfio-user: the path; otherwise NULL */
    gboolean foreign;   /* the path belongs to another program, and is not removed */
} LauncherSocket;

/**
 * launcherSocketNew:
 * @n: the number of sockets
 *
 * Returns an array of sockets that are not open, to be freed with launcherSocketFree(). Never
 * NULL.
 */
LauncherSocket *launcherSocketNew(size_t n);

/**
 * launcherSocketMake:
 * @socket: its version is set
 * @number: the device's number, from 0
 * @n: number of devices
 * @err: set on failure
 *
 * Creates the pair of sockets for mpqemu. For vfio-user, where the emulator
 * creates the socket, it chooses the path.
 *
 * Returns FALSE on failure.
 */
gboolean launcherSocketMake(LauncherSocket *socket, size_t number, size_t n, GError **err);

/**
 * launcherSocketUse:
 * @socket: a socket whose version is vfio-user
 * @path: the path of the socket of another program
 *
 * Uses an existing socket, which is not removed.
 */
void launcherSocketUse(LauncherSocket *socket, const char *path);

/**
 * launcherSocketListen:
 * @socket: a vfio-user socket whose path is set
 * @err: set on failure
 *
 * Creates the listening socket, which becomes the emulator's end of @socket. For emulators that do
 * not create it.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherSocketListen(LauncherSocket *socket, GError **err);

/**
 * launcherSocketInherit:
 * @sockets: sockets
 * @n: number of sockets
 * @err: set on failure
 *
 * Removes close-on-exec from QEMU's ends.
 *
 * Returns FALSE on failure.
 */
gboolean launcherSocketInherit(const LauncherSocket *sockets, size_t n, GError **err);

/**
 * launcherSocketFree:
 * @sockets: an array of sockets
 * @n: the number of sockets
 *
 * Closes the sockets, removes their files except for those of other programs, and frees the array.
 * For a launcher that does not become QEMU.
 */
void launcherSocketFree(LauncherSocket *sockets, size_t n);
