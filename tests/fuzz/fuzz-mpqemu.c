/*
 * fuzz-mpqemu.c: any bytes from a malicious peer, to a device's end of the link
 *
 * The first byte of the input determines the size of the pieces in which the rest is sent, the
 * second one how often the process that serves the device is killed, and where. The stream is
 * handled in these pieces by processes that are killed, and as a whole by one that is not: the
 * replies, the configuration space and the result must be the same, and no register that a guest
 * cannot change may change.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "emulator_device.h"
#include "mpqemu.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The result of a stream */
typedef struct {
    EmulatorDevice device;
    PCIConfig config;       /* at the end */
    bool violation;
    size_t left;            /* bytes of an incomplete message */
    uint64_t served;
    size_t nanswers;        /* the number of bytes of all replies */
    uint64_t answers;       /* a hash of all replies */
    const uint8_t *data;    /* the rest of the stream */
    size_t size;
    unsigned int kills;     /* the number of processes that were killed */
} Outcome;

/* The number of points that the process still passes before it is killed */
static unsigned int killAfter;
static jmp_buf killed;


static void
check(bool condition)
{
    if (!condition)
        abort();
}


static void
place(void)
{
    if (killAfter > 0 && --killAfter == 0)
        longjmp(killed, 1);
}


static ssize_t
requestLength(const uint8_t *data,
              size_t len,
              const char **why)
{
    place();
    return mpqemuProtocol.requestLength(data, len, why);
}


static ssize_t
answer(EmulatorSession *session,
       PCIConfig *config,
       const uint8_t *request,
       size_t len,
       uint8_t reply[EMULATOR_REPLY_MAX],
       const char **why)
{
    ssize_t result;

    place();
    result = mpqemuProtocol.answer(session, config, request, len, reply, why);
    place();
    return result;
}


static const EmulatorProtocol protocol = {
    .name = "mpqemu",
    .requestLength = requestLength,
    .answer = answer,
};


/* Checks that every register has its power-on value, except for bits that a guest can write. */
static void
checkConfig(const PCIConfig *config)
{
    unsigned int reg;

    for (reg = 0; reg < PCI_CONFIG_SIZE; reg++) {
        const uint8_t changed = config->now[reg] ^ config->powerOn[reg];

        switch (reg) {
        case PCI_CONFIG_COMMAND:
            check(!(changed & ~(PCI_CONFIG_COMMAND_WRITABLE & 0xff)));
            break;
        case PCI_CONFIG_COMMAND + 1:
            check(!(changed & ~(PCI_CONFIG_COMMAND_WRITABLE >> 8)));
            break;
        case PCI_CONFIG_STATUS + 1:
            check(!(changed & ~(PCI_CONFIG_STATUS_W1C >> 8)));
            check(!(config->now[reg] & ~config->powerOn[reg]));
            break;
        case PCI_CONFIG_CACHELINESIZE:
        case PCI_CONFIG_INTERRUPTLINE:
            break;
        default:
            check(!changed);
        }
    }
}


/* Serves the device as one process does. Replaces the kernel: each transfer is at most PIECE bytes,
 * and msg_len is its length. */
static void
serve(Outcome *outcome,
      size_t piece)
{
    for (;;) {
        const char *why = NULL;
        struct mmsghdr *message;
        struct iovec *vector;
        size_t i;

        switch (emulatorDeviceStep(&outcome->device, &protocol, &why)) {
        case EMULATOR_DEVICE_RECEIVE:
            if (outcome->size == 0)
                return;

            message = emulatorDeviceReceiving(&outcome->device);
            vector = message->msg_hdr.msg_iov;
            check(vector->iov_len > 0);
            if (vector->iov_len > piece)
                vector->iov_len = piece;
            message->msg_len = vector->iov_len < outcome->size ? vector->iov_len
                                                               : outcome->size;
            memcpy(vector->iov_base, outcome->data, message->msg_len);
            outcome->data += message->msg_len;
            outcome->size -= message->msg_len;
            break;

        case EMULATOR_DEVICE_SEND:
            message = emulatorDeviceSending(&outcome->device);
            vector = message->msg_hdr.msg_iov;
            check(vector->iov_len > 0 && vector->iov_len <= MPQEMU_REPLY_SIZE);
            message->msg_len = vector->iov_len < piece ? vector->iov_len : piece;
            for (i = 0; i < message->msg_len; i++) {
                const uint8_t byte = ((const uint8_t *) vector->iov_base)[i];

                outcome->answers = (outcome->answers ^ byte) * UINT64_C(0x100000001b3) + 1;
            }
            outcome->nanswers += message->msg_len;
            break;

        case EMULATOR_DEVICE_VIOLATION:
        default:
            check(why != NULL);
            outcome->violation = true;
            return;
        }
        place();
    }
}


/* Handles SIZE bytes of DATA in pieces of at most PIECE bytes, by processes of which KILLS are
 * killed. */
static void
handle(Outcome *outcome,
       const uint8_t *data,
       size_t size,
       size_t piece,
       unsigned int kills)
{
    static const uint32_t values[EMULATED_PCI_FIELD_LAST] = {
        0, 0x5853, 0xc000, 0x0a5a, 0xf9b0, 0x01, 0xff8000, 0x80, 0x5853, 0xc000, 0x0b, 0x01,
    };
    const EmulatorState *state;

    memset(outcome, 0, sizeof(*outcome));
    emulatorDeviceInit(&outcome->device, values);
    outcome->data = data;
    outcome->size = size;

    /* Changes of the next state by a process that was killed are ignored. */
    if (setjmp(killed) != 0) {
        outcome->kills++;
        memset(&outcome->device.states[!(outcome->device.current & 1)], outcome->kills,
               sizeof(outcome->device.states[0]));
    }
    killAfter = outcome->kills < kills ? 1 + (kills + outcome->kills) % 7 : 0;

    serve(outcome, piece);

    state = &outcome->device.states[outcome->device.current & 1];
    outcome->config = state->config;
    outcome->served = state->served;
    outcome->left = outcome->violation ? 0 : state->inLen + state->received.message.msg_len;
    checkConfig(&outcome->config);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    static Outcome pieces;
    static Outcome whole;

    if (size < 2)
        return 0;

    handle(&pieces, data + 2, size - 2, (size_t) data[0] + 1, data[1]);
    handle(&whole, data + 2, size - 2, SIZE_MAX, 0);

    check(pieces.violation == whole.violation);
    check(pieces.left == whole.left);
    check(pieces.served == whole.served);
    check(pieces.nanswers == whole.nanswers);
    check(pieces.answers == whole.answers);
    check(memcmp(&pieces.config, &whole.config, sizeof(whole.config)) == 0);
    return 0;
}
