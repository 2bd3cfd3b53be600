/*
 * projection_devices.c: which emulated PCI devices a domain's XML holds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_devices.h"

#include "projection_scan.h"

#include "gettext.h"

#define _(s) gettext(s)


static void
deviceFree(void *opaque)
{
    ProjectionDevice *device = opaque;

    emulatedPCIDefFree(device->def);
    g_free(device);
}


GPtrArray *
projectionDevices(const char *xml, gsize len, GError **err)
{
    g_autoptr(ProjectionDocument) doc = projectionScan(xml, len, err);
    g_autoptr(GPtrArray) devices = NULL;
    const ProjectionDomain *domain;
    guint i;

    if (!doc)
        return NULL;
    if (doc->domains->len != 1) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("the document does not hold exactly one domain"));
        return NULL;
    }

    domain = g_ptr_array_index(doc->domains, 0);
    devices = g_ptr_array_new_with_free_func(deviceFree);
    for (i = 0; i < domain->emulated->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(domain->emulated, i);
        ProjectionDevice *device = g_new0(ProjectionDevice, 1);

        g_ptr_array_add(devices, device);
        device->start = emulated->where.start;
        device->end = emulated->where.end;
        device->def = emulatedPCIDefParseNode(emulated->node, err);
        if (!device->def)
            return NULL;
    }
    return g_steal_pointer(&devices);
}
