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

/* The descriptor set from which QEMU opens the image. libvirt numbers its sets from 0. */
#define LAUNCHER_BLOCKER_FDSET 65536

/* The size of the image, in bytes */
#define LAUNCHER_BLOCKER_SIZE 1024

/**
 * launcherBlockerFillImage:
 * @image: filled in
 *
 * Creates an empty disk in the VDI format of VirtualBox, version 1.1: a header of 512 bytes, and a
 * block map of 512 bytes.
 */
void launcherBlockerFillImage(guint8 image[LAUNCHER_BLOCKER_SIZE]);

/**
 * launcherBlockerAdd:
 * @args: an array of allocated strings, to which the options are appended
 * @reason: why the guest cannot be migrated
 * @alias: the alias of the device, as for qemuUnmovableFormatNode()
 * @err: set to VIR_ERR_INTERNAL_ERROR on failure
 *
 * Adds the options for a node that prevents QEMU from migrating. The image is an unnamed file in
 * memory that cannot be changed, and QEMU inherits its descriptor.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherBlockerAdd(GPtrArray *args,
                            QEMUUnmovable reason,
                            const char *alias,
                            GError **err);
