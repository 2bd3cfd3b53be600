/*
 * projection_devices.c: the emulated PCI devices in a domain's XML
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_devices.h"

#include "emulatedpci_uuid.h"
#include "projection_domain.h"
#include "projection_scan.h"

#include <string.h>

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
    g_autoptr(ProjectionDocument) doc = projectionScanDomain(xml, len, err);
    g_autoptr(GPtrArray) devices = NULL;
    const ProjectionDomain *domain;
    guint i;

    if (!doc)
        return NULL;

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

    /* A UUID is replaced by the name even if all fields are given. */
    return def->needsDefinition ||
        (def->definition && emulatedPCIUUIDParse(def->definition, uuid));
}


static void
collectDefinitions(const ProjectionDomain *domain,
                   GPtrArray *definitions)
{
    guint i;

    for (i = 0; i < domain->emulated->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(domain->emulated, i);
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(emulated->node, NULL);

        if (def && projectionNeedsDefinition(def) &&
            !g_ptr_array_find_with_equal_func(definitions, def->definition, g_str_equal, NULL))
            g_ptr_array_add(definitions, g_steal_pointer(&def->definition));
    }
}


static void
collectMachine(const ProjectionDomain *domain,
               const ProjectionOptions *opts)
{
    g_autofree char *qemu = NULL;
    g_autofree char *launcher = NULL;

    if (domain->isDevice || domain->emulated->len == 0)
        return;
    projectionDomainFindEmulator(domain, opts, &qemu, &launcher);
    projectionDomainGetMachine(domain, opts, launcher);
}


void
projectionCollect(const char *xml,
                  gsize len,
                  const ProjectionOptions *opts,
                  GPtrArray *definitions)
{
    const gboolean machines = opts && opts->machine && opts->machineMin.major > 0;
    g_autoptr(ProjectionDocument) doc = NULL;
    guint i;

    /* Most documents are not parsed. */
    if (!memmem(xml, len, "emulatedpci", strlen("emulatedpci")) ||
        (!machines && !memmem(xml, len, "definition", strlen("definition"))))
        return;

    doc = projectionScan(xml, len, NULL);
    for (i = 0; doc && i < doc->domains->len; i++) {
        collectDefinitions(g_ptr_array_index(doc->domains, i), definitions);
        if (machines)
            collectMachine(g_ptr_array_index(doc->domains, i), opts);
    }
}
