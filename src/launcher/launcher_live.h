/*
 * launcher_live.h: an emulator for a device that is attached to a running domain
 *
 *   emulatedpci-launcher --attach --transport=NAME --state-fd=FD --number=N
 *
 * is how emulatedpci-monitor asks what is to become of libvirt's commands. Standard input and
 * output are a stream socket. A question is a line of QMP, which comes with a socket, the link. The
 * answer is a line, too: a letter, and QMP.
 *
 *   P        the command is none of ours
 *   S        what QEMU is to get instead of the command
 *   F        the same, after it has got the other end of the link by getfd
 *   E        the error that libvirt is to get
 *
 * In the domain's directory, HOME, is the socket that QEMU connects to (vfio-user); N, which
 * increases with each question, tells its name from others. The link is the emulator's end of its
 * socket (mpqemu), or ends if QEMU will not connect.
 *
 * The process ends with its input, or when no question has come for a while. With it, pci-emulator
 * is there before the second question (launcher_template.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The longest time that the process waits for the next question, in milliseconds */
#define LAUNCHER_LIVE_IDLE 60000

/* The longest question, in bytes */
#define LAUNCHER_LIVE_QUESTION_MAX 16384

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
 * Answers questions, as described above, until there are no more.
 *
 * Returns the exit status of the program.
 */
int launcherLive(int argc, char **argv);
