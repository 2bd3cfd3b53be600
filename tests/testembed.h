/*
 * testembed.h: libvirt's QEMU driver inside a test
 *
 * qemu:///embed with a root directory of its own, probing QEMU through a
 * launch directory that is staged from the build tree, so that <emulator>
 * can point to the launcher as it does in an installed system.
 *
 * Run as root, the process becomes the user nobody first (as root, libvirt
 * would run the privileged driver): whatever the test needs from the source
 * tree must have been read before.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libvirt/libvirt.h>

typedef struct _TestEmbed TestEmbed;

/* Stages, gives up root, opens the driver and runs its event loop in a
 * thread. Once in a process. The test fails if that is impossible. */
TestEmbed *testEmbedOpen(void);

/* Both belong to EMBED. */
virConnectPtr testEmbedConnection(const TestEmbed *embed);
const char *testEmbedLaunchDir(const TestEmbed *embed);

/* Closes, and removes all directories. When golden files are regenerated,
 * root is taken back. */
void testEmbedClose(TestEmbed *embed);
