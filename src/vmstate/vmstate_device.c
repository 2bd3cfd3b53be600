/*
 * vmstate_device.c: an emulated device in the state of a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_device.h"

#include "emulator_device_options.h"
#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)


void
vmstateDeviceFree(VMStateDevice *device)
{
    if (!device)
        return;
    g_free(device->alias);
    g_free(device->registers);
    g_free(device);
}


void
vmstateDeviceSetRegisters(VMStateDevice *device,
                          const guint8 *registers,
                          gsize n)
{
    guint8 *copy = g_malloc(n);

    if (n > 0)
        memcpy(copy, registers, n);
    g_free(device->registers);
    device->registers = copy;
    device->nregisters = n;
}


gboolean
vmstateDeviceAliasIsValid(const char *alias)
{
    gsize i;

    if (!g_ascii_isalpha(alias[0]))
        return FALSE;
    for (i = 1; alias[i]; i++) {
        if (i == VMSTATE_ALIAS_MAX ||
            (!g_ascii_isalnum(alias[i]) && !strchr("-._", alias[i])))
            return FALSE;
    }
    return TRUE;
}


VMStateDevice *
vmstateDeviceParse(const char *alias,
                   char *text,
                   GError **err)
{
    VMStateDevice *device;
    EmulatorDeviceOptions parsed;
    EmulatorDeviceError error;

    if (!vmstateDeviceAliasIsValid(alias)) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("--alias: invalid name '%1$s'"), alias);
        return NULL;
    }
    if (emulatorDeviceOptionsParse(&parsed, text, -1, &error) < 0) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, "%s", error.text);
        return NULL;
    }

    device = g_new0(VMStateDevice, 1);
    device->alias = g_strdup(alias);
    device->fields = parsed.fields;
    return device;
}


gboolean
vmstateDeviceCheck(const VMStateDevice *here,
                   const VMStateDevice *there,
                   GError **err)
{
    unsigned int where;
    PCIConfig config;
    int i;

    if (strcmp(here->fields.devicename, there->fields.devicename) != 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': devicename is '%2$s' here and '%3$s' in the saved state"),
                               here->alias, here->fields.devicename, there->fields.devicename);
        return FALSE;
    }
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (here->fields.value[i] == there->fields.value[i])
            continue;
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': %2$s is 0x%3$x here and 0x%4$x in the saved state"),
                               here->alias, emulatedPCIFieldGetInfo(i)->name, here->fields.value[i],
                               there->fields.value[i]);
        return FALSE;
    }

    if (here->own)
        return TRUE;

    if (there->nregisters != PCI_CONFIG_SIZE) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': the saved state has %2$zu registers: %3$d are required"),
                               here->alias, there->nregisters, PCI_CONFIG_SIZE);
        return FALSE;
    }
    pciConfigInit(&config, here->fields.value);
    if (!pciConfigRestore(&config, there->registers, &where)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': register 0x%2$02x cannot have the value 0x%3$02x of the saved state"),
                               here->alias, where, there->registers[where]);
        return FALSE;
    }
    return TRUE;
}
