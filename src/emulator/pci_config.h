/*
 * pci_config.h: the configuration space of an emulated PCI endpoint
 *
 * The space has 256 bytes with a type 0 header, no BARs, no capabilities and no expansion ROM.
 * This file implements the bits that a guest can write, the bits that it clears by writing ones,
 * and the values after a reset. Section numbers are those of the PCI Local Bus Specification,
 * revision 3.0.
 *
 * The functions know no transport, make no system call, and allocate nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulatedpci_fields.h"

/* Bytes of a conventional device's configuration space (6.1). */
#define PCI_CONFIG_SIZE 256

/* Offsets of the registers of a type 0 header (6.1, figure 6-1) */
enum {
    PCI_CONFIG_VENDORID = 0x00,
    PCI_CONFIG_DEVICEID = 0x02,
    PCI_CONFIG_COMMAND = 0x04,
    PCI_CONFIG_STATUS = 0x06,
    PCI_CONFIG_REVISION = 0x08,
    PCI_CONFIG_CLASSCODE = 0x09,
    PCI_CONFIG_CACHELINESIZE = 0x0c,
    PCI_CONFIG_LATENCYTIMER = 0x0d,
    PCI_CONFIG_HEADERTYPE = 0x0e,
    PCI_CONFIG_BIST = 0x0f,
    PCI_CONFIG_BAR0 = 0x10,
    PCI_CONFIG_CARDBUSCIS = 0x28,
    PCI_CONFIG_SUBVENDORID = 0x2c,
    PCI_CONFIG_SUBSYSTEMID = 0x2e,
    PCI_CONFIG_EXPANSIONROM = 0x30,
    PCI_CONFIG_CAPABILITIES = 0x34,
    PCI_CONFIG_INTERRUPTLINE = 0x3c,
    PCI_CONFIG_INTERRUPTPIN = 0x3d,
};

/* Bits of the command register that a guest can write (6.2.2, table 6-1):
 * I/O space, memory space, bus master, parity error response, SERR# enable,
 * interrupt disable. */
#define PCI_CONFIG_COMMAND_WRITABLE 0x0547

/* Bits of the status register that writing a one clears (6.2.3, table 6-2):
 * master data parity error, signaled target abort, received target abort,
 * received master abort, signaled system error, detected parity error. */
#define PCI_CONFIG_STATUS_W1C 0xf900

typedef struct {
    uint8_t powerOn[PCI_CONFIG_SIZE];
    uint8_t now[PCI_CONFIG_SIZE];
} PCIConfig;

/**
 * pciConfigInit:
 * @config: filled in
 * @values: power-on values, indexed by EmulatedPCIField; bits beyond a field's width
 *          are ignored
 *
 * Sets the registers that have a field; all others are 0. A bit that is set here
 * is constant unless it is one of the writable or write-one-to-clear bits, because
 * the user asked for that register value.
 */
void pciConfigInit(PCIConfig *config,
                   const uint32_t values[EMULATED_PCI_FIELD_LAST]);

/**
 * pciConfigReset:
 * @config: the configuration space
 *
 * Restores the power-on values (RST#, 4.3.2 and 6.2).
 */
void pciConfigReset(PCIConfig *config);

/**
 * pciConfigRestore:
 * @config: the configuration space
 * @registers: the registers that the device had in another process
 * @where: set on failure to the offset of the first register that does not fit
 *
 * Sets the registers.
 *
 * Returns false, and changes nothing, if @registers cannot be those of a device with
 * these power-on values: a read-only bit differs, or a bit is set that can only be
 * cleared.
 */
bool pciConfigRestore(PCIConfig *config,
                      const uint8_t registers[PCI_CONFIG_SIZE],
                      unsigned int *where);

/**
 * pciConfigRead:
 * @config: the configuration space
 * @addr: offset in bytes, of any alignment
 * @len: number of bytes, 1 to 4
 *
 * Returns the bytes, little-endian and extended with zeros. Bytes beyond the end of
 * the space read as zeros: a 4-byte read at 0xfe returns two bytes and zeros. An
 * @addr beyond the end reads as all ones in @len bytes, as an access that no device
 * claims (6.1).
 */
uint32_t pciConfigRead(const PCIConfig *config,
                       uint32_t addr,
                       unsigned int len);

/**
 * pciConfigWrite:
 * @config: the configuration space
 * @addr: offset in bytes, of any alignment
 * @val: value, of which the lowest @len bytes count
 * @len: number of bytes, 1 to 4
 *
 * Writes the writable bits; bytes beyond the end of the space are ignored.
 */
void pciConfigWrite(PCIConfig *config,
                    uint32_t addr,
                    uint32_t val,
                    unsigned int len);
