/*
 * fuzz-mpqemu.c: bytes from a hostile peer, to a device's end of the link
 *
 * The first byte of the input says in what pieces the rest comes. The same
 * stream is handled in these pieces and all at once: answers, configuration
 * space and the verdict must be the same, and no register may change that a
 * guest cannot change.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "mpqemu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What came of a stream. */
typedef struct {
    PCIConfig config;
    bool violation;
    size_t left;            /* bytes of a message that is not complete */
    size_t nanswers;
    uint64_t answers;       /* a hash of them */
} Outcome;


static void
check(bool condition)
{
    if (!condition)
        abort();
}


static void
takeAnswer(Outcome *outcome,
           MPQemuLink *link)
{
    uint32_t cmd;
    uint64_t size;
    uint64_t value;

    check(link->outLen == MPQEMU_REPLY_SIZE && link->outSent == 0);
    memcpy(&cmd, link->out, sizeof(cmd));
    memcpy(&size, link->out + 8, sizeof(size));
    memcpy(&value, link->out + 16, sizeof(value));
    check(cmd == MPQEMU_CMD_RET && size == 8);

    outcome->answers = (outcome->answers ^ value) * UINT64_C(0x100000001b3) + 1;
    outcome->nanswers++;
    link->outLen = 0;
}


/* Every register holds its power-on value but for what a guest can write. */
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


/* Handles SIZE bytes of DATA in pieces of at most PIECE bytes. */
static void
handle(Outcome *outcome,
       const uint8_t *data,
       size_t size,
       size_t piece)
{
    static const uint32_t values[EMULATED_PCI_FIELD_LAST] = {
        0, 0x5853, 0xc000, 0x0a5a, 0xf9b0, 0x01, 0xff8000, 0x80, 0x5853, 0xc000, 0x0b, 0x01,
    };
    MPQemuLink link = { 0 };

    memset(outcome, 0, sizeof(*outcome));
    pciConfigInit(&outcome->config, values);

    while (size > 0) {
        const char *why = NULL;
        MPQemuResult result;
        size_t space;
        uint8_t *to = mpqemuLinkSpace(&link, &space);
        size_t len = size < piece ? size : piece;

        check(space > 0);
        if (len > space)
            len = space;
        memcpy(to, data, len);
        mpqemuLinkAdd(&link, len);
        data += len;
        size -= len;

        while ((result = mpqemuLinkStep(&link, &outcome->config, &why)) == MPQEMU_REPLY)
            takeAnswer(outcome, &link);

        if (result == MPQEMU_VIOLATION) {
            check(why != NULL);
            outcome->violation = true;
            break;
        }
    }
    /* A stream that is given up may have handled more, or less, before. */
    outcome->left = outcome->violation ? 0 : link.inLen;
    checkConfig(&outcome->config);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    Outcome pieces;
    Outcome whole;

    if (size == 0)
        return 0;

    handle(&pieces, data + 1, size - 1, (size_t) data[0] + 1);
    handle(&whole, data + 1, size - 1, SIZE_MAX);

    check(pieces.violation == whole.violation);
    check(pieces.left == whole.left);
    check(pieces.nanswers == whole.nanswers);
    check(pieces.answers == whole.answers);
    check(memcmp(&pieces.config, &whole.config, sizeof(whole.config)) == 0);
    return 0;
}
