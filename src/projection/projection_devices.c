/*
 * projection_devices.c: which emulated PCI devices a domain's XML holds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_devices.h"

#include "emulatedpci_uuid.h"
#include "projection_domain.h"
#include "projection_scan.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)


static void
deviceFree(void *opaque)
{
    ProjectionDevice *device = opaque;

    emulatedPCIDefFree(device->def);
    g_free(device);
}


char *
projectionFindMisplaced(const char *xml, gsize len)
{
    g_autoptr(ProjectionDocument) doc = projectionScan(xml, len, NULL);

    return doc && doc->misplaced ? projectionDescribeMisplaced(doc) : NULL;
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
                               _("the document does not contain exactly one domain"));
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


gboolean
projectionNeedsDefinition(const EmulatedPCIDef *def)
{
    char uuid[EMULATED_PCI_UUID_LEN + 1];

    /* With all fields, a UUID still becomes a name. */
    return def->needsDefinition ||
        (def->definition && emulatedPCIUUIDParse(def->definition, uuid));
}


static void
definitionsAdd(GPtrArray *names, const ProjectionDomain *domain)
{
    guint i;

    for (i = 0; i < domain->emulated->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(domain->emulated, i);
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(emulated->node, NULL);

        if (def && projectionNeedsDefinition(def) &&
            !g_ptr_array_find_with_equal_func(names, def->definition, g_str_equal, NULL))
            g_ptr_array_add(names, g_steal_pointer(&def->definition));
    }
}


GPtrArray *
projectionDefinitions(const char *xml, gsize len)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(ProjectionDocument) doc = NULL;
    guint i;

    /* most documents refer to none, which needs no parser */
    if (!memmem(xml, len, "emulatedpci", strlen("emulatedpci")) ||
        !memmem(xml, len, "definition", strlen("definition")))
        return g_steal_pointer(&names);

    doc = projectionScan(xml, len, NULL);
    for (i = 0; doc && i < doc->domains->len; i++)
        definitionsAdd(names, g_ptr_array_index(doc->domains, i));
    return g_steal_pointer(&names);
}
