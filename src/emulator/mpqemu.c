/*
 * mpqemu.c: the device's end of QEMU's multi-process link (x-pci-proxy-dev)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "mpqemu.h"

#include <stdbool.h>
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

/* The exact size of the payload of each command, in bytes */
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


verify(MPQEMU_MESSAGE_MAX <= EMULATOR_REQUEST_MAX);
verify(MPQEMU_REPLY_SIZE <= EMULATOR_REPLY_MAX);


static ssize_t
mpqemuRequestLength(const uint8_t *data,
                    size_t len,
                    const char **why)
{
    MPQemuHeader header;

    if (len < sizeof(header))
        return 0;

    memcpy(&header, data, sizeof(header));

    if (header.cmd < 0 || header.cmd >= MPQEMU_CMD_LAST || !commands[header.cmd].fromQEMU) {
        *why = "unknown command";
        return -1;
    }
    if (header.size != commands[header.cmd].size) {
        *why = "size of a message";
        return -1;
    }
    return sizeof(header) + header.size;
}


static ssize_t
mpqemuReply(uint8_t *reply,
            uint64_t value)
{
    const MPQemuHeader header = {
        .cmd = MPQEMU_CMD_RET,
        .size = sizeof(value),
    };

    memcpy(reply, &header, sizeof(header));
    memcpy(reply + sizeof(header), &value, sizeof(value));
    return MPQEMU_REPLY_SIZE;
}


static ssize_t
mpqemuAnswerConfig(PCIConfig *config,
                   MPQemuCmd cmd,
                   const uint8_t *payload,
                   uint8_t *reply,
                   const char **why)
{
    MPQemuConfigAccess access;

    memcpy(&access, payload, sizeof(access));

    /* Three bytes: an access of four that QEMU's host bridge cut at the end
     * of the configuration space. */
    if (access.len < 1 || access.len > 4) {
        *why = "length of a configuration access";
        return -1;
    }

    if (cmd == MPQEMU_CMD_PCI_CFGREAD)
        return mpqemuReply(reply, pciConfigRead(config, access.addr, access.len));

    pciConfigWrite(config, access.addr, access.val, access.len);
    return mpqemuReply(reply, 0);
}


static ssize_t
mpqemuAnswer(EmulatorSession *session,
             PCIConfig *config,
             const uint8_t *request,
             size_t len,
             uint8_t reply[EMULATOR_REPLY_MAX],
             const char **why)
{
    MPQemuHeader header;

    (void) session;
    (void) len;
    memcpy(&header, request, sizeof(header));

    switch ((MPQemuCmd) header.cmd) {
    case MPQEMU_CMD_PCI_CFGREAD:
    case MPQEMU_CMD_PCI_CFGWRITE:
        return mpqemuAnswerConfig(config, header.cmd, request + sizeof(header), reply, why);

    case MPQEMU_CMD_BAR_READ:
        /* There are no BARs: all bits are one, as for an access that no device handles. */
        return mpqemuReply(reply, UINT64_MAX);

    case MPQEMU_CMD_BAR_WRITE:
        return mpqemuReply(reply, 0);

    case MPQEMU_CMD_DEVICE_RESET:
        pciConfigReset(config);
        return mpqemuReply(reply, 0);

    case MPQEMU_CMD_SYNC_SYSMEM:
    case MPQEMU_CMD_SET_IRQFD:
        /* Guest memory and interrupts: the descriptors were closed by the kernel. */
        return 0;

    case MPQEMU_CMD_RET:
    case MPQEMU_CMD_LAST:
    default:
        *why = "unknown command";
        return -1;
    }
}


const EmulatorProtocol mpqemuProtocol = {
    .name = "mpqemu",
    .requestLength = mpqemuRequestLength,
    .answer = mpqemuAnswer,
};
