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
    gboolean repeated;      /* the request was sent more than once; not part of the message */
} VMStateReply;

/**
 * vmstateEmulatorHasLeft:
 * @fd: the socket
 *
 * Returns whether the emulator has ended because its devices were unplugged. It says so once.
 */
gboolean vmstateEmulatorHasLeft(int fd);

/**
 * vmstateEmulatorSend:
 * @fd: the socket
 * @command: EMULATOR_STATE_GET or EMULATOR_STATE_SET
 * @device: the number of the device, from 0
 * @registers: the registers for EMULATOR_STATE_SET, or NULL
 * @n: their size, in bytes; at most EMULATOR_STATE_MAX
 *
 * Sends a request without waiting for the reply. vmstateEmulatorCall() receives it. Replies to
 * several requests have to be received in the order of the requests.
 *
 * Returns the sequence number of the request, or 0 if it could not be sent.
 */
guint32 vmstateEmulatorSend(int fd,
                            EmulatorStateCommand command,
                            guint device,
                            const guint8 *registers,
                            gsize n);

/**
 * vmstateEmulatorCall:
 * @fd: the socket
 * @command: EMULATOR_STATE_GET or EMULATOR_STATE_SET
 * @device: the number of the device, from 0
 * @registers: the registers for EMULATOR_STATE_SET, or NULL
 * @n: their size, in bytes; at most EMULATOR_STATE_MAX
 * @sent: the sequence number of the same request if vmstateEmulatorSend() has sent it, or 0
 * @reply: filled in
 * @err: set to VIR_ERR_OPERATION_FAILED if the emulator does not reply or reports an error
 *
 * Sends a request, unless it was already sent, and waits for the reply, at most
 * VMSTATE_EMULATOR_TIMEOUT. If the request has to be repeated, replies to requests that were
 * sent after it are dropped, and these requests must be called again with @sent being 0.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateEmulatorCall(int fd,
                             EmulatorStateCommand command,
                             guint device,
                             const guint8 *registers,
                             gsize n,
                             guint32 sent,
                             VMStateReply *reply,
                             GError **err);
