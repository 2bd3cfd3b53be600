/*
 * fuzz-vfio-user.c: any bytes from a malicious peer, to a device's end of vfio-user
 *
 * If the first byte of the input is odd, the session is negotiated already, so that the fuzzer need
 * not write JSON first. The rest is the stream. Each request is handled twice from the same state,
 * as after a crash in between: the replies and registers must be the same. No register that a guest
 * cannot change may change, and no reply may be longer than allowed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "vfio_user.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    VFIOUserSession session;
    PCIConfig config;
    uint8_t reply[VFIO_USER_REPLY_MAX];
    ssize_t len;
} Outcome;


static void
check(bool condition)
{
    if (!condition)
        abort();
}


/* Checks a reply. A successful one is a whole message with the same command, an error is a header,
 * and there is a reply exactly if one was requested. */
static void
checkReply(const Outcome *outcome,
           const uint8_t *request)
{
    uint32_t flags;
    uint32_t size;
    uint32_t error;

    memcpy(&flags, request + 8, sizeof(flags));
    if (outcome->len == 0) {
        check(flags & VFIO_USER_FLAGS_NO_REPLY);
        return;
    }
    check(!(flags & VFIO_USER_FLAGS_NO_REPLY));

    check(outcome->len >= VFIO_USER_HEADER_SIZE && outcome->len <= VFIO_USER_REPLY_MAX);
    check(memcmp(outcome->reply, request, 4) == 0);
    memcpy(&size, outcome->reply + 4, sizeof(size));
    memcpy(&flags, outcome->reply + 8, sizeof(flags));
    memcpy(&error, outcome->reply + 12, sizeof(error));
    check(size == outcome->len);
    if (flags == VFIO_USER_FLAGS_REPLY)
        check(error == 0);
    else
        check(flags == (VFIO_USER_FLAGS_REPLY | VFIO_USER_FLAGS_ERROR) && error != 0 &&
              size == VFIO_USER_HEADER_SIZE);
}


/* Checks that every register has its power-on value, except for bits that a guest can write. */
static void
checkConfig(const PCIConfig *config)
{
    static const uint8_t allowed[PCI_CONFIG_SIZE] = {
        [PCI_CONFIG_COMMAND] = PCI_CONFIG_COMMAND_WRITABLE & 0xff,
        [PCI_CONFIG_COMMAND + 1] = PCI_CONFIG_COMMAND_WRITABLE >> 8,
        [PCI_CONFIG_STATUS + 1] = PCI_CONFIG_STATUS_W1C >> 8,
        [PCI_CONFIG_CACHELINESIZE] = 0xff,
        [PCI_CONFIG_INTERRUPTLINE] = 0xff,
    };
    unsigned int reg;

    for (reg = 0; reg < PCI_CONFIG_SIZE; reg++)
        check(!((config->now[reg] ^ config->powerOn[reg]) & ~allowed[reg]));
    check(!(config->now[PCI_CONFIG_STATUS + 1] & ~config->powerOn[PCI_CONFIG_STATUS + 1]));
}


static void
answer(Outcome *outcome,
       const uint8_t *request,
       size_t len)
{
    /* The exact size, so that AddressSanitizer detects a read beyond the end. */
    uint8_t *copy = malloc(len);
    const char *why = NULL;

    check(copy != NULL);
    memcpy(copy, request, len);
    memset(outcome->reply, 0, sizeof(outcome->reply));
    outcome->len = vfioUserAnswer(&outcome->session, &outcome->config, copy, len,
                                  outcome->reply, &why);
    check((outcome->len < 0) == (why != NULL));
    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    static const uint32_t values[EMULATED_PCI_FIELD_LAST] = {
        0, 0x5853, 0xc000, 0x0a5a, 0xf9b0, 0x01, 0xff8000, 0x80, 0x5853, 0xc000, 0x0b, 0x01,
    };
    const uint8_t *end = data + size;
    static Outcome outcome;
    static Outcome again;

    if (size == 0)
        return 0;

    memset(&outcome, 0, sizeof(outcome));
    pciConfigInit(&outcome.config, values);
    if (*data++ & 1) {
        outcome.session.negotiated = 1;
        outcome.session.peerDataMax = PCI_CONFIG_SIZE;
    }

    for (;;) {
        const char *why = NULL;
        const ssize_t len = vfioUserRequestLength(data, end - data, &why);

        check((len < 0) == (why != NULL));
        if (len <= 0 || len > end - data)
            return 0;
        check(len >= VFIO_USER_HEADER_SIZE && len <= VFIO_USER_MESSAGE_MAX);

        again = outcome;
        answer(&outcome, data, len);
        answer(&again, data, len);
        check(memcmp(&outcome, &again, sizeof(outcome)) == 0);
        if (outcome.len < 0)
            return 0;

        checkReply(&outcome, data);
        checkConfig(&outcome.config);
        data += len;
    }
}
