/*
 * definition_store.c: the definitions of emulated PCI devices, in memory and on disk
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store.h"

#include "definition_files.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

#define FILE_SUFFIX ".xml"

/* The maximum number of names in an error message */
#define NAMES_SHOWN 20

struct _DefinitionStore {
    GHashTable *byName;     /* -> StoredDefinition, which it owns */
    GHashTable *byUUID;     /* -> StoredDefinition */
    char *dir;              /* or NULL */
    gboolean readOnly;
};


/* --- one definition */

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


/* Makes DEFINITION what FROM says, whose parts it takes. */
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


/* Returns the definition in the form that is written to disk; its strings are borrowed. */
static EmulatedPCIDefinition
definitionView(const StoredDefinition *definition)
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
    EmulatedPCIDefinition view = definitionView(definition);

    return emulatedPCIDefinitionFormat(&view, FALSE);
}


/* --- finding */

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


/* Returns the definition, or NULL with ERR set. */
static StoredDefinition *
requireDefinition(const DefinitionStore *store,
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
    const StoredDefinition *definition = requireDefinition(store, nameOrUUID, err);

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


/* --- keeping */

static char *
fileName(const char *name)
{
    return g_strconcat(name, FILE_SUFFIX, NULL);
}


static gboolean
checkWritable(const DefinitionStore *store,
              GError **err)
{
    if (store->dir && !store->readOnly)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("definitions cannot be stored: no directory is configured"));
    return FALSE;
}


static gboolean
saveDefinition(const DefinitionStore *store,
               const EmulatedPCIDefinition *definition,
               GError **err)
{
    g_autofree char *xml = emulatedPCIDefinitionFormat(definition, TRUE);
    g_autofree char *file = fileName(definition->name);

    if (strlen(xml) > EMULATED_PCI_DEFINITION_XML_MAX) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("definition '%1$s' of %2$zu bytes is too long: at most %3$d are "
                                 "allowed"),
                               definition->name, strlen(xml), EMULATED_PCI_DEFINITION_XML_MAX);
        return FALSE;
    }
    return checkWritable(store, err) &&
        definitionFilesWrite(store->dir, file, xml, strlen(xml), err);
}


/* Takes in what is in FROM: a new definition, or another content of OLD. */
static StoredDefinition *
addDefinition(DefinitionStore *store,
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


static void
removeDefinition(DefinitionStore *store,
                 StoredDefinition *definition)
{
    g_hash_table_remove(store->byUUID, definition->uuid);
    g_hash_table_remove(store->byName, definition->name);
}


/* --- loading */

static void
makeUUID(EmulatedPCIDefinition *definition)
{
    g_autofree char *uuid = g_uuid_string_random();

    memcpy(definition->uuid, uuid, sizeof(definition->uuid));
}


static gboolean
loadCheck(const DefinitionStore *store,
          const EmulatedPCIDefinition *definition,
          const char *file,
          GError **err)
{
    g_autofree char *expected = fileName(definition->name);
    const StoredDefinition *other;

    if (strcmp(expected, file) != 0) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("name '%1$s' does not match the file name"), definition->name);
        return FALSE;
    }
    if (definition->basis) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("attribute '%1$s' is not allowed in a file"), "basis");
        return FALSE;
    }

    other = g_hash_table_lookup(store->byName, definition->name);
    if (other) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("a built-in definition '%1$s' already exists"), other->name);
        return FALSE;
    }
    other = g_hash_table_lookup(store->byUUID, definition->uuid);
    if (other) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("UUID %1$s is already used by definition '%2$s'"),
                               definition->uuid, other->name);
        return FALSE;
    }
    return TRUE;
}


static gboolean
loadFile(DefinitionStore *store,
         const char *dir,
         const char *file,
         gboolean builtIn,
         GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = NULL;
    g_autofree char *xml = NULL;
    StoredDefinition *added;
    gboolean autostart;
    gsize len;

    if (!(xml = definitionFilesRead(dir, file, EMULATED_PCI_DEFINITION_XML_MAX, &len, err)) ||
        !(definition = emulatedPCIDefinitionParse(xml, len, !builtIn, err)) ||
        !emulatedPCIDefinitionFill(definition, NULL, err) ||
        !loadCheck(store, definition, file, err))
        return FALSE;

    /* A file that was written by hand can lack a UUID; the generated one is stored. */
    if (*definition->uuid == '\0') {
        makeUUID(definition);
        if (!builtIn && !store->readOnly && !saveDefinition(store, definition, err))
            return FALSE;
    }

    autostart = definition->autostart;
    added = addDefinition(store, NULL, definition);
    added->builtIn = builtIn;
    added->persistent = TRUE;
    added->active = autostart;
    added->autostart = autostart;
    return TRUE;
}


/* FILE could not be loaded. */
static void
reportFile(const DefinitionStore *store,
           const char *dir,
           const char *file,
           gboolean damaged,
           const GError *reason)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *aside = NULL;
    g_autoptr(GError) err = NULL;

    if (!damaged || store->readOnly) {
        g_warning(_("definition in %1$s is ignored: %2$s"), path, reason->message);
        return;
    }
    aside = definitionFilesSetAside(dir, file, &err);
    if (aside)
        g_warning(_("damaged definition in %1$s is renamed to %2$s: %3$s"), path, aside,
                  reason->message);
    else
        g_warning(_("damaged definition in %1$s: %2$s; %3$s"), path, reason->message,
                  err->message);
}


static gboolean
loadDir(DefinitionStore *store,
        const char *dir,
        gboolean builtIn,
        GError **err)
{
    g_autoptr(GPtrArray) files = definitionFilesList(dir, err);
    guint i;

    if (!files)
        return FALSE;

    for (i = 0; i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autoptr(GError) reason = NULL;

        if (g_hash_table_size(store->byName) >= DEFINITION_STORE_MAX) {
            g_warning(_("%1$u definitions in %2$s are ignored: at most %3$d are supported"),
                      files->len - i, dir, DEFINITION_STORE_MAX);
            break;
        }
        if (!loadFile(store, dir, file, builtIn, &reason)) {
            const gboolean damaged = !builtIn && reason->code != VIR_ERR_SYSTEM_ERROR;

            reportFile(store, dir, file, damaged, reason);
        }
    }
    return TRUE;
}


gboolean
definitionStoreLoad(DefinitionStore *store,
                    const char *builtinDir,
                    const char *dir,
                    GError **err)
{
    if (builtinDir && !loadDir(store, builtinDir, TRUE, err))
        return FALSE;
    if (!dir)
        return TRUE;

    g_free(store->dir);
    store->dir = g_strdup(dir);
    if (!store->readOnly)
        definitionFilesClean(dir);
    return loadDir(store, dir, FALSE, err);
}


/* --- defining */

static gboolean
reportBuiltIn(const StoredDefinition *definition,
              GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                           _("definition '%1$s' is built in: it cannot be changed"),
                           definition->name);
    return FALSE;
}


/* Returns whether DEFINITION's name and uuid are free, or both those of OLD. */
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

    if (definition->basis && !(basis = requireDefinition(store, definition->basis, err)))
        return NULL;

    /* A uuid that is known names its definition. */
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
        makeUUID(definition);
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
    if (!saveDefinition(store, definition, err))
        return NULL;

    result = addDefinition(store, old, definition);
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

    result = addDefinition(store, NULL, definition);
    result->active = TRUE;
    result->autostart = TRUE;
    return result;
}


/* --- changing */

/* Returns the definition for a change. */
static StoredDefinition *
findToChange(const DefinitionStore *store,
             const char *name,
             GError **err)
{
    StoredDefinition *definition = requireDefinition(store, name, err);

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

    if (!definition || !checkPersistent(definition, err) || !checkWritable(store, err))
        return FALSE;

    file = fileName(definition->name);
    if (!definitionFilesRemove(store->dir, file, err))
        return FALSE;
    removeDefinition(store, definition);
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
        removeDefinition(store, definition);
    return TRUE;
}


gboolean
definitionStoreStart(DefinitionStore *store,
                     const char *name,
                     GError **err)
{
    StoredDefinition *definition = requireDefinition(store, name, err);

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

    view = definitionView(definition);
    view.autostart = autostart;
    if (!saveDefinition(store, &view, err))
        return FALSE;
    definition->autostart = autostart != FALSE;
    return TRUE;
}
