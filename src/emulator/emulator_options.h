/*
 * emulator_options.h: pci-emulator's command line
 *
 * The launcher writes it, one --device an emulated device; a person can, too.
 * Stable and documented in docs/pci-emulator.rst.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulatedpci_fields.h"
#include "sandbox.h"

/* Devices of one process: more than the 32 slots of 8 functions of a bus. */
#define EMULATOR_DEVICES_MAX 256

typedef struct {
    int fd;                                     /* a UNIX stream socket */
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    uint32_t values[EMULATED_PCI_FIELD_LAST];   /* the numeric fields */
} EmulatorDeviceOptions;

typedef enum {
    EMULATOR_ACTION_RUN = 0,
    EMULATOR_ACTION_CAPABILITIES,
    EMULATOR_ACTION_HELP,
    EMULATOR_ACTION_VERSION,
} EmulatorAction;

typedef struct {
    EmulatorAction action;
    int readyFd;                                /* or -1 */
    SandboxFilter filter;
    size_t ndevices;
    EmulatorDeviceOptions *devices;             /* released by free() */
} EmulatorOptions;

/* Reads the command line into OPTIONS. Returns 0, or -1 after saying on
 * standard error what is wrong. */
int emulatorOptionsParse(EmulatorOptions *options,
                         int argc,
                         char **argv);

/* Writes the help text to standard output. */
void emulatorOptionsHelp(void);
