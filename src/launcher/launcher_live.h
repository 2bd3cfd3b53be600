/*
 * launcher_live.h: an emulator for a device that is attached to a running domain
 *
 *   emulatedpci-launcher --attach --transport=NAME --state-fd=FD --number=N
 *
 * emulatedpci-monitor starts this program to translate libvirt's commands. Standard input and output
 * are one stream socket. A request is a line of QMP, libvirt's command, which is sent with the
 * descriptor of a socket, the link. The reply is a letter, which a line of QMP follows, except for P:
 *
 *   P        the command does not attach an emulated PCI device
 *   S        the command for QEMU in place of libvirt's
 *   F        the same; QEMU must receive the other end of the link with getfd before
 *   E        the error for libvirt
 *
 * With vfio-user, QEMU connects to a socket in the directory of the domain, HOME. N, which increases
 * with each request, makes its name unique, and the emulator exits when the link is closed, which
 * means that QEMU will not connect. With mpqemu, the link is the emulator's end of its socket.
 *
 * The process exits when its input is closed, or if no request arrives for a minute. After the first
 * request it keeps a process of pci-emulator for the next one: launcher_template.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The longest time that the process waits for the next request, in milliseconds */
#define LAUNCHER_LIVE_IDLE 60000

/* The maximum length of a request, in bytes */
#define LAUNCHER_LIVE_REQUEST_MAX 16384

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
 * Replies to requests, as described above, until there are no more.
 *
 * Returns the exit status of the program.
 */
int launcherLive(int argc, char **argv);
