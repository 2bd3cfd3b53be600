/*
 * mpqemu.h: the device's end of QEMU's multi-process link (x-pci-proxy-dev)
 *
 * Takes the bytes that QEMU sends, in whatever pieces they come, acts on the
 * device's configuration space and makes the bytes of the answers. The format
 * is that of include/hw/remote/mpqemu-link.h in QEMU 6.0 to 10.1: host byte
 * order, a 16-byte header, then the payload.
 *
 * Knows no socket: see emulator_loop.h for that.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci_config.h"

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

/* The largest message that QEMU sends: SYNC_SYSMEM's 192 bytes of payload.
 * No buffer of ours is larger, whatever size a header claims. */
#define MPQEMU_MESSAGE_MAX (MPQEMU_HEADER_SIZE + 192)

/* Every answer is a RET with a u64. */
#define MPQEMU_REPLY_SIZE (MPQEMU_HEADER_SIZE + 8)

/* One device's stream. All zeros is a fresh one. */
typedef struct {
    uint8_t in[MPQEMU_MESSAGE_MAX];     /* a message that is not complete yet */
    size_t inLen;
    uint8_t out[MPQEMU_REPLY_SIZE];     /* an answer that is not sent yet */
    size_t outLen;
    size_t outSent;
} MPQemuLink;

typedef enum {
    MPQEMU_MORE = 0,    /* nothing to do until more bytes have come */
    MPQEMU_REPLY,       /* an answer stands in out: send it, then go on */
    MPQEMU_VIOLATION,   /* not this protocol: the stream cannot be trusted */
} MPQemuResult;

/* Where the next bytes from the peer go, and how many at most (never 0 after
 * mpqemuLinkStep() returned MPQEMU_MORE). */
uint8_t *mpqemuLinkSpace(MPQemuLink *link,
                         size_t *size);

/* Says that LEN bytes were put there. */
void mpqemuLinkAdd(MPQemuLink *link,
                   size_t len);

/* Handles the complete messages in LINK one after the other on CONFIG, up to
 * the first that needs an answer. That one must be sent (and outLen zeroed)
 * before the next call. After MPQEMU_VIOLATION, *WHY is a static string in
 * English and the link must not be used any more. */
MPQemuResult mpqemuLinkStep(MPQemuLink *link,
                            PCIConfig *config,
                            const char **why);
