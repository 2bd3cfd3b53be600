/*
 * device_edit.h: one emulated PCI device in a domain's XML
 *
 * Pure functions on a lifted domain document, as libvirt formats it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

typedef enum {
    DEVICE_ATTACH,
    DEVICE_DETACH,
    DEVICE_UPDATE,
} DeviceOperation;

/* Returns the domain XML with DEF attached, detached or updated; a new string, or NULL with ERR
 * set. A device is found by its alias if DEF has one, else by its address, else (to detach) by all
 * fields that DEF gives or (to update) by its devicename. What an update does not say of alias,
 * index and address stays as it is. */
char *deviceEdit(const char *xml, DeviceOperation op, EmulatedPCIDef *def, GError **err);

/* Returns the alias of the device that DEF matches, as to detach it; a new string, or NULL with ERR
 * set. */
char *deviceFindAlias(const char *xml, const EmulatedPCIDef *def, GError **err);

/* Returns the domain XML without the device of that ALIAS; NULL without ERR set if it has no such
 * emulated device. */
char *deviceRemoveAlias(const char *xml, const char *alias, GError **err);

/* FALSE, with ERR set to VIR_ERR_OPERATION_UNSUPPORTED, if the running domain XML has an emulated
 * PCI device of that ALIAS that QEMU may not survive to be unplugged: QEMU 11.1 aborts when it
 * unplugs a vfio-user-pci device with MSI-X, and only its server knows whether it has. */
gboolean deviceCheckDetachable(const char *xml, const char *alias, GError **err);

/* FALSE, with ERR set to VIR_ERR_OPERATION_INVALID, if the domain has a device
 * of DEF's definition already or, where DEF refers to none, one with DEF's
 * twelve fields. */
gboolean deviceCheckAbsent(const char *xml, const EmulatedPCIDef *def, GError **err);
