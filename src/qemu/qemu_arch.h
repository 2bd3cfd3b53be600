/*
 * qemu_arch.h: architectures, their QEMU programs, and which machines have a PCI bus
 *
 * Architectures have libvirt's names. NULL stands for the host's architecture, which is
 * the default for a domain.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

#include <glib.h>

/**
 * qemuArchProgram:
 * @arch: an architecture, or NULL for the host's
 *
 * Gets the suffix of the QEMU program that runs @arch, for example "i386" for i686.
 *
 * Returns a string that must not be freed, or NULL if @arch cannot be the name of an
 * architecture.
 */
const char *qemuArchProgram(const char *arch);

/**
 * qemuArchCheckMachine:
 * @arch: an architecture, or NULL for the host's
 * @machine: a machine type by any of its names, or NULL for the default one
 * @err: return location for an error
 *
 * Checks whether libvirt gives such a machine a PCI bus. Unknown architectures and machine
 * types are accepted, because libvirt checks them.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_CONFIG_UNSUPPORTED if the machine has no
 * PCI bus.
 */
gboolean qemuArchCheckMachine(const char *arch, const char *machine, GError **err);
