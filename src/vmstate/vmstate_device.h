/*
 * vmstate_device.h: an emulated device in the state of a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"
#include "pci_config.h"

/* The maximum length of an alias, in bytes */
#define VMSTATE_ALIAS_MAX 255

/* The maximum number of devices, which is the number of functions of a PCI bus */
#define VMSTATE_DEVICES_MAX 256

typedef struct {
    char *alias;                /* the alias in libvirt, which is QEMU's id */
    EmulatedPCIFields fields;
    gboolean own;               /* its emulator is not pci-emulator, and only the emulator can
                                 * interpret its registers; not part of a state */
    guint8 *registers;          /* or NULL */
    gsize nregisters;           /* bytes, EMULATOR_STATE_MAX at most */
} VMStateDevice;

/**
 * vmstateDeviceFree:
 * @device: a device, or NULL
 *
 * Frees the device.
 */
void vmstateDeviceFree(VMStateDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMStateDevice, vmstateDeviceFree)

/**
 * vmstateDeviceSetRegisters:
 * @device: a device
 * @registers: the registers, which are copied
 * @n: their size, in bytes; at most EMULATOR_STATE_MAX
 *
 * Replaces the registers of a device.
 */
void vmstateDeviceSetRegisters(VMStateDevice *device, const guint8 *registers, gsize n);

/**
 * vmstateDeviceAliasIsValid:
 * @alias: text that may be hostile
 *
 * Returns whether it is what QEMU accepts as an id: a letter, then letters,
 * digits and "-._", VMSTATE_ALIAS_MAX bytes at most.
 */
gboolean vmstateDeviceAliasIsValid(const char *alias);

/**
 * vmstateDeviceParse:
 * @alias: the device's
 * @text: the value of pci-emulator's --device; is changed
 * @err: set on failure
 *
 * Returns the device, newly allocated, with no registers; or NULL.
 */
VMStateDevice *vmstateDeviceParse(const char *alias, char *text, GError **err);

/**
 * vmstateDeviceCheck:
 * @here: a device of this domain; its registers are not used
 * @there: the device with the same alias in a state
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED; the message names the device and the difference
 *
 * Checks that the registers in @there can be those of @here: all twelve fields are equal, and
 * every register has a value that a guest can have written. An emulator that is not pci-emulator
 * checks the registers itself.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateDeviceCheck(const VMStateDevice *here,
                            const VMStateDevice *there,
                            GError **err);
