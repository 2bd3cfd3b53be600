/*
 * definition_store.c: the definitions of emulated PCI devices, in memory and on disk
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store_private.h"

#include "definition_files.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

#define FILE_SUFFIX ".xml"

/* The maximum number of names in an error message */
#define NAMES_SHOWN 20


static void
definitionClear(StoredDefinition *definition)
{
    g_free(definition->name);
    g_free(definition->description);
    emulatedPCIDefFree(definition->def);
}


static void
definitionFree(gpointer opaque)
{
    definitionClear(opaque);
    g_free(opaque);
}


/* Replaces the content of DEFINITION by that of FROM, which loses it. */
static void
definitionSet(StoredDefinition *definition,
              EmulatedPCIDefinition *from)
{
    definitionClear(definition);
    definition->name = g_steal_pointer(&from->name);
    memcpy(definition->uuid, from->uuid, sizeof(definition->uuid));
    definition->description = g_steal_pointer(&from->description);
    definition->def = g_steal_pointer(&from->def);
    g_free(definition->def->definition);
    definition->def->definition = g_strdup(definition->name);
}


EmulatedPCIDefinition
storedDefinitionView(const StoredDefinition *definition)
{
    EmulatedPCIDefinition view = {
        .name = definition->name,
        .description = definition->description,
        .builtIn = definition->builtIn,
        .autostart = definition->autostart,
        .def = definition->def,
    };

    memcpy(view.uuid, definition->uuid, sizeof(view.uuid));
    return view;
}


char *
storedDefinitionFormat(const StoredDefinition *definition)
{
    EmulatedPCIDefinition view = storedDefinitionView(definition);

    return emulatedPCIDefinitionFormat(&view, FALSE);
}


DefinitionStore *
definitionStoreNew(void)
{
    DefinitionStore *store = g_new0(DefinitionStore, 1);

    store->byName = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, definitionFree);
    store->byUUID = g_hash_table_new(g_str_hash, g_str_equal);
    return store;
}


void
definitionStoreSetReadOnly(DefinitionStore *store)
{
    store->readOnly = TRUE;
}


void
definitionStoreFree(DefinitionStore *store)
{
    if (!store)
        return;

    g_hash_table_unref(store->byUUID);
    g_hash_table_unref(store->byName);
    g_free(store->dir);
    g_free(store);
}


static StoredDefinition *
findDefinition(const DefinitionStore *store,
               const char *nameOrUUID)
{
    StoredDefinition *definition = g_hash_table_lookup(store->byName, nameOrUUID);
    char uuid[EMULATED_PCI_UUID_LEN + 1];

    if (!definition && emulatedPCIUUIDParse(nameOrUUID, uuid))
        definition = g_hash_table_lookup(store->byUUID, uuid);
    return definition;
}


const StoredDefinition *
definitionStoreFind(const DefinitionStore *store,
                    const char *nameOrUUID)
{
    return findDefinition(store, nameOrUUID);
}


static int
compareDefinitions(gconstpointer a,
                   gconstpointer b)
{
    const StoredDefinition *const *x = a;
    const StoredDefinition *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}


GPtrArray *
definitionStoreList(const DefinitionStore *store)
{
    GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(store->byName));
    GHashTableIter iter;
    gpointer definition;

    g_hash_table_iter_init(&iter, store->byName);
    while (g_hash_table_iter_next(&iter, NULL, &definition))
        g_ptr_array_add(list, definition);
    g_ptr_array_sort(list, compareDefinitions);
    return list;
}


static void
reportMissing(const DefinitionStore *store,
              const char *nameOrUUID,
              GError **err)
{
    g_autoptr(GPtrArray) list = definitionStoreList(store);
    g_autofree char *quoted = emulatedPCIErrorQuote(nameOrUUID);
    g_autoptr(GString) names = g_string_new(NULL);
    guint n = 0;
    guint i;

    for (i = 0; i < list->len; i++) {
        const StoredDefinition *definition = g_ptr_array_index(list, i);

        if (definition->active && n++ < NAMES_SHOWN)
            g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", definition->name);
    }

    if (n == 0) {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("no definition with matching name or UUID '%1$s'; "
                                 "there are none"), quoted);
    } else if (n <= NAMES_SHOWN) {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("no definition with matching name or UUID '%1$s'; "
                                 "there are %2$s"), quoted, names->str);
    } else {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("no definition with matching name or UUID '%1$s'; "
                                 "there are %2$s and %3$u more"),
                               quoted, names->str, n - NAMES_SHOWN);
    }
}


StoredDefinition *
definitionStoreRequire(const DefinitionStore *store,
                       const char *nameOrUUID,
                       GError **err)
{
    StoredDefinition *definition = findDefinition(store, nameOrUUID);

    if (!definition)
        reportMissing(store, nameOrUUID, err);
    return definition;
}


const EmulatedPCIDef *
definitionStoreResolve(const char *nameOrUUID,
                       void *opaque,
                       GError **err)
{
    const DefinitionStore *store = opaque;
    const StoredDefinition *definition = definitionStoreRequire(store, nameOrUUID, err);

    if (!definition)
        return NULL;
    if (!definition->active) {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("definition '%1$s' is not active: it must be started before it "
                                 "can be used"), definition->name);
        return NULL;
    }
    return definition->def;
}


void
definitionStoreMakeUUID(EmulatedPCIDefinition *definition)
{
    g_autofree char *uuid = g_uuid_string_random();

    memcpy(definition->uuid, uuid, sizeof(definition->uuid));
}


char *
definitionStoreFileName(const char *name)
{
    return g_strconcat(name, FILE_SUFFIX, NULL);
}


gboolean
definitionStoreCheckWritable(const DefinitionStore *store,
                             GError **err)
{
    if (store->dir && !store->readOnly)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("definitions cannot be stored: no directory is configured"));
    return FALSE;
}


gboolean
definitionStoreSave(const DefinitionStore *store,
                    const EmulatedPCIDefinition *definition,
                    GError **err)
{
    g_autofree char *xml = emulatedPCIDefinitionFormat(definition, TRUE);
    g_autofree char *file = definitionStoreFileName(definition->name);

    if (strlen(xml) > EMULATED_PCI_DEFINITION_XML_MAX) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("definition '%1$s' of %2$zu bytes is too long: at most %3$d are "
                                 "allowed"),
                               definition->name, strlen(xml), EMULATED_PCI_DEFINITION_XML_MAX);
        return FALSE;
    }
    return definitionStoreCheckWritable(store, err) &&
        definitionFilesWrite(store->dir, file, xml, strlen(xml), err);
}


StoredDefinition *
definitionStoreAdd(DefinitionStore *store,
                   StoredDefinition *old,
                   EmulatedPCIDefinition *from)
{
    StoredDefinition *definition = old;

    if (old) {
        g_hash_table_remove(store->byUUID, old->uuid);
        g_hash_table_steal(store->byName, old->name);
    } else {
        definition = g_new0(StoredDefinition, 1);
    }
    definitionSet(definition, from);
    g_hash_table_insert(store->byName, definition->name, definition);
    g_hash_table_insert(store->byUUID, definition->uuid, definition);
    return definition;
}


void
definitionStoreRemove(DefinitionStore *store,
                      StoredDefinition *definition)
{
    g_hash_table_remove(store->byUUID, definition->uuid);
    g_hash_table_remove(store->byName, definition->name);
}
