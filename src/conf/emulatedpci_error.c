/*
 * emulatedpci_error.c: errors that carry libvirt's error codes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"

GQuark
emulatedPCIErrorQuark(void)
{
    return g_quark_from_static_string("emulated-pci-error-quark");
}
