/*
 * service_reload.c: reads the definitions again
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "service_private.h"

#include <libvirt/libvirt.h>
#include <string.h>


/* The state that is not on disk: transient definitions, and whether a definition is active. */
static void
serviceCarryOver(const Catalog *from, Catalog *to)
{
    g_autoptr(GPtrArray) list = catalogList(from);
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *old = g_ptr_array_index(list, i);
        const CatalogDefinition *now = catalogFind(to, old->name);
        g_autoptr(GError) err = NULL;

        if (!old->persistent && !old->builtIn && !now) {
            g_autofree char *xml = catalogDefinitionFormat(old);

            catalogCreate(to, xml, strlen(xml), &err);
        } else if (now && !now->builtIn && now->active && !old->active) {
            catalogDestroy(to, old->name, &err);
        } else if (now && !now->builtIn && !now->active && old->active) {
            catalogStart(to, old->name, &err);
        }
        if (err)
            daemonWarning("nodedev", "'%s': %s", old->name, err->message);
    }
}


/* Says what has changed since BEFORE. */
static void
serviceTellDifferences(DefinitionService *service, const Catalog *before)
{
    g_autoptr(GPtrArray) old = catalogList(before);
    g_autoptr(GPtrArray) now = catalogList(service->catalog);
    guint i;

    for (i = 0; i < old->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(old, i);

        if (catalogFind(service->catalog, def->name))
            continue;
        if (def->active)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, def->name);
        if (def->persistent)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_UNDEFINED, def->name);
    }

    for (i = 0; i < now->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(now, i);
        const CatalogDefinition *was = catalogFind(before, def->name);

        if (!was) {
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DEFINED, def->name);
            if (def->active)
                serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_CREATED, def->name);
        } else if (!emulatedPCIDefEqualFields(def->def, was->def) ||
                   g_strcmp0(def->description, was->description) != 0) {
            serviceTell(service, DEFINITION_UPDATED, 0, def->name);
        }
    }
}


Catalog *
definitionServiceRead(const char *builtinDir, const char *dir, GError **err)
{
    g_autoptr(Catalog) catalog = catalogNew();

    return catalogLoad(catalog, builtinDir, dir, err) ? g_steal_pointer(&catalog) : NULL;
}


void
definitionServiceReplace(DefinitionService *service, Catalog *catalog)
{
    g_autoptr(Catalog) before = NULL;

    serviceCarryOver(service->catalog, catalog);
    before = service->catalog;
    service->catalog = catalog;
    serviceTell(service, DEFINITION_RELOADED, 0, NULL);
    serviceTellDifferences(service, before);
}


gboolean
definitionServiceLoad(DefinitionService *service,
                   const char *builtinDir,
                   const char *dir,
                   GError **err)
{
    Catalog *catalog = definitionServiceRead(builtinDir, dir, err);

    if (!catalog)
        return FALSE;
    definitionServiceReplace(service, catalog);
    return TRUE;
}


gboolean
definitionServiceHasTransient(const DefinitionService *service)
{
    g_autoptr(GPtrArray) list = catalogList(service->catalog);
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *def = g_ptr_array_index(list, i);

        if (!def->persistent && !def->builtIn)
            return TRUE;
    }
    return FALSE;
}
