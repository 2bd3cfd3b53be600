/*
 * projection_scan_device.c: reads controllers, and the alias and address of devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include "emulatedpci_conf.h"

#include <string.h>


/* Parses one attribute of <address type='pci'>; returns FALSE if it is unknown. */
static gboolean
readAddressAttr(const xmlChar **attr,
                ProjectionAddress *address)
{
    const struct {
        const char *name;
        int *value;
        guint32 max;
    } numbers[] = {
        { "domain", &address->domain, EMULATED_PCI_ADDRESS_DOMAIN_MAX },
        { "bus", &address->bus, EMULATED_PCI_ADDRESS_BUS_MAX },
        { "slot", &address->slot, EMULATED_PCI_ADDRESS_SLOT_MAX },
        { "function", &address->function, EMULATED_PCI_ADDRESS_FUNCTION_MAX },
    };
    const gsize len = attr[ATTR_END] - attr[ATTR_VALUE];
    char value[16];
    gsize i;

    if (attr[ATTR_PREFIX] || len >= sizeof(value))
        return FALSE;
    memcpy(value, attr[ATTR_VALUE], len);
    value[len] = '\0';

    for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
        guint32 number;

        if (!scanNameIs(attr[ATTR_NAME], numbers[i].name))
            continue;
        if (emulatedPCINumberParse(value, numbers[i].max, &number) != EMULATED_PCI_NUMBER_OK)
            return FALSE;
        *numbers[i].value = number;
        return TRUE;
    }

    if (scanNameIs(attr[ATTR_NAME], "multifunction")) {
        address->multifunction = strcmp(value, "on") == 0;
        return address->multifunction || strcmp(value, "off") == 0;
    }
    return scanNameIs(attr[ATTR_NAME], "type") && strcmp(value, "pci") == 0;
}


/* Parses <address type='pci'>; returns FALSE for another type or an unknown attribute. */
static gboolean
readAddress(const ScanTag *tag,
            ProjectionAddress *address)
{
    int i;

    address->domain = address->bus = address->slot = address->function = -1;
    address->multifunction = -1;

    if (!scanAttrIs(tag, "type", "pci"))
        return FALSE;
    for (i = 0; i < tag->nAttrs; i++) {
        if (!readAddressAttr(tag->attrs + i * ATTR_LAST, address))
            return FALSE;
    }
    return TRUE;
}


ScanPlace
scanStartController(Scan *scan,
                    const ScanTag *tag)
{
    g_autofree char *index = scanAttrDup(tag, "index");
    ProjectionController *controller;
    guint32 number;
    int ours;

    if (!index || index[strspn(index, "0123456789")] != '\0' ||
        emulatedPCINumberParse(index, PROJECTION_CONTROLLER_INDEX + EMULATED_PCI_INDEX_MAX,
                               &number) != EMULATED_PCI_NUMBER_OK ||
        number < PROJECTION_CONTROLLER_INDEX)
        return PLACE_DEVICE;

    ours = number - PROJECTION_CONTROLLER_INDEX;
    g_array_append_val(scan->domain->indexes, ours);
    if (tag->nAttrs != 3 || !scanAttrIs(tag, "model", "lsilogic"))
        return PLACE_DEVICE;

    controller = g_new0(ProjectionController, 1);
    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &controller->where);
    controller->index = ours;
    controller->plain = TRUE;
    g_ptr_array_add(scan->domain->controllers, controller);
    scan->controller = controller;
    return PLACE_CONTROLLER;
}


void
scanStartDeviceChild(Scan *scan,
                     const ScanTag *tag)
{
    ProjectionController *controller = scan->controller;
    ProjectionAddress address;

    if (scanTagIs(tag, "alias")) {
        g_autofree char *alias = scanAttrDup(tag, "name");

        if (controller) {
            controller->plain = controller->plain && tag->nAttrs == 1 && alias && !controller->alias;
            g_free(controller->alias);
            controller->alias = g_strdup(alias);
        }
        if (alias) {
            gpointer count = g_hash_table_lookup(scan->domain->aliases, alias);

            g_hash_table_replace(scan->domain->aliases, g_steal_pointer(&alias),
                                 GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
        }
        return;
    }

    if (scanTagIs(tag, "address") && scanAttrIs(tag, "type", "virtio-mmio"))
        scan->domain->hasVirtioMMIO = TRUE;

    if (scanTagIs(tag, "address") && readAddress(tag, &address)) {
        g_array_append_val(scan->domain->addresses, address);
        if (controller) {
            controller->plain = controller->plain && !controller->hasAddress;
            controller->hasAddress = TRUE;
            controller->address = address;
        }
    } else if (controller) {
        controller->plain = FALSE;
        if (scanTagIs(tag, "address") && !scanAttrIs(tag, "type", "pci") && !controller->otherAddress)
            controller->otherAddress = scanAttrDup(tag, "type");
    }
}
