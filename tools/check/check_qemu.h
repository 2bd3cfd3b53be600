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
    gboolean suspended;         /* by us */
    guint32 address;            /* what was in 0xcf8 */
} CheckQEMU;

/* Returns QEMU's answer to query-pci, or NULL with ERR set. */
char *checkQEMUQueryPCI(virDomainPtr domain, GError **err);

/* Returns QEMU's reasons why the guest can neither be saved nor migrated, an array that the caller
 * frees; reasons about emulated devices are explained. The array is empty if there are none.
 * Returns NULL with ERR set on failure. */
GPtrArray *checkQEMUGetBlockers(virDomainPtr domain, GError **err);

/* Finds out how to read. */
gboolean checkQEMUInit(CheckQEMU *qemu, virDomainPtr domain, GError **err);

/* Gets ready to read: checkQEMUEnd() has to follow if this is TRUE, and signals that
 * end programs wait until then. */
gboolean checkQEMUBegin(CheckQEMU *qemu, GError **err);

/* The first CHECK_CONFIG_SIZE bytes at PLACE; those that hold none of our fields
 * may be left 0. */
gboolean checkQEMURead(CheckQEMU *qemu, const CheckPlace *place,
                       guint8 config[CHECK_CONFIG_SIZE], GError **err);

/* Puts everything back. Returns FALSE with ERR set if that is not possible. */
gboolean checkQEMUEnd(CheckQEMU *qemu, GError **err);
