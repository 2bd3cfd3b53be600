/*
 * emulator_state.c: requests for the registers of devices, and to restore them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_state.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>


static uint32_t
stateSet(EmulatorStatus *status,
         EmulatorStatusDevice *device,
         const EmulatorStateRequest *request)
{
    /* The state was already restored, possibly by another process. */
    if (request->sequence <= status->restored)
        return 0;

    if (!emulatorDeviceRestore(&device->device, request->registers))
        return EPERM;

    /* The number is stored last, so that a process that is killed before has not lost the
     * request. */
    atomic_signal_fence(memory_order_seq_cst);
    status->restored = request->sequence;
    return 0;
}


int
emulatorStateAnswer(EmulatorStatus *status,
                    size_t ndevices,
                    const void *request,
                    size_t len,
                    EmulatorStateReply *reply)
{
    EmulatorStateRequest own = { 0 };
    EmulatorStatusDevice *device;

    if (len < EMULATOR_STATE_HEADER || len > sizeof(own))
        return -1;
    memcpy(&own, request, len);

    memset(reply, 0, sizeof(*reply));
    reply->sequence = own.sequence;
    if (own.sequence == 0 || own.device >= ndevices ||
        (own.command == EMULATOR_STATE_SET && len != sizeof(own))) {
        reply->error = EINVAL;
        return 0;
    }

    device = &status->devices[own.device];
    reply->closed = device->closed;
    switch ((EmulatorStateCommand) own.command) {
    case EMULATOR_STATE_GET:
        emulatorDeviceGetRegisters(&device->device, reply->registers);
        break;
    case EMULATOR_STATE_SET:
        reply->error = stateSet(status, device, &own);
        break;
    default:
        reply->error = EINVAL;
        break;
    }
    return 0;
}
