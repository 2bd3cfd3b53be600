/*
 * testembed.h: libvirt's QEMU driver inside a test
 *
 * Uses qemu:///embed with a separate root directory. QEMU is probed through a launch directory with
 * the programs of the build tree, so that <emulator> can be a launcher as on an installed system.
 *
 * If the process runs as root, it first becomes the user nobody, because libvirt would otherwise
 * run the privileged driver. The test must have read all required files of the source tree before.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libvirt/libvirt.h>

typedef struct _TestEmbed TestEmbed;

/* Prepares the directories, gives up root, opens the driver and runs its event loop in a thread.
 * May be called once in a process. The test fails if that is impossible. */
TestEmbed *testEmbedOpen(void);

/* Both results belong to EMBED. */
virConnectPtr testEmbedConnection(const TestEmbed *embed);
const char *testEmbedLaunchDir(const TestEmbed *embed);

/* Closes the driver, and removes all directories. When golden files are regenerated, the process
 * becomes root again. */
void testEmbedClose(TestEmbed *embed);
