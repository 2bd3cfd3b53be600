/*
 * qemu_unmovable.h: the reasons why a guest cannot be saved or migrated
 *
 * QEMU only reports that a block node prevents migration (launcher_blocker.h), or that
 * x-pci-proxy-dev does. The name of that node contains the device and the reason:
 *
 *   The vdi format used by node 'model-of-ua-first' does not support live migration
 *
 * The launcher sets the name; the daemon and virt-emulatedpci explain it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* QEMU accepts names of nodes with up to 31 characters. */
#define QEMU_UNMOVABLE_NODE_MAX 31

typedef enum {
    QEMU_UNMOVABLE_OTHER = 0,   /* there is no more specific reason */
    QEMU_UNMOVABLE_MODEL,       /* the device has a <driver model=…> that does not support it */
    QEMU_UNMOVABLE_PID,         /* the device has a <driver pid=…> that does not support it */
    QEMU_UNMOVABLE_SOCKET,      /* the device has a <driver socket=…> */
    QEMU_UNMOVABLE_MPQEMU,      /* the device is an x-pci-proxy-dev beside vfio-user devices */

    QEMU_UNMOVABLE_LAST
} QEMUUnmovable;

/**
 * qemuUnmovableFormatNode:
 * @reason: why the guest cannot be moved
 * @alias: the alias of the device that is the reason, or NULL with QEMU_UNMOVABLE_OTHER
 *
 * Returns the name of the block node, newly allocated. An alias that is too long for
 * the name is cut off.
 */
char *qemuUnmovableFormatNode(QEMUUnmovable reason, const char *alias);

/**
 * qemuUnmovableExplain:
 * @text: an error of QEMU's or libvirt's
 *
 * Returns @text, newly allocated, with an explanation in place of QEMU's sentence about
 * such a node or about x-pci-proxy-dev: the device, the reason, and what would help. NULL
 * if it has no such sentence.
 */
char *qemuUnmovableExplain(const char *text);
