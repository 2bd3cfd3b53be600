/*
 * pci_config.c: the configuration space of an emulated PCI endpoint
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "pci_config.h"

#include <string.h>

/* The bits that a guest can write. All others are read-only:
 * - the latency timer: a device that never is a bus master for more than two
 *   data phases may hardwire it to 0 (6.2.4);
 * - MWI, special cycles, VGA snoop and fast back-to-back of the command
 *   register: only devices with these abilities implement them (6.2.2);
 * - BIST, BARs, CardBus CIS, expansion ROM, MIN_GNT, MAX_LAT and the device
 *   specific region: not implemented, so they read as 0 (6.1, 6.2.4, 6.2.5). */
static const uint8_t writable[PCI_CONFIG_SIZE] = {
    [PCI_CONFIG_COMMAND] = PCI_CONFIG_COMMAND_WRITABLE & 0xff,
    [PCI_CONFIG_COMMAND + 1] = PCI_CONFIG_COMMAND_WRITABLE >> 8,
    [PCI_CONFIG_CACHELINESIZE] = 0xff,
    [PCI_CONFIG_INTERRUPTLINE] = 0xff,
};

static const uint8_t writeOneClears[PCI_CONFIG_SIZE] = {
    [PCI_CONFIG_STATUS] = PCI_CONFIG_STATUS_W1C & 0xff,
    [PCI_CONFIG_STATUS + 1] = PCI_CONFIG_STATUS_W1C >> 8,
};


void
pciConfigInit(PCIConfig *config,
              const uint32_t values[EMULATED_PCI_FIELD_LAST])
{
    int i;

    memset(config, 0, sizeof(*config));

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);
        unsigned int b;

        for (b = 0; b < info->bits / 8; b++)
            config->powerOn[info->offset + b] = values[i] >> (8 * b);
    }

    pciConfigReset(config);
}


void
pciConfigReset(PCIConfig *config)
{
    memcpy(config->now, config->powerOn, sizeof(config->now));
}


bool
pciConfigRestore(PCIConfig *config,
                 const uint8_t registers[PCI_CONFIG_SIZE],
                 unsigned int *where)
{
    unsigned int i;

    for (i = 0; i < PCI_CONFIG_SIZE; i++) {
        const uint8_t changed = registers[i] ^ config->powerOn[i];

        if (changed & ~(writable[i] | (writeOneClears[i] & config->powerOn[i]))) {
            *where = i;
            return false;
        }
    }
    memcpy(config->now, registers, sizeof(config->now));
    return true;
}


uint32_t
pciConfigRead(const PCIConfig *config,
              uint32_t addr,
              unsigned int len)
{
    uint32_t val = 0;
    unsigned int i;

    if (addr >= PCI_CONFIG_SIZE)
        return UINT32_MAX >> (8 * (4 - len));

    for (i = 0; i < len && addr + i < PCI_CONFIG_SIZE; i++)
        val |= (uint32_t) config->now[addr + i] << (8 * i);

    return val;
}


void
pciConfigWrite(PCIConfig *config,
               uint32_t addr,
               uint32_t val,
               unsigned int len)
{
    unsigned int i;

    if (addr >= PCI_CONFIG_SIZE)
        return;

    for (i = 0; i < len && addr + i < PCI_CONFIG_SIZE; i++) {
        const uint8_t byte = val >> (8 * i);
        const uint8_t mask = writable[addr + i];
        uint8_t *reg = &config->now[addr + i];

        *reg = (*reg & ~mask) | (byte & mask);
        *reg &= ~(byte & writeOneClears[addr + i]);
    }
}
