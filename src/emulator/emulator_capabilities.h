/*
 * emulator_capabilities.h: what pci-emulator can do, for callers to probe
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Writes the JSON object of docs/pci-emulator.rst to standard output. */
void emulatorCapabilitiesPrint(void);
