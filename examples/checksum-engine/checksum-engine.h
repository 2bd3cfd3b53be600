/*
 * checksum-engine.h: the interfaces of the files of checksum-engine
 *
 * checksum-protocol.c handles QEMU's messages, checksum-device.c is the device,
 * checksum-dma.c maps the guest's memory, and checksum-engine.c is the main program.
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
#define REGION_MSIX 2           /* memory: the MSI-X table, which QEMU handles */
#define REGION_CONFIG 7         /* configuration space */
#define REGIONS 9

#define CONFIG_SIZE 256
#define REGISTERS_SIZE 4096
#define PORTS_SIZE 8
#define MSIX_SIZE 4096

/* The device's interrupts, as linux/vfio.h numbers them */
#define IRQ_INTX 0
#define IRQ_MSIX 2
#define IRQS 5
#define MSIX_VECTORS 2          /* 0: a checksum is complete; 1: error */

/* A part of the guest's memory. */
typedef struct {
    uint64_t address;           /* in the guest */
    uint64_t size;
    uint8_t *bytes;             /* mapped here; NULL: QEMU has to read them */
} Window;

#define WINDOWS_MAX 64

/* The maximum number of bytes that QEMU reads for one message. */
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

    bool busy;                  /* a buffer is being read */
    uint64_t at, left;          /* its next address, and the number of bytes left */
    uint32_t crc;               /* of the bytes that were read */
    uint16_t messageId;         /* of our last DMA_READ */

    int intx;                   /* eventfd of the interrupt; -1: none */
    int msix[MSIX_VECTORS];
    bool pending;               /* the guest has not acknowledged the last interrupt */
    bool masked;                /* INTx was raised, and QEMU has not unmasked it */

    Window windows[WINDOWS_MAX];
    size_t nwindows;
};

/* --- checksum-device.c */

/* Fills the power-on configuration space. */
void deviceInit(Device *device);

/* Restores the power-on values. */
void deviceReset(Device *device);

/* Returns the size of REGION, 0 if it does not exist. */
uint64_t deviceRegionSize(uint32_t region);

/* Reads or writes COUNT bytes of a REGION, all of which exist. */
void deviceRead(Device *device, uint32_t region, uint64_t offset, uint8_t *data, uint32_t count);
void deviceWrite(Device *device, uint32_t region, uint64_t offset, const uint8_t *data, uint32_t count);

/* Raises INTx if it is pending and not masked. To be called after QEMU has unmasked it. */
void deviceRaiseINTx(Device *device);

/* Continues with the next COUNT bytes of a buffer; DATA is NULL if they cannot be read. */
void deviceContinue(Device *device, const uint8_t *data, uint64_t count);

/* --- checksum-dma.c */

/* Adds a window of SIZE bytes: the guest's memory at ADDRESS is at OFFSET of FD (-1: QEMU has to
 * read it). Returns -1 if there are too many windows, or FD cannot be mapped. */
int dmaMap(Device *device, int fd, uint64_t offset, uint64_t address, uint64_t size);
void dmaUnmap(Device *device, uint64_t address, uint64_t size);
void dmaUnmapAll(Device *device);

/* Returns the window that contains the guest's memory at ADDRESS, or NULL. Sets *COUNT to the
 * number of bytes from ADDRESS to the end of the window, at most LIMIT. */
const Window *dmaFind(const Device *device, uint64_t address, uint64_t limit, uint64_t *count);

/* --- checksum-protocol.c */

/* Returns a listening socket at PATH, or -1. */
int protocolListen(const char *path);

/* Handles one message. Returns -1 if the connection has to be closed. */
int protocolServe(Device *device);

/* Requests COUNT bytes of the guest's memory from QEMU, for deviceContinue(). Returns 0 or -1. */
int protocolReadMemory(Device *device, uint64_t address, uint32_t count);

/* Releases everything that belongs to a connection. */
void protocolClose(Device *device);
