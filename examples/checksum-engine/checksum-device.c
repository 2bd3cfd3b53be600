/*
 * checksum-device.c: the device: its configuration space, registers and interrupts
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "checksum-engine.h"

#include <string.h>
#include <unistd.h>

/* Registers, 32 bits each. The guest writes the address and the length of a buffer, and START;
 * the device reads the buffer, stores its CRC-32 in RESULT, and raises an interrupt. */
enum {
    REG_ID = 0x00,              /* read only: "CSUM" */
    REG_ADDRESS_LOW = 0x04,
    REG_ADDRESS_HIGH = 0x08,
    REG_LENGTH = 0x0c,          /* bytes, at most LENGTH_MAX */
    REG_START = 0x10,           /* any write starts */
    REG_STATUS = 0x14,          /* read only */
    REG_RESULT = 0x18,          /* read only */
    REG_JOBS = 0x1c,            /* read only: number of buffers that were read completely */
    REG_INTERRUPT = 0x20,       /* 1: an interrupt is pending; any write acknowledges it */
};

#define ID 0x4d555343
#define LENGTH_MAX (64U << 20)
#define STATUS_DONE 1
#define STATUS_ERROR 2
#define STATUS_BUSY 4

/* In configuration space (PCI Local Bus Specification 3.0, chapter 6) */
#define CONFIG_COMMAND 0x04
#define COMMAND_MASTER 0x04
#define CONFIG_STATUS 0x06
#define CONFIG_CAPABILITIES 0x34
#define CONFIG_INTERRUPT_LINE 0x3c
#define CONFIG_INTERRUPT_PIN 0x3d
#define CONFIG_MSIX 0x40


static void
put(uint8_t *at,
    uint32_t value,
    unsigned int bytes)
{
    while (bytes-- > 0) {
        *at++ = value & 0xff;
        value >>= 8;
    }
}


static uint32_t
get(const uint8_t *at)
{
    return at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}


void
deviceInit(Device *device)
{
    uint8_t *config = device->powerOn;
    size_t i;

    put(config + 0x00, 0x1234, 2);                      /* vendor */
    put(config + 0x02, 0xc5c5, 2);                      /* device */
    put(config + CONFIG_STATUS, 0x0010, 2);             /* there are capabilities */
    config[0x08] = 1;                                   /* revision */
    put(config + 0x09, 0x108000, 3);                    /* class: other encryption controller */
    config[0x10 + 4 * REGION_PORTS] = 1;                /* this BAR is I/O ports, the others memory */
    config[CONFIG_CAPABILITIES] = CONFIG_MSIX;
    config[CONFIG_INTERRUPT_PIN] = 1;                   /* INTA# */

    config[CONFIG_MSIX] = 0x11;                         /* MSI-X (6.8.2) */
    put(config + CONFIG_MSIX + 2, MSIX_VECTORS - 1, 2);
    put(config + CONFIG_MSIX + 4, REGION_MSIX, 4);              /* the table: at 0 of that BAR */
    put(config + CONFIG_MSIX + 8, 0x800 | REGION_MSIX, 4);      /* pending bits: at 0x800 */

    device->listener = device->fd = device->intx = -1;
    for (i = 0; i < MSIX_VECTORS; i++)
        device->msix[i] = -1;
    deviceReset(device);
}


void
deviceReset(Device *device)
{
    memcpy(device->config, device->powerOn, CONFIG_SIZE);
    device->addressLow = device->addressHigh = device->length = 0;
    device->status = device->result = device->jobs = device->index = 0;
    device->busy = device->pending = device->masked = false;
    device->messageId++;        /* a pending reply will be ignored */
}


uint64_t
deviceRegionSize(uint32_t region)
{
    switch (region) {
    case REGION_REGISTERS:
        return REGISTERS_SIZE;
    case REGION_PORTS:
        return PORTS_SIZE;
    case REGION_MSIX:
        return MSIX_SIZE;
    case REGION_CONFIG:
        return CONFIG_SIZE;
    default:
        return 0;
    }
}


/* --- interrupts */

static bool
signalInterrupt(int fd)
{
    const uint64_t one = 1;

    return fd >= 0 && write(fd, &one, sizeof(one)) == sizeof(one);
}


/* INTx is level-triggered, but an eventfd can only report that it becomes active. QEMU then masks
 * it, until the guest accesses the device and QEMU unmasks it again. */
void
deviceRaiseINTx(Device *device)
{
    if (device->pending && !device->masked)
        device->masked = signalInterrupt(device->intx);
}


static void
raise(Device *device,
      unsigned int vector)
{
    device->pending = true;
    if (!signalInterrupt(device->msix[vector]))
        deviceRaiseINTx(device);
}


/* --- the engine */

static uint32_t
crc32(uint32_t crc,
      const uint8_t *data,
      uint64_t count)
{
    static uint32_t table[256];
    uint32_t i;
    int bit;

    if (!table[1]) {
        for (i = 0; i < 256; i++) {
            table[i] = i;
            for (bit = 0; bit < 8; bit++)
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320U : 0);
        }
    }
    while (count-- > 0)
        crc = crc >> 8 ^ table[(crc ^ *data++) & 0xff];
    return crc;
}


static void
finish(Device *device,
       uint32_t status)
{
    device->busy = false;
    device->status = status;
    if (status == STATUS_DONE) {
        device->result = ~device->crc;
        device->jobs++;
    }
    raise(device, status == STATUS_DONE ? 0 : 1);
}


/* Reads memory that is mapped here, and requests other memory from QEMU. */
static void
work(Device *device)
{
    while (device->busy) {
        const Window *window;
        uint64_t count;

        if (device->left == 0) {
            finish(device, STATUS_DONE);
        } else if (!(window = dmaFind(device, device->at, device->left, &count))) {
            finish(device, STATUS_ERROR);
        } else if (window->bytes) {
            device->crc = crc32(device->crc, window->bytes + (device->at - window->address), count);
            device->at += count;
            device->left -= count;
        } else {
            if (protocolReadMemory(device, device->at, count < DMA_CHUNK ? count : DMA_CHUNK) < 0)
                finish(device, STATUS_ERROR);
            return;
        }
    }
}


void
deviceContinue(Device *device,
               const uint8_t *data,
               uint64_t count)
{
    if (!device->busy)
        return;
    if (!data || count == 0 || count > device->left) {
        finish(device, STATUS_ERROR);
        return;
    }
    device->crc = crc32(device->crc, data, count);
    device->at += count;
    device->left -= count;
    work(device);
}


static void
start(Device *device)
{
    if (device->busy)
        return;
    if (!(device->config[CONFIG_COMMAND] & COMMAND_MASTER) || device->length > LENGTH_MAX) {
        finish(device, STATUS_ERROR);
        return;
    }
    device->status = STATUS_BUSY;
    device->busy = true;
    device->at = (uint64_t) device->addressHigh << 32 | device->addressLow;
    device->left = device->length;
    device->crc = 0xffffffffU;
    work(device);
}


/* --- registers */

static uint32_t
readRegister(const Device *device,
             uint64_t offset)
{
    switch (offset) {
    case REG_ID:
        return ID;
    case REG_ADDRESS_LOW:
        return device->addressLow;
    case REG_ADDRESS_HIGH:
        return device->addressHigh;
    case REG_LENGTH:
        return device->length;
    case REG_STATUS:
        return device->status;
    case REG_RESULT:
        return device->result;
    case REG_JOBS:
        return device->jobs;
    case REG_INTERRUPT:
        return device->pending;
    default:
        return 0;
    }
}


static void
writeRegister(Device *device,
              uint64_t offset,
              uint32_t value)
{
    switch (offset) {
    case REG_ADDRESS_LOW:
        device->addressLow = value;
        break;
    case REG_ADDRESS_HIGH:
        device->addressHigh = value;
        break;
    case REG_LENGTH:
        device->length = value;
        break;
    case REG_START:
        start(device);
        break;
    case REG_INTERRUPT:
        device->pending = false;
        break;
    }
}


void
deviceRead(Device *device,
           uint32_t region,
           uint64_t offset,
           uint8_t *data,
           uint32_t count)
{
    uint8_t value[4] = { 0 };

    memset(data, 0, count);
    if (region == REGION_CONFIG) {
        memcpy(data, device->config + offset, count);
        return;
    }
    if (region == REGION_REGISTERS)
        put(value, readRegister(device, offset & ~3U), 4);
    else if (region == REGION_PORTS)
        put(value, offset < 4 ? device->index : readRegister(device, device->index), 4);
    if (count <= 4 - (offset & 3))
        memcpy(data, value + (offset & 3), count);
}


/* The guest can write to the command register and the interrupt line. QEMU itself handles writes
 * to the BARs and to MSI-X. */
static void
writeConfig(Device *device,
            uint64_t offset,
            const uint8_t *data,
            uint32_t count)
{
    for (; count > 0; offset++, data++, count--) {
        if (offset == CONFIG_COMMAND || offset == CONFIG_COMMAND + 1 ||
            offset == CONFIG_INTERRUPT_LINE)
            device->config[offset] = *data;
    }
}


void
deviceWrite(Device *device,
            uint32_t region,
            uint64_t offset,
            const uint8_t *data,
            uint32_t count)
{
    if (region == REGION_CONFIG)
        writeConfig(device, offset, data, count);
    else if (count != 4 || offset % 4 != 0)
        return;                         /* registers are written as a whole */
    else if (region == REGION_REGISTERS)
        writeRegister(device, offset, get(data));
    else if (region == REGION_PORTS && offset == 0)
        device->index = get(data);
    else if (region == REGION_PORTS)
        writeRegister(device, device->index, get(data));
}
