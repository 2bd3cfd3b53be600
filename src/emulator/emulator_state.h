/*
 * emulator_state.h: what the emulator tells of its devices' registers, and takes back
 *
 * A guest that is saved or migrated takes its devices' registers along. The
 * process that does this for QEMU (src/vmstate) has one end of a SOCK_SEQPACKET
 * socket pair; the emulator has the other one, --state-fd. One message is a
 * request, one is its reply; numbers are in the host's byte order, since both
 * ends are on one host. docs/pci-emulator-contract.rst describes the messages for
 * emulators of other people, whose state may have another length than ours.
 *
 * A worker that is killed may take a request with it. Whoever asks therefore
 * asks again, with the same sequence number, after a while without a reply. A
 * state that is given back twice is taken once: the virtual CPUs may have begun
 * to run after the first reply.
 *
 * An emulator that ends since all its devices were unplugged says so unasked: a reply to request
 * 0, which says EMULATOR_STATUS_GONE. The end of the socket without it is that of an emulator that
 * was killed.
 *
 * Pure: makes no system call, allocates nothing. emulator_loop.c has the socket.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "emulator_status.h"

typedef enum {
    EMULATOR_STATE_GET = 1,     /* tell the registers of a device */
    EMULATOR_STATE_SET = 2,     /* take them */
} EmulatorStateCommand;

/* Bytes of a request or a reply before the registers. */
#define EMULATOR_STATE_HEADER 16

/* The most bytes that an emulator can have for one device. pci-emulator has
 * PCI_CONFIG_SIZE. */
#define EMULATOR_STATE_MAX 4096

typedef struct {
    uint32_t command;           /* EmulatorStateCommand */
    uint32_t device;            /* from 0, in the order of --device */
    uint32_t sequence;          /* more than that of any request before; not 0 */
    uint32_t reserved;          /* 0 */
    uint8_t registers[PCI_CONFIG_SIZE];     /* SET; else not read, and may be left out */
} EmulatorStateRequest;

typedef struct {
    uint32_t sequence;          /* the request's */
    uint32_t error;             /* 0, or an errno: EINVAL, or EPERM: see pciConfigRestore() */
    uint32_t closed;            /* EmulatorStatusClosed */
    uint32_t reserved;          /* 0 */
    uint8_t registers[PCI_CONFIG_SIZE];     /* GET; else zeros */
} EmulatorStateReply;

/* Acts on the message REQUEST of LEN bytes for the NDEVICES devices of STATUS,
 * and fills in REPLY. Returns 0, or -1 if it is no request, and has no reply. */
int emulatorStateAnswer(EmulatorStatus *status,
                        size_t ndevices,
                        const void *request,
                        size_t len,
                        EmulatorStateReply *reply);
