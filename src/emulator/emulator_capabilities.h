/*
 * emulator_capabilities.h: the supported features of pci-emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/**
 * emulatorCapabilitiesPrint:
 *
 * Writes the JSON object that docs/pci-emulator.rst describes to standard output.
 */
void emulatorCapabilitiesPrint(void);
