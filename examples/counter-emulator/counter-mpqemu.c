/*
 * counter-mpqemu.c: the protocol of QEMU's x-pci-proxy-dev
 *
 * Supports the part of include/hw/remote/mpqemu-link.h in QEMU that a device
 * without memory and interrupts requires.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "counter-emulator.h"

enum {
    SYNC_SYSMEM = 0,
    RET,
    PCI_CFGWRITE,
    PCI_CFGREAD,
    BAR_WRITE,
    BAR_READ,
    SET_IRQFD,
    DEVICE_RESET,
    COMMANDS
};

typedef struct {
    int32_t command;
    uint32_t padding;
    uint64_t size;
} Header;

typedef struct {
    Header header;
    union {
        struct {
            uint32_t address;
            uint32_t value;
            int32_t length;
        } config;
        uint64_t value;
        uint8_t space[192];
    } payload;
} Message;

/* The size of each command's payload */
static const uint64_t sizes[COMMANDS] = { 192, 8, 12, 12, 24, 24, 0, 0 };


/* Handles one message and sends its answer. */
int
mpqemuServe(Device *device)
{
    Message message;
    Message answer = { .header = { RET, 0, sizes[RET] } };
    const size_t length = sizeof(answer.header) + sizes[RET];

    if (receiveAll(device->fd, &message.header, sizeof(message.header)) < 0 ||
        message.header.command < 0 || message.header.command >= COMMANDS ||
        message.header.size != sizes[message.header.command] ||
        receiveAll(device->fd, &message.payload, message.header.size) < 0)
        return -1;

    switch (message.header.command) {
    case PCI_CFGREAD:
    case PCI_CFGWRITE:
        if (message.payload.config.length < 1 || message.payload.config.length > 4 ||
            message.payload.config.address > CONFIG_SIZE - (uint32_t) message.payload.config.length)
            return -1;
        if (message.header.command == PCI_CFGREAD)
            deviceRead(device, message.payload.config.address, &answer.payload,
                       (uint32_t) message.payload.config.length);
        else
            deviceWrite(device, message.payload.config.address, &message.payload.config.value,
                        (uint32_t) message.payload.config.length);
        break;

    case BAR_READ:
        answer.payload.value = UINT64_MAX;
        break;

    case BAR_WRITE:
        break;

    case DEVICE_RESET:
        deviceReset(device);
        break;

    case SYNC_SYSMEM:
    case SET_IRQFD:
        return 0;       /* these are not answered */

    default:
        return -1;
    }

    return sendAll(device->fd, &answer, length);
}
