/*
 * launcher_blocker.h: makes QEMU refuse to save or migrate a guest
 *
 * QEMU's vfio-user-pci neither saves the registers of a device nor prevents a save or a migration:
 * the guest would continue with power-on values. If the registers cannot be saved, QEMU has to
 * refuse these operations. There is no option for this, but an open image of a format without
 * support for migration has this effect. Therefore QEMU gets a block node of such a format: an
 * empty, read-only disk of 1 MiB that is not part of the machine. QEMU then refuses at once, and
 * libvirt, which asks QEMU for its reasons, refuses before it changes the guest:
 *
 *   The vdi format used by node 'model-of-ua-first' does not support live migration
 *
 * The name of the node contains the reason: qemu_unmovable.h. Internal snapshots of disks do not
 * include a read-only node.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"
#include "qemu_unmovable.h"

/* The set of descriptors that QEMU opens the image from. libvirt numbers its
 * own from 0. */
#define LAUNCHER_BLOCKER_FDSET 65536

/* Bytes of the image. */
#define LAUNCHER_BLOCKER_SIZE 1024

/* Fills IMAGE with an empty disk in the format of VirtualBox, version 1.1:
 * a header of 512 bytes and a block map of another 512. */
void launcherBlockerFillImage(guint8 image[LAUNCHER_BLOCKER_SIZE]);

/* Adds the options for the node to ARGS, an array of newly allocated strings. REASON and ALIAS tell
 * why the guest cannot be moved, as for qemuUnmovableFormatNode(). The image is an unnamed file in
 * memory that nobody can change, whose descriptor lives through exec. Returns FALSE with ERR
 * set. */
gboolean launcherBlockerAdd(GPtrArray *args,
                            QEMUUnmovable reason,
                            const char *alias,
                            GError **err);
