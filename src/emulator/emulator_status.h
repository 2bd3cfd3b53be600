/*
 * emulator_status.h: the memory of the devices of a process
 *
 * The guard creates a memory file of fixed size, and its workers inherit the mapping. It contains
 * the devices with their registers and journals, and the data that "virt-emulatedpci emulators"
 * shows. A reader opens the file as /proc/PID/fd/N, a link to /memfd:emulatedpci-status. Seals
 * prevent writing through this descriptor and changes of the size.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "emulator_device.h"
#include "emulator_options.h"

#define EMULATOR_STATUS_NAME "emulatedpci-status"

/* The environment variable with QEMU's process ID, for an emulator that cannot determine it: one
 * in a separate PID namespace, or one whose device is attached to the running domain */
#define EMULATOR_STATUS_PEER "EMULATEDPCI_QEMU_PID"

/* The first bytes of the memory. A reader ignores memory with other bytes, another version or
 * other sizes. */
#define EMULATOR_STATUS_MAGIC "EPCISTAT"
#define EMULATOR_STATUS_VERSION 1

/* The reason why a device is not served any more */
typedef enum {
    EMULATOR_STATUS_OPEN = 0,
    EMULATOR_STATUS_GONE,       /* its peer has closed the connection: it was unplugged */
    EMULATOR_STATUS_FAILED,     /* any other reason: the guest reads all ones */
} EmulatorStatusClosed;

typedef struct {
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    char transport[16];
    int32_t peer;               /* process ID of the process that created the socket, which is QEMU */
    uint32_t closed;            /* EmulatorStatusClosed */
    EmulatorDevice device;
} EmulatorStatusDevice;

typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t deviceSize;        /* of an entry of devices */
    uint32_t ndevices;
    int32_t worker;             /* process ID of the process that serves */
    uint64_t started;           /* CLOCK_BOOTTIME, in nanoseconds */
    uint64_t restarts;          /* workers that were replaced */
    uint32_t serving;           /* 1 + index of the device whose request is processed */
    uint32_t restored;          /* sequence number of the last state that was restored */
    EmulatorStatusDevice devices[];
} EmulatorStatus;

/**
 * emulatorStatusNew:
 * @options: describes the devices
 *
 * Creates the memory, with all registers at their power-on values. The memory and
 * its descriptor exist as long as the process.
 *
 * Returns the memory, or NULL with errno set.
 */
EmulatorStatus *emulatorStatusNew(const EmulatorOptions *options);

/**
 * emulatorStatusPeer:
 * @fd: a connected socket
 *
 * Finds the process at the other end: the one that made the socket pair, or that connected. In a
 * pid namespace that this process is not in, it is the one that the environment names.
 *
 * Returns its pid, or 0 if it is not known.
 */
int32_t emulatorStatusPeer(int fd);

/**
 * emulatorStatusServed:
 * @status: the memory
 * @ndevices: number of devices in it
 *
 * Returns the number of requests that all devices have processed.
 */
uint64_t emulatorStatusServed(const EmulatorStatus *status,
                              size_t ndevices);
