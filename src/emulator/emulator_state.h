/*
 * emulator_state.h: requests for the registers of devices, and to restore them
 *
 * The registers of devices are part of a guest that is saved or migrated. The process that
 * provides them to QEMU (src/vmstate) has one end of a SOCK_SEQPACKET socket pair, and the
 * emulator has the other one (--state-fd). Each message is a request or a reply; numbers are in
 * host byte order, because both processes run on one host. docs/pci-emulator-contract.rst
 * describes the messages for other emulators, whose state can have another length.
 *
 * A request can be lost if a worker is killed. The peer therefore repeats it with the same
 * sequence number if there is no reply for some time. A repeated request to restore is processed
 * once, because the virtual CPUs may run after the first reply.
 *
 * An emulator that ends since all its devices were unplugged says so unasked: a reply to request
 * 0, which says EMULATOR_STATUS_GONE. The end of the socket without it is that of an emulator that
 * was killed.
 *
 * The functions make no system calls and allocate no memory. emulator_loop.c uses the socket.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "emulator_status.h"

typedef enum {
    EMULATOR_STATE_GET = 1,     /* return the registers of a device */
    EMULATOR_STATE_SET = 2,     /* restore the registers of a device */
} EmulatorStateCommand;

/* The size of a request or reply without the registers, in bytes */
#define EMULATOR_STATE_HEADER 16

/* The maximum size of the state of a device of any emulator, in bytes. In pci-emulator it has
 * PCI_CONFIG_SIZE bytes. */
#define EMULATOR_STATE_MAX 4096

typedef struct {
    uint32_t command;           /* EmulatorStateCommand */
    uint32_t device;            /* from 0, in the order of --device */
    uint32_t sequence;          /* greater than that of each earlier request; not 0 */
    uint32_t reserved;          /* 0 */
    uint8_t registers[PCI_CONFIG_SIZE];     /* for SET; otherwise ignored, and can be omitted */
} EmulatorStateRequest;

typedef struct {
    uint32_t sequence;          /* that of the request */
    uint32_t error;             /* 0, or an errno: EINVAL, or EPERM: see pciConfigRestore() */
    uint32_t closed;            /* EmulatorStatusClosed */
    uint32_t reserved;          /* 0 */
    uint8_t registers[PCI_CONFIG_SIZE];     /* for GET; otherwise zeros */
} EmulatorStateReply;

/**
 * emulatorStateAnswer:
 * @status: the memory of the devices
 * @ndevices: their number
 * @request: a message
 * @len: its length, in bytes
 * @reply: set to the reply
 *
 * Processes a request.
 *
 * Returns 0, or -1 if the message is not a request; then there is no reply.
 */
int emulatorStateAnswer(EmulatorStatus *status,
                        size_t ndevices,
                        const void *request,
                        size_t len,
                        EmulatorStateReply *reply);
