/*
 * tool_definition_lookup.c: definitions, which a connection shows as node devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_definition_lookup.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <libvirt/virterror.h>
#include <string.h>


char *
toolDefinitionFullName(const char *name)
{
    return g_strconcat(g_str_has_prefix(name, EMULATED_PCI_DEFINITION_PREFIX)
                       ? "" : EMULATED_PCI_DEFINITION_PREFIX, name, NULL);
}


static void
freeDevice(void *device)
{
    virNodeDeviceFree(device);
}


static int
compareDevices(const void *a, const void *b)
{
    return strcmp(virNodeDeviceGetName(*(virNodeDevicePtr *) a),
                  virNodeDeviceGetName(*(virNodeDevicePtr *) b));
}


GPtrArray *
toolDefinitionLookupAll(virConnectPtr conn, GError **err)
{
    g_autoptr(GPtrArray) definitions = g_ptr_array_new_with_free_func(freeDevice);
    virNodeDevicePtr *devices = NULL;
    const int count = virConnectListAllNodeDevices(conn, &devices,
                                                   VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE |
                                                   VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE);
    int i;

    if (count < 0) {
        toolConnectReport(err);
        return NULL;
    }
    for (i = 0; i < count; i++) {
        if (g_str_has_prefix(virNodeDeviceGetName(devices[i]), EMULATED_PCI_DEFINITION_PREFIX))
            g_ptr_array_add(definitions, devices[i]);
        else
            virNodeDeviceFree(devices[i]);
    }
    free(devices);
    g_ptr_array_sort(definitions, compareDevices);
    return g_steal_pointer(&definitions);
}


static virNodeDevicePtr
lookupUUID(virConnectPtr conn, const char *uuid, GError **err)
{
    g_autoptr(GPtrArray) definitions = toolDefinitionLookupAll(conn, err);
    g_autofree char *element = g_strdup_printf("<uuid>%s</uuid>", uuid);
    guint i;

    for (i = 0; definitions && i < definitions->len; i++) {
        virNodeDevicePtr device = g_ptr_array_index(definitions, i);
        g_autofree char *xml = virNodeDeviceGetXMLDesc(device, 0);

        if (xml && strstr(xml, element)) {
            virNodeDeviceRef(device);
            return device;
        }
    }
    return NULL;
}


virNodeDevicePtr
toolDefinitionLookup(virConnectPtr conn, const char *nameOrUUID, GError **err)
{
    g_autofree char *name = toolDefinitionFullName(nameOrUUID);
    virNodeDevicePtr device = virNodeDeviceLookupByName(conn, name);
    char uuid[EMULATED_PCI_UUID_LEN + 1];

    if (device)
        return device;
    if (virGetLastErrorCode() != VIR_ERR_NO_NODE_DEVICE) {
        toolConnectReport(err);
        return NULL;
    }
    if (emulatedPCIUUIDParse(nameOrUUID, uuid)) {
        g_autoptr(GError) failure = NULL;

        device = lookupUUID(conn, uuid, &failure);
        if (device)
            return device;
        if (failure) {
            g_propagate_error(err, g_steal_pointer(&failure));
            return NULL;
        }
    }
    emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                           _("definition '%1$s' not found; 'virt-emulatedpci list' lists all definitions"),
                           nameOrUUID);
    return NULL;
}
