/*
 * qemu_props.h: properties of QEMU's emulated-pci device
 *
 * From the twelve fields to the device's properties and back, in the three
 * forms met: the properties of libvirt's <qemu:override>, -device JSON and
 * the older -device key=value.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_fields.h"

/* The driver that libvirt is told to write and that the launcher replaces. */
#define QEMU_EMULATED_PCI_DRIVER "emulated-pci"
