/*
 * counter-emulator.h: the interfaces of the files of counter-emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#define CONFIG_SIZE 256

typedef struct Device Device;

struct Device {
    int fd;             /* connected, or listening for QEMU; -1 after it has disconnected */

    /* Handles data that can be read. Returns 0, or -1 if QEMU has closed the connection or has
     * violated the protocol. */
    int (*serve)(Device *device);

    const char *path;   /* where it listens */
    uint32_t counter;
    uint8_t powerOn[CONFIG_SIZE];
    uint8_t now[CONFIG_SIZE];
};

/* counter-emulator.c: the device */
void deviceRead(Device *device, uint32_t address, void *data, uint32_t length);
void deviceWrite(Device *device, uint32_t address, const void *data, uint32_t length);
void deviceReset(Device *device);
int receiveAll(int fd, void *buf, size_t len);
int sendAll(int fd, const void *buf, size_t len);

/* counter-mpqemu.c: the messages of QEMU's x-pci-proxy-dev */
int mpqemuServe(Device *device);

/* counter-vfio-user.c: the messages of QEMU's vfio-user-pci */
int vfioUserListen(Device *device);
int vfioUserAccept(Device *device);
