/*
 * definition_store_change.c: changes of definitions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store_private.h"

#include "definition_files.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


static gboolean
reportBuiltIn(const StoredDefinition *definition,
              GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                           _("definition '%1$s' is built in: it cannot be changed"),
                           definition->name);
    return FALSE;
}


/* Checks that the name and the UUID of the definition are unused, or both are those of OLD. */
static gboolean
checkUnique(const DefinitionStore *store,
            const EmulatedPCIDefinition *definition,
            const StoredDefinition *old,
            GError **err)
{
    const StoredDefinition *other = g_hash_table_lookup(store->byUUID, definition->uuid);

    if (old && old->builtIn)
        return reportBuiltIn(old, err);
    if (old && *definition->uuid && strcmp(definition->uuid, old->uuid) != 0) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("definition '%1$s' is already defined with UUID %2$s, not %3$s"),
                               old->name, old->uuid, definition->uuid);
        return FALSE;
    }
    if (other && other != old) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("UUID %1$s is already used by definition '%2$s' and cannot be used for '%3$s'"),
                               other->uuid, other->name, definition->name);
        return FALSE;
    }
    if (!old && g_hash_table_size(store->byName) >= DEFINITION_STORE_MAX) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("too many definitions: at most %1$d are supported"), DEFINITION_STORE_MAX);
        return FALSE;
    }
    return TRUE;
}


/* Parses @xml and completes the definition; its name is unused or that of @old. */
static EmulatedPCIDefinition *
readDefinition(const DefinitionStore *store,
               const char *xml,
               gsize len,
               StoredDefinition **old,
               GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = emulatedPCIDefinitionParse(xml, len, FALSE, err);
    const StoredDefinition *basis = NULL;
    gboolean named;

    if (!definition)
        return NULL;

    if (definition->basis && !(basis = definitionStoreRequire(store, definition->basis, err)))
        return NULL;

    /* If the UUID is known, the name is that of its definition. */
    if (!definition->name && *definition->uuid) {
        const StoredDefinition *same = g_hash_table_lookup(store->byUUID, definition->uuid);

        definition->name = same ? g_strdup(same->name) : NULL;
    }
    named = definition->name != NULL;

    if (!emulatedPCIDefinitionFill(definition, basis ? basis->def : NULL, err))
        return NULL;

    *old = g_hash_table_lookup(store->byName, definition->name);
    if (*old && !named) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("definition '%1$s', named after devicename '%2$s', already "
                                 "exists: another <%3$s> is required"),
                               definition->name, definition->def->fields.devicename, "name");
        return NULL;
    }
    if (!checkUnique(store, definition, *old, err))
        return NULL;

    if (*old)
        memcpy(definition->uuid, (*old)->uuid, sizeof(definition->uuid));
    else if (*definition->uuid == '\0')
        definitionStoreMakeUUID(definition);
    return g_steal_pointer(&definition);
}


const StoredDefinition *
definitionStoreDefine(DefinitionStore *store,
                      const char *xml,
                      gsize len,
                      gboolean *created,
                      GError **err)
{
    StoredDefinition *old = NULL;
    g_autoptr(EmulatedPCIDefinition) definition = readDefinition(store, xml, len, &old, err);
    StoredDefinition *result;

    if (!definition)
        return NULL;

    definition->autostart = !old || old->autostart;
    if (!definitionStoreSave(store, definition, err))
        return NULL;

    result = definitionStoreAdd(store, old, definition);
    if (created)
        *created = !old;
    if (!old) {
        result->active = TRUE;
        result->autostart = TRUE;
    }
    result->persistent = TRUE;
    return result;
}


const StoredDefinition *
definitionStoreCreate(DefinitionStore *store,
                      const char *xml,
                      gsize len,
                      GError **err)
{
    StoredDefinition *old = NULL;
    g_autoptr(EmulatedPCIDefinition) definition = readDefinition(store, xml, len, &old, err);
    StoredDefinition *result;

    if (!definition)
        return NULL;
    if (old) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("definition '%1$s' already exists with UUID %2$s"),
                               old->name, old->uuid);
        return NULL;
    }

    result = definitionStoreAdd(store, NULL, definition);
    result->active = TRUE;
    result->autostart = TRUE;
    return result;
}


/* Returns the definition for a change. */
static StoredDefinition *
findToChange(const DefinitionStore *store,
             const char *name,
             GError **err)
{
    StoredDefinition *definition = definitionStoreRequire(store, name, err);

    if (definition && definition->builtIn) {
        reportBuiltIn(definition, err);
        return NULL;
    }
    return definition;
}


static gboolean
checkPersistent(const StoredDefinition *definition,
                GError **err)
{
    if (definition->persistent)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID,
                           _("definition '%1$s' is transient"), definition->name);
    return FALSE;
}


gboolean
definitionStoreUndefine(DefinitionStore *store,
                        const char *name,
                        GError **err)
{
    StoredDefinition *definition = findToChange(store, name, err);
    g_autofree char *file = NULL;

    if (!definition || !checkPersistent(definition, err) ||
        !definitionStoreCheckWritable(store, err))
        return FALSE;

    file = definitionStoreFileName(definition->name);
    if (!definitionFilesRemove(store->dir, file, err))
        return FALSE;
    definitionStoreRemove(store, definition);
    return TRUE;
}


gboolean
definitionStoreDestroy(DefinitionStore *store,
                       const char *name,
                       GError **err)
{
    StoredDefinition *definition = findToChange(store, name, err);

    if (!definition)
        return FALSE;
    if (!definition->active) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID,
                               _("definition '%1$s' is not active"), definition->name);
        return FALSE;
    }

    if (definition->persistent)
        definition->active = FALSE;
    else
        definitionStoreRemove(store, definition);
    return TRUE;
}


gboolean
definitionStoreStart(DefinitionStore *store,
                     const char *name,
                     GError **err)
{
    StoredDefinition *definition = definitionStoreRequire(store, name, err);

    if (!definition)
        return FALSE;
    if (definition->active) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID,
                               _("definition '%1$s' is already active"), definition->name);
        return FALSE;
    }
    definition->active = TRUE;
    return TRUE;
}


gboolean
definitionStoreSetAutostart(DefinitionStore *store,
                            const char *name,
                            gboolean autostart,
                            GError **err)
{
    StoredDefinition *definition = findToChange(store, name, err);
    EmulatedPCIDefinition view;

    if (!definition || !checkPersistent(definition, err))
        return FALSE;
    if (!definition->autostart == !autostart)
        return TRUE;

    view = storedDefinitionView(definition);
    view.autostart = autostart;
    if (!definitionStoreSave(store, &view, err))
        return FALSE;
    definition->autostart = autostart != FALSE;
    return TRUE;
}
