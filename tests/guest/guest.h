/*
 * guest.h: what the files of the test guest share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define DEVICES "/sys/bus/pci/devices"

/* Drives every device of examples/checksum-engine: BARs, DMA and interrupts, and tells on the
 * console what came of it. checksum.c */
void checksumDrive(void);
