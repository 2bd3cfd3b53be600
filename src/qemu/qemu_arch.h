/*
 * qemu_arch.h: architectures, their QEMU programs, and which machines have a PCI bus
 *
 * An architecture is called by libvirt's name for it; NULL stands for the host's, which
 * a domain has that names none.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

#include <glib.h>

/* The end of the name of the QEMU program that runs ARCH: "x86_64", "i386" for i686 …
 * NULL if ARCH cannot be the name of an architecture. */
const char *qemuArchProgram(const char *arch);

/* Whether libvirt gives MACHINE of ARCH a PCI bus. @machine: a machine type by any of its
 * names, or NULL for the default one. What is not known here is left to libvirt: TRUE.
 * Returns FALSE with ERR set (VIR_ERR_CONFIG_UNSUPPORTED) if it does not. */
gboolean qemuArchCheckMachine(const char *arch, const char *machine, GError **err);
