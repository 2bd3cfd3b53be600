/*
 * checksum-engine.h: the interfaces of the files of checksum-engine
 *
 * From the guest to the bytes: checksum-protocol.c takes QEMU's messages apart,
 * checksum-device.c is the device, checksum-dma.c reads the guest's memory, and
 * checksum-engine.c is the program around them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The device's regions, as linux/vfio.h numbers them: BAR 0 to 5, then these. */
#define REGION_REGISTERS 0      /* memory: the registers */
#define REGION_PORTS 1          /* I/O ports: the same registers, an index and the data */
#define REGION_MSIX 2           /* memory: the MSI-X table, which QEMU looks after */
#define REGION_CONFIG 7         /* configuration space */
#define REGIONS 9

#define CONFIG_SIZE 256
#define REGISTERS_SIZE 4096
#define PORTS_SIZE 8
#define MSIX_SIZE 4096

/* And its interrupts */
#define IRQ_INTX 0
#define IRQ_MSIX 2
#define IRQS 5
#define MSIX_VECTORS 2          /* a checksum is there; there was an error */

/* A part of the guest's memory. */
typedef struct {
    uint64_t address;           /* in the guest */
    uint64_t size;
    uint8_t *bytes;             /* mapped here; NULL: QEMU has to be asked */
} Window;

#define WINDOWS_MAX 64

/* The number of bytes that one message reads, if QEMU has to be asked for them. */
#define DMA_CHUNK 65536

typedef struct Device Device;
struct Device {
    int listener;               /* where QEMU connects, or -1 */
    int fd;                     /* QEMU, or -1 */
    const char *path;           /* of the listener */

    uint8_t powerOn[CONFIG_SIZE];
    uint8_t config[CONFIG_SIZE];

    uint32_t addressLow, addressHigh, length;   /* the buffer, from the guest */
    uint32_t status, result, jobs;
    uint32_t index;                             /* of the I/O ports */

    bool busy;                  /* a buffer is being read: */
    uint64_t at, left;          /* where, and how much is left */
    uint32_t crc;               /* so far */
    uint16_t messageId;         /* of our last DMA_READ */

    int intx;                   /* what raises an interrupt; -1: none */
    int msix[MSIX_VECTORS];
    bool pending;               /* the guest has not acknowledged the last interrupt */
    bool masked;                /* INTx was raised, and QEMU has not asked for more */

    Window windows[WINDOWS_MAX];
    size_t nwindows;
};

/* --- checksum-device.c */

/* Fills the power-on configuration space. */
void deviceInit(Device *device);

/* Power-on values. */
void deviceReset(Device *device);

/* SIZE of a region, 0 if there is no such one. */
uint64_t deviceRegionSize(uint32_t region);

/* Reads or writes COUNT bytes of a REGION, all of which exist. */
void deviceRead(Device *device, uint32_t region, uint64_t offset, uint8_t *data, uint32_t count);
void deviceWrite(Device *device, uint32_t region, uint64_t offset, const uint8_t *data, uint32_t count);

/* Raises INTx once more if it is still pending. For a mask that has gone. */
void deviceRaiseINTx(Device *device);

/* Goes on with a buffer, of which COUNT more bytes are there; DATA NULL: cannot be read. */
void deviceContinue(Device *device, const uint8_t *data, uint64_t count);

/* --- checksum-dma.c */

/* Takes FD (-1: QEMU has to be asked), SIZE bytes of which from OFFSET are the guest's memory at
 * ADDRESS. -1 if there are too many windows already, or it cannot be mapped. */
int dmaMap(Device *device, int fd, uint64_t offset, uint64_t address, uint64_t size);
void dmaUnmap(Device *device, uint64_t address, uint64_t size);
void dmaUnmapAll(Device *device);

/* The window in which the guest's memory from ADDRESS is, and in *COUNT how many bytes of it are
 * there, at most LIMIT. NULL if there is none. */
const Window *dmaFind(const Device *device, uint64_t address, uint64_t limit, uint64_t *count);

/* --- checksum-protocol.c */

/* A listening socket at PATH, or -1. */
int protocolListen(const char *path);

/* Handles one message. -1: the connection is to be closed. */
int protocolServe(Device *device);

/* Asks QEMU for COUNT bytes of the guest's memory; deviceContinue() gets them. */
int protocolReadMemory(Device *device, uint64_t address, uint32_t count);

/* Releases everything that belongs to a connection. */
void protocolClose(Device *device);
