/*
 * mpqemu.h: the device's end of QEMU's multi-process link (x-pci-proxy-dev)
 *
 * The messages of QEMU, and the answers to them. The format is that of
 * include/hw/remote/mpqemu-link.h in QEMU 6.0 to 10.1: host byte order, a 16-byte
 * header, then the payload.
 *
 * The functions use no socket, make no system call, and allocate nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "emulator_protocol.h"

typedef enum {
    MPQEMU_CMD_SYNC_SYSMEM = 0,
    MPQEMU_CMD_RET,
    MPQEMU_CMD_PCI_CFGWRITE,
    MPQEMU_CMD_PCI_CFGREAD,
    MPQEMU_CMD_BAR_WRITE,
    MPQEMU_CMD_BAR_READ,
    MPQEMU_CMD_SET_IRQFD,
    MPQEMU_CMD_DEVICE_RESET,

    MPQEMU_CMD_LAST
} MPQemuCmd;

#define MPQEMU_HEADER_SIZE 16

/* The length of QEMU's longest message, SYNC_SYSMEM with a payload of 192 bytes */
#define MPQEMU_MESSAGE_MAX (MPQEMU_HEADER_SIZE + 192)

/* The length of each reply: a RET with a 64-bit number */
#define MPQEMU_REPLY_SIZE (MPQEMU_HEADER_SIZE + 8)

extern const EmulatorProtocol mpqemuProtocol;
