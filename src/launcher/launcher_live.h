/*
 * launcher_live.h: an emulator for a device that is attached to a running domain
 *
 * emulatedpci-monitor passes libvirt's COMMAND, a line of QMP, to this program:
 *
 *   emulatedpci-launcher --attach --transport=NAME --link-fd=FD --state-fd=FD --number=N COMMAND
 *
 * The answer on standard output is a letter, which a line of QMP follows, except for P:
 *
 *   P        COMMAND does not attach an emulated PCI device
 *   S        the command for QEMU in place of COMMAND
 *   F        the same; QEMU must receive the other end of the socket FD with getfd before
 *   E        the error for libvirt
 *
 * The socket to which QEMU connects with vfio-user is in the directory of the domain, HOME; N makes
 * its name unique. With mpqemu, the link descriptor is the emulator's end of its socket; with
 * vfio-user, it ends if QEMU will not connect.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * launcherLiveIsMeant:
 * @argc: the number of arguments
 * @argv: the command line
 *
 * Returns TRUE if emulatedpci-monitor has called this program with --attach.
 */
gboolean launcherLiveIsMeant(int argc, char *const *argv);

/**
 * launcherLive:
 * @argc: the number of arguments
 * @argv: the command line
 *
 * Starts the emulator of a device and prints the answer to standard output, as described above.
 *
 * Returns the exit status of the program.
 */
int launcherLive(int argc, char **argv);
