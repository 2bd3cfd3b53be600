/*
 * launcher_socket.h: what connects QEMU with one device
 *
 * mpqemu: a pair of connected sockets, of which QEMU inherits one. vfio-user:
 * a path, on which the emulator listens and to which QEMU connects; it lies
 * in the directory that libvirt made for the domain alone, and gave to QEMU
 * as its HOME.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"

#include <stddef.h>

typedef struct {
    EmulatedPCIVersion version;
    int fd;             /* mpqemu: QEMU's end; else -1 */
    int theirs;         /* the emulator's end, until it has it; else -1 */
    char *path;         /* vfio-user; else NULL */
} LauncherSocket;

/* N sockets that are not there yet. */
LauncherSocket *launcherSocketNew(size_t n);

/* Makes SOCKET, of the version that is set in it, for device NUMBER of N,
 * from 0. (Of a path, only the name.) FALSE with ERR set. */
gboolean launcherSocketMake(LauncherSocket *socket, size_t number, size_t n, GError **err);

/* Listens on the path of a vfio-user SOCKET: its other end is then a
 * listening one. For emulators that do not do that themselves. FALSE with
 * ERR set. */
gboolean launcherSocketListen(LauncherSocket *socket, GError **err);

/* Lets QEMU's ends of N SOCKETS, and nothing else, live through exec. FALSE
 * with ERR set. */
gboolean launcherSocketInherit(const LauncherSocket *sockets, size_t n, GError **err);

/* Closes N SOCKETS and frees them; removes the files, if there are, when
 * QEMU does not come. */
void launcherSocketFree(LauncherSocket *sockets, size_t n);
