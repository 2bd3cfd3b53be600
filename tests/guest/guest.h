/*
 * guest.h: the interfaces of the files of the test guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define DEVICES "/sys/bus/pci/devices"

/* Drives every device of examples/checksum-engine: BARs, DMA and interrupts, and tells on the
 * console what came of it. checksum.c */
void checksumDrive(void);

/* Starts a process that waits until the last of these devices is gone, and then tells what is read
 * of it. */
void checksumWatch(void);
