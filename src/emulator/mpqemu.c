/*
 * mpqemu.c: the device's end of QEMU's multi-process link (x-pci-proxy-dev)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "mpqemu.h"

#include <string.h>

#include "verify.h"

typedef struct {
    int32_t cmd;
    uint32_t padding;
    uint64_t size;
} MPQemuHeader;

verify(sizeof(MPQemuHeader) == MPQEMU_HEADER_SIZE);

typedef struct {
    uint32_t addr;
    uint32_t val;
    int32_t len;
} MPQemuConfigAccess;

verify(sizeof(MPQemuConfigAccess) == 12);

/* What the payload of each command measures, exactly. */
static const struct {
    uint16_t size;
    bool fromQEMU;
} commands[MPQEMU_CMD_LAST] = {
    [MPQEMU_CMD_SYNC_SYSMEM] = { 192, true },
    [MPQEMU_CMD_RET] = { 8, false },
    [MPQEMU_CMD_PCI_CFGWRITE] = { sizeof(MPQemuConfigAccess), true },
    [MPQEMU_CMD_PCI_CFGREAD] = { sizeof(MPQemuConfigAccess), true },
    [MPQEMU_CMD_BAR_WRITE] = { 24, true },
    [MPQEMU_CMD_BAR_READ] = { 24, true },
    [MPQEMU_CMD_SET_IRQFD] = { 0, true },
    [MPQEMU_CMD_DEVICE_RESET] = { 0, true },
};


uint8_t *
mpqemuLinkSpace(MPQemuLink *link,
                size_t *size)
{
    *size = sizeof(link->in) - link->inLen;
    return link->in + link->inLen;
}


void
mpqemuLinkAdd(MPQemuLink *link,
              size_t len)
{
    link->inLen += len;
}


static void
linkReply(MPQemuLink *link,
          uint64_t value)
{
    const MPQemuHeader header = {
        .cmd = MPQEMU_CMD_RET,
        .size = sizeof(value),
    };

    memcpy(link->out, &header, sizeof(header));
    memcpy(link->out + sizeof(header), &value, sizeof(value));
    link->outLen = sizeof(header) + sizeof(value);
    link->outSent = 0;
}


/* Acts on one complete message. */
static MPQemuResult
linkHandle(MPQemuLink *link,
           PCIConfig *config,
           MPQemuCmd cmd,
           const uint8_t *payload,
           const char **why)
{
    MPQemuConfigAccess access;

    switch (cmd) {
    case MPQEMU_CMD_PCI_CFGREAD:
    case MPQEMU_CMD_PCI_CFGWRITE:
        memcpy(&access, payload, sizeof(access));
        /* Three bytes: an access of four that QEMU's host bridge cut at the
         * end of the configuration space. */
        if (access.len < 1 || access.len > 4) {
            *why = "length of a configuration access";
            return MPQEMU_VIOLATION;
        }
        if (cmd == MPQEMU_CMD_PCI_CFGREAD) {
            linkReply(link, pciConfigRead(config, access.addr, access.len));
        } else {
            pciConfigWrite(config, access.addr, access.val, access.len);
            linkReply(link, 0);
        }
        return MPQEMU_REPLY;

    case MPQEMU_CMD_BAR_READ:
        /* There is no BAR, so nobody claims the access. */
        linkReply(link, UINT64_MAX);
        return MPQEMU_REPLY;

    case MPQEMU_CMD_BAR_WRITE:
        linkReply(link, 0);
        return MPQEMU_REPLY;

    case MPQEMU_CMD_DEVICE_RESET:
        pciConfigReset(config);
        linkReply(link, 0);
        return MPQEMU_REPLY;

    case MPQEMU_CMD_SYNC_SYSMEM:
    case MPQEMU_CMD_SET_IRQFD:
        /* Guest memory and interrupts: the descriptors never get here. */
        return MPQEMU_MORE;

    case MPQEMU_CMD_RET:
    case MPQEMU_CMD_LAST:
    default:
        *why = "unknown command";
        return MPQEMU_VIOLATION;
    }
}


MPQemuResult
mpqemuLinkStep(MPQemuLink *link,
               PCIConfig *config,
               const char **why)
{
    MPQemuResult result = MPQEMU_MORE;
    size_t done = 0;

    while (result == MPQEMU_MORE && link->inLen - done >= MPQEMU_HEADER_SIZE) {
        const uint8_t *message = link->in + done;
        MPQemuHeader header;

        memcpy(&header, message, sizeof(header));

        if (header.cmd < 0 || header.cmd >= MPQEMU_CMD_LAST ||
            !commands[header.cmd].fromQEMU) {
            *why = "unknown command";
            return MPQEMU_VIOLATION;
        }
        if (header.size != commands[header.cmd].size) {
            *why = "size of a message";
            return MPQEMU_VIOLATION;
        }
        if (link->inLen - done < sizeof(header) + header.size)
            break;

        result = linkHandle(link, config, header.cmd, message + sizeof(header), why);
        done += sizeof(header) + header.size;
    }

    if (result == MPQEMU_VIOLATION)
        return result;

    link->inLen -= done;
    if (link->inLen > 0 && done > 0)
        memmove(link->in, link->in + done, link->inLen);

    return result;
}
