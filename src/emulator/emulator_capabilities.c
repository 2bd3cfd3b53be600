/*
 * emulator_capabilities.c: the supported features of pci-emulator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_capabilities.h"

#include <stdio.h>

#include "emulatedpci_fields.h"
#include "emulator_options.h"
#include "sandbox.h"


/* All strings are constants that do not require escaping. */
void
emulatorCapabilitiesPrint(void)
{
    int i;

    printf("{\n"
           "  \"type\": \"pci-emulator\",\n"
           "  \"version\": \"%s\",\n"
           "  \"transports\": [ \"mpqemu\", \"vfio-user\" ],\n"
           "  \"features\": [ \"cmdarg-allow-user\", \"cmdarg-client-fd\", \"cmdarg-connect-timeout\", "
           "\"cmdarg-device\", \"cmdarg-listen\", "
           "\"cmdarg-no-guard\", "
           "\"cmdarg-ready-fd\", \"cmdarg-seccomp\" ],\n"
           "  \"seccomp-default\": \"%s\",\n"
           "  \"max-devices\": %d,\n"
           "  \"fields\": {\n",
           PACKAGE_VERSION,
           sandboxFilterToString(SANDBOX_FILTER_DEFAULT),
           EMULATOR_DEVICES_MAX);

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        printf("    \"%s\": { \"bits\": %u }%s\n", info->name, info->bits,
               i + 1 < EMULATED_PCI_FIELD_LAST ? "," : "");
    }

    puts("  }\n"
         "}");
}
