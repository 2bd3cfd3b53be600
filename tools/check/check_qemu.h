/*
 * check_qemu.h: a running domain's PCI configuration space, through QEMU's monitor
 *
 * If the machine maps configuration space into memory (q35), registers are read from memory.
 * Otherwise (pc), they are read through the I/O ports 0xcf8 and 0xcfc, as a guest does, and 0xcf8
 * is restored, because the guest may be between its accesses to the two ports. In both cases the
 * guest is suspended while the registers are read, so that its own accesses do not interfere.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "check_place.h"

#include <libvirt/libvirt.h>

#define CHECK_CONFIG_SIZE 64

typedef struct {
    virDomainPtr domain;
    gboolean mapped;
    guint64 base;               /* of the memory map */
    gboolean suspended;         /* suspended by this program */
    guint32 address;            /* the previous value of port 0xcf8 */
} CheckQEMU;

/**
 * checkQEMUQueryPCI:
 * @domain: a running domain
 * @err: set to libvirt's error on failure
 *
 * Returns QEMU's reply to query-pci, to be freed with free(), or NULL with @err set.
 */
char *checkQEMUQueryPCI(virDomainPtr domain, GError **err);

/**
 * checkQEMUGetBlockers:
 * @domain: a running domain
 * @err: set to libvirt's error on failure
 *
 * Returns QEMU's reasons why the guest can be neither saved nor migrated, to be freed with
 * g_ptr_array_unref(); reasons that concern emulated devices are explained. The array is empty if
 * there are none. NULL with @err set on failure.
 */
GPtrArray *checkQEMUGetBlockers(virDomainPtr domain, GError **err);

/**
 * checkQEMUInit:
 * @qemu: initialized by this function
 * @domain: a running domain, which must exist as long as @qemu is used
 * @err: set to libvirt's error on failure
 *
 * Finds out how the configuration space of devices can be read: from the memory map of PCI
 * Express, or with the I/O ports 0xcf8 and 0xcfc.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean checkQEMUInit(CheckQEMU *qemu, virDomainPtr domain, GError **err);

/**
 * checkQEMUBegin:
 * @qemu: the state of reading
 * @err: set to libvirt's error on failure
 *
 * Prepares to read: suspends the guest and blocks the signals that end programs. If this succeeds,
 * checkQEMUEnd() must be called.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean checkQEMUBegin(CheckQEMU *qemu, GError **err);

/**
 * checkQEMURead:
 * @qemu: the state of reading
 * @place: the place of the device, with the guest's bus number
 * @config: set to the first CHECK_CONFIG_SIZE bytes of the configuration space. Bytes that contain
 *          none of the fields of an emulated device can remain 0
 * @err: set to libvirt's error on failure
 *
 * Reads the configuration space of a device.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean checkQEMURead(CheckQEMU *qemu, const CheckPlace *place,
                       guint8 config[CHECK_CONFIG_SIZE], GError **err);

/**
 * checkQEMUEnd:
 * @qemu: the state of reading
 * @err: set to libvirt's error on failure
 *
 * Restores the state before checkQEMUBegin().
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean checkQEMUEnd(CheckQEMU *qemu, GError **err);
