/*
 * guest.h: the interfaces of the files of the test guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#define DEVICES "/sys/bus/pci/devices"

/* Drives every device of examples/checksum-engine: BARs, DMA and interrupts, and prints the
 * results on the console. checksum.c */
void checksumDrive(void);

/* Starts a process that waits until the last of these devices is removed, and then prints the
 * values that are read from it. */
void checksumWatch(void);
