/*
 * emulatedpci_conf.c: the <emulatedpci> element
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf_private.h"

#include <string.h>

const char *const emulatedPCIAddressAttrs[EMULATED_PCI_ADDRESS_ATTR_LAST + 1] = {
    "type", "domain", "bus", "slot", "function", "multifunction", NULL
};

const EmulatedPCIAddressNumber emulatedPCIAddressNumbers[EMULATED_PCI_ADDRESS_ATTR_LAST] = {
    [EMULATED_PCI_ADDRESS_ATTR_DOMAIN] = { 4, EMULATED_PCI_ADDRESS_DOMAIN_MAX },
    [EMULATED_PCI_ADDRESS_ATTR_BUS] = { 2, EMULATED_PCI_ADDRESS_BUS_MAX },
    [EMULATED_PCI_ADDRESS_ATTR_SLOT] = { 2, EMULATED_PCI_ADDRESS_SLOT_MAX },
    [EMULATED_PCI_ADDRESS_ATTR_FUNCTION] = { 1, EMULATED_PCI_ADDRESS_FUNCTION_MAX },
};


EmulatedPCIDef *
emulatedPCIDefNew(void)
{
    EmulatedPCIDef *def = g_new0(EmulatedPCIDef, 1);

    def->index = -1;
    def->domain = -1;
    def->bus = -1;
    def->slot = -1;
    def->function = -1;
    def->multifunction = -1;
    return def;
}


void
emulatedPCIDefFree(EmulatedPCIDef *def)
{
    int i;

    if (!def)
        return;

    g_free(def->alias);
    g_free(def->definition);
    emulatedPCIDriverFree(def->driver);
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
        g_free(def->text[i]);
    g_free(def);
}


gboolean
emulatedPCIDefHasServer(const EmulatedPCIDef *def)
{
    return def->driver && def->driver->socket;
}


void
emulatedPCIDefSetDefaults(EmulatedPCIDef *def)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        if (def->given[i])
            continue;
        if (emulatedPCIDefHasServer(def)) {
            def->fields.value[i] = 0;
            continue;
        }
        def->fields.value[i] = info->defcopy >= 0 ? def->fields.value[info->defcopy] : info->defval;
        if (i == EMULATED_PCI_FIELD_HEADERTYPE && def->multifunction == 1)
            def->fields.value[i] |= EMULATED_PCI_HEADERTYPE_MULTIFUNCTION;
    }
}


void
emulatedPCIDefFill(EmulatedPCIDef *def,
                   const EmulatedPCIDef *from)
{
    int i;

    if (!def->given[EMULATED_PCI_FIELD_DEVICENAME]) {
        g_strlcpy(def->fields.devicename, from->fields.devicename,
                  sizeof(def->fields.devicename));
        def->given[EMULATED_PCI_FIELD_DEVICENAME] = TRUE;
    }

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (def->given[i])
            continue;
        def->fields.value[i] = from->fields.value[i];

        /* If bit 7 is clear in the definition, it follows the address. */
        if (i == EMULATED_PCI_FIELD_HEADERTYPE && from->fields.value[i] == 0)
            continue;
        def->given[i] = TRUE;
    }

    def->needsDefinition = FALSE;
    emulatedPCIDefSetDefaults(def);
}


unsigned int
emulatedPCIDefFieldDigits(EmulatedPCIField field)
{
    return emulatedPCIFieldGetInfo(field)->bits / 4;
}


gint64
emulatedPCIAddressGetSlot(int domain,
                          int bus,
                          int slot)
{
    return ((gint64) MAX(domain, 0) << 16) | (MAX(bus, 0) << 8) | MAX(slot, 0);
}


gboolean
emulatedPCIDefEqualFields(const EmulatedPCIDef *a,
                          const EmulatedPCIDef *b)
{
    const gboolean server = emulatedPCIDefHasServer(a);
    int i;

    if (strcmp(a->fields.devicename, b->fields.devicename) != 0 ||
        server != emulatedPCIDefHasServer(b) ||
        (server && strcmp(a->driver->socket, b->driver->socket) != 0))
        return FALSE;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (a->fields.value[i] != b->fields.value[i] || (server && a->given[i] != b->given[i]))
            return FALSE;
    }
    return TRUE;
}
