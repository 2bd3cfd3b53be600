/*
 * emulator_device.c: a device that survives its process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_device.h"

#include <stdatomic.h>
#include <string.h>


static EmulatorState *
deviceCurrent(EmulatorDevice *device)
{
    return &device->states[device->current & 1];
}


/* Makes TO, which is complete, the current state. */
static void
deviceCommit(EmulatorDevice *device,
             const EmulatorState *to)
{
    atomic_signal_fence(memory_order_seq_cst);
    __atomic_store_n(&device->current, to == &device->states[1], __ATOMIC_RELEASE);
    atomic_signal_fence(memory_order_seq_cst);
}


/* Returns the state that follows FROM: with the same registers, without a transfer, and with the
 * LEN bytes at IN as received data. */
static EmulatorState *
deviceNext(EmulatorDevice *device,
           const EmulatorState *from,
           const uint8_t *in,
           size_t len)
{
    EmulatorState *to = &device->states[from == &device->states[0]];

    to->received.message.msg_len = 0;
    to->sent.message.msg_len = 0;
    to->served = from->served;
    to->session = from->session;
    to->config = from->config;
    to->outLen = to->outSent = 0;
    to->inLen = len;
    memcpy(to->in, in, len);
    return to;
}


void
emulatorDeviceInit(EmulatorDevice *device,
                   const uint32_t values[EMULATED_PCI_FIELD_LAST])
{
    pciConfigInit(&device->states[0].config, values);
}


/* Returns whether the numbers of a state are consistent. */
static bool
stateIsSane(const EmulatorState *state)
{
    const uint32_t received = state->received.message.msg_len;
    const uint32_t sent = state->sent.message.msg_len;

    return state->inLen <= sizeof(state->in) &&
        received <= sizeof(state->in) - state->inLen &&
        state->outLen <= sizeof(state->out) &&
        state->outSent <= state->outLen &&
        sent <= state->outLen - state->outSent;
}


EmulatorDeviceNext
emulatorDeviceStep(EmulatorDevice *device,
                   const EmulatorProtocol *protocol,
                   const char **why)
{
    for (;;) {
        const EmulatorState *from = deviceCurrent(device);
        const size_t len = from->inLen + from->received.message.msg_len;
        EmulatorState *to;
        ssize_t request;
        ssize_t reply;

        if (!stateIsSane(from)) {
            *why = "the journal";
            return EMULATOR_DEVICE_VIOLATION;
        }

        /* A reply is sent before the next request is received. */
        if (from->outSent + from->sent.message.msg_len < from->outLen) {
            if (from->sent.message.msg_len > 0) {
                to = deviceNext(device, from, from->in, len);
                memcpy(to->out, from->out, from->outLen);
                to->outLen = from->outLen;
                to->outSent = from->outSent + from->sent.message.msg_len;
                deviceCommit(device, to);
            }
            return EMULATOR_DEVICE_SEND;
        }

        if (len == 0)
            return EMULATOR_DEVICE_RECEIVE;

        if ((request = protocol->requestLength(from->in, len, why)) < 0)
            return EMULATOR_DEVICE_VIOLATION;

        if (request == 0 || (size_t) request > len) {
            if (from->received.message.msg_len > 0)
                deviceCommit(device, deviceNext(device, from, from->in, len));
            return EMULATOR_DEVICE_RECEIVE;
        }

        to = deviceNext(device, from, from->in + request, len - request);
        reply = protocol->answer(&to->session, &to->config, from->in, request, to->out, why);
        if (reply < 0)
            return EMULATOR_DEVICE_VIOLATION;
        to->outLen = reply;
        to->served++;
        deviceCommit(device, to);
    }
}


void
emulatorDeviceGetRegisters(EmulatorDevice *device,
                           uint8_t registers[PCI_CONFIG_SIZE])
{
    memcpy(registers, deviceCurrent(device)->config.now, PCI_CONFIG_SIZE);
}


bool
emulatorDeviceRestore(EmulatorDevice *device,
                      const uint8_t registers[PCI_CONFIG_SIZE])
{
    unsigned int where;

    return pciConfigRestore(&deviceCurrent(device)->config, registers, &where);
}


static struct mmsghdr *
transferPrepare(EmulatorTransfer *transfer,
                uint8_t *data,
                size_t len)
{
    transfer->vector = (struct iovec) { .iov_base = data, .iov_len = len };
    transfer->message = (struct mmsghdr) {
        .msg_hdr = { .msg_iov = &transfer->vector, .msg_iovlen = 1 },
    };
    return &transfer->message;
}


struct mmsghdr *
emulatorDeviceReceiving(EmulatorDevice *device)
{
    EmulatorState *state = deviceCurrent(device);

    return transferPrepare(&state->received, state->in + state->inLen,
                           sizeof(state->in) - state->inLen);
}


struct mmsghdr *
emulatorDeviceSending(EmulatorDevice *device)
{
    EmulatorState *state = deviceCurrent(device);

    return transferPrepare(&state->sent, state->out + state->outSent,
                           state->outLen - state->outSent);
}


/* Returns the current state of a device that another process serves; it can change at any time. */
static const EmulatorState *
devicePeek(const EmulatorDevice *device)
{
    return &device->states[__atomic_load_n(&device->current, __ATOMIC_ACQUIRE) & 1];
}


uint64_t
emulatorDeviceServed(const EmulatorDevice *device)
{
    return devicePeek(device)->served;
}


EmulatorDeviceProgress
emulatorDeviceGetProgress(const EmulatorDevice *device)
{
    const EmulatorState *state = devicePeek(device);

    if (state->outSent + state->sent.message.msg_len < state->outLen)
        return EMULATOR_DEVICE_ANSWERING;

    return state->received.message.msg_len > 0 ? EMULATOR_DEVICE_IN_HAND : EMULATOR_DEVICE_IDLE;
}
