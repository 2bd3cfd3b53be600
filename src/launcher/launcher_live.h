/*
 * launcher_live.h: an emulator for a device that is attached to a running domain
 *
 *   emulatedpci-launcher --attach --transport=NAME --link-fd=FD --state-fd=FD --number=N COMMAND
 *
 * is how emulatedpci-monitor asks what is to become of libvirt's COMMAND, a line of QMP. The
 * answer on standard output is a letter, and then a line of QMP:
 *
 *   P        COMMAND is none of ours
 *   S        what QEMU is to get instead of COMMAND
 *   F        the same, after it has got the other end of the socket FD by getfd
 *   E        the error that libvirt is to get
 *
 * In the domain's directory, HOME, is the socket that QEMU connects to (vfio-user); N tells its
 * name from others. FD is the emulator's end of its socket (mpqemu), or ends if QEMU will not
 * connect.
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
