/*
 * vmstate_emulator.h: requests registers from an emulator, and restores them
 *
 * Uses the socket of emulator_state.h. If the worker of an emulator is killed, the next one is
 * available within milliseconds; a request that was lost is repeated.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"
#include "emulator_state.h"

/* The time after which a request is repeated, and the time after which the emulator is considered
 * not to reply, in milliseconds. QEMU waits for 25 seconds. */
#define VMSTATE_EMULATOR_REPEAT 250
#define VMSTATE_EMULATOR_TIMEOUT 5000

typedef struct {
    guint32 sequence;       /* the sequence number of the request */
    guint32 error;          /* 0, or an errno */
    guint32 closed;         /* EmulatorStatusClosed */
    guint32 reserved;
    guint8 registers[EMULATOR_STATE_MAX];   /* for EMULATOR_STATE_GET */
    gsize nregisters;       /* their size, in bytes; not part of the message */
} VMStateReply;

/**
 * vmstateEmulatorHasLeft:
 * @fd: the socket
 *
 * Returns whether the emulator has ended because its devices were unplugged. It says so once.
 */
gboolean vmstateEmulatorHasLeft(int fd);

/**
 * vmstateEmulatorCall:
 * @fd: the socket
 * @command: EMULATOR_STATE_GET or EMULATOR_STATE_SET
 * @device: the number of the device, from 0
 * @registers: the registers for EMULATOR_STATE_SET, or NULL
 * @n: their size, in bytes; at most EMULATOR_STATE_MAX
 * @reply: filled in
 * @err: set to VIR_ERR_OPERATION_FAILED if the emulator does not reply or reports an error
 *
 * Sends a request and waits for the reply, at most VMSTATE_EMULATOR_TIMEOUT.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateEmulatorCall(int fd,
                             EmulatorStateCommand command,
                             guint device,
                             const guint8 *registers,
                             gsize n,
                             VMStateReply *reply,
                             GError **err);
