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


/* Copies the state that is not on disk: transient definitions, and whether a definition is
 * active. */
static void
serviceCarryOver(const DefinitionStore *from, DefinitionStore *to)
{
    g_autoptr(GPtrArray) list = definitionStoreList(from);
    guint i;

    for (i = 0; i < list->len; i++) {
        const StoredDefinition *old = g_ptr_array_index(list, i);
        const StoredDefinition *now = definitionStoreFind(to, old->name);
        g_autoptr(GError) err = NULL;

        if (!old->persistent && !old->builtIn && !now) {
            g_autofree char *xml = storedDefinitionFormat(old);

            definitionStoreCreate(to, xml, strlen(xml), &err);
        } else if (now && !now->builtIn && now->active && !old->active) {
            definitionStoreDestroy(to, old->name, &err);
        } else if (now && !now->builtIn && !now->active && old->active) {
            definitionStoreStart(to, old->name, &err);
        }
        if (err)
            daemonWarning("definitions", "'%s': %s", old->name, err->message);
    }
}


/* Sends events about the differences to BEFORE. */
static void
serviceTellDifferences(DefinitionService *service, const DefinitionStore *before)
{
    g_autoptr(GPtrArray) old = definitionStoreList(before);
    g_autoptr(GPtrArray) now = definitionStoreList(service->store);
    guint i;

    for (i = 0; i < old->len; i++) {
        const StoredDefinition *def = g_ptr_array_index(old, i);

        if (definitionStoreFind(service->store, def->name))
            continue;
        if (def->active)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_DELETED, def->name);
        if (def->persistent)
            serviceTell(service, DEFINITION_LIFECYCLE, VIR_NODE_DEVICE_EVENT_UNDEFINED, def->name);
    }

    for (i = 0; i < now->len; i++) {
        const StoredDefinition *def = g_ptr_array_index(now, i);
        const StoredDefinition *was = definitionStoreFind(before, def->name);

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


DefinitionStore *
definitionServiceRead(const char *builtinDir, const char *dir, GError **err)
{
    g_autoptr(DefinitionStore) store = definitionStoreNew();

    return definitionStoreLoad(store, builtinDir, dir, err) ? g_steal_pointer(&store) : NULL;
}


void
definitionServiceReplace(DefinitionService *service, DefinitionStore *store)
{
    g_autoptr(DefinitionStore) before = NULL;

    serviceCarryOver(service->store, store);
    before = service->store;
    service->store = store;
    serviceTell(service, DEFINITION_RELOADED, 0, NULL);
    serviceTellDifferences(service, before);
}


gboolean
definitionServiceLoad(DefinitionService *service,
                      const char *builtinDir,
                      const char *dir,
                      GError **err)
{
    DefinitionStore *store = definitionServiceRead(builtinDir, dir, err);

    if (!store)
        return FALSE;
    definitionServiceReplace(service, store);
    return TRUE;
}


gboolean
definitionServiceHasTransient(const DefinitionService *service)
{
    g_autoptr(GPtrArray) list = definitionStoreList(service->store);
    guint i;

    for (i = 0; i < list->len; i++) {
        const StoredDefinition *def = g_ptr_array_index(list, i);

        if (!def->persistent && !def->builtIn)
            return TRUE;
    }
    return FALSE;
}
