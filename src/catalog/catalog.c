/*
 * catalog.c: definitions of emulated PCI devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "catalog.h"

#include "catalog_store.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

#define FILE_SUFFIX ".xml"

/* How many names an error message lists. */
#define NAMES_SHOWN 20

struct _Catalog {
    GHashTable *byName;     /* -> CatalogDefinition, which it owns */
    GHashTable *byUUID;     /* -> CatalogDefinition */
    char *dir;              /* or NULL */
    gboolean readOnly;
};


/* --- one definition */

static void
definitionClear(CatalogDefinition *definition)
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
definitionSet(CatalogDefinition *definition,
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
definitionView(const CatalogDefinition *definition)
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
catalogDefinitionFormat(const CatalogDefinition *definition)
{
    EmulatedPCIDefinition view = definitionView(definition);

    return emulatedPCIDefinitionFormat(&view, FALSE);
}


/* --- finding */

Catalog *
catalogNew(void)
{
    Catalog *catalog = g_new0(Catalog, 1);

    catalog->byName = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, definitionFree);
    catalog->byUUID = g_hash_table_new(g_str_hash, g_str_equal);
    return catalog;
}


void
catalogSetReadOnly(Catalog *catalog)
{
    catalog->readOnly = TRUE;
}


void
catalogFree(Catalog *catalog)
{
    if (!catalog)
        return;

    g_hash_table_unref(catalog->byUUID);
    g_hash_table_unref(catalog->byName);
    g_free(catalog->dir);
    g_free(catalog);
}


static CatalogDefinition *
findDefinition(const Catalog *catalog,
               const char *nameOrUUID)
{
    CatalogDefinition *definition = g_hash_table_lookup(catalog->byName, nameOrUUID);
    char uuid[EMULATED_PCI_UUID_LEN + 1];

    if (!definition && emulatedPCIUUIDParse(nameOrUUID, uuid))
        definition = g_hash_table_lookup(catalog->byUUID, uuid);
    return definition;
}


const CatalogDefinition *
catalogFind(const Catalog *catalog,
            const char *nameOrUUID)
{
    return findDefinition(catalog, nameOrUUID);
}


static int
compareDefinitions(gconstpointer a,
                   gconstpointer b)
{
    const CatalogDefinition *const *x = a;
    const CatalogDefinition *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}


GPtrArray *
catalogList(const Catalog *catalog)
{
    GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(catalog->byName));
    GHashTableIter iter;
    gpointer definition;

    g_hash_table_iter_init(&iter, catalog->byName);
    while (g_hash_table_iter_next(&iter, NULL, &definition))
        g_ptr_array_add(list, definition);
    g_ptr_array_sort(list, compareDefinitions);
    return list;
}


static void
reportMissing(const Catalog *catalog,
              const char *nameOrUUID,
              GError **err)
{
    g_autoptr(GPtrArray) list = catalogList(catalog);
    g_autofree char *quoted = emulatedPCIErrorQuote(nameOrUUID);
    g_autoptr(GString) names = g_string_new(NULL);
    guint n = 0;
    guint i;

    for (i = 0; i < list->len; i++) {
        const CatalogDefinition *definition = g_ptr_array_index(list, i);

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


/* The definition, or NULL with ERR set. */
static CatalogDefinition *
requireDefinition(const Catalog *catalog,
                  const char *nameOrUUID,
                  GError **err)
{
    CatalogDefinition *definition = findDefinition(catalog, nameOrUUID);

    if (!definition)
        reportMissing(catalog, nameOrUUID, err);
    return definition;
}


const EmulatedPCIDef *
catalogResolve(const char *nameOrUUID,
               void *opaque,
               GError **err)
{
    const Catalog *catalog = opaque;
    const CatalogDefinition *definition = requireDefinition(catalog, nameOrUUID, err);

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
checkWritable(const Catalog *catalog,
              GError **err)
{
    if (catalog->dir && !catalog->readOnly)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("definitions cannot be stored: no directory is configured"));
    return FALSE;
}


static gboolean
storeDefinition(const Catalog *catalog,
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
    return checkWritable(catalog, err) &&
        catalogStoreWrite(catalog->dir, file, xml, strlen(xml), err);
}


/* Takes in what is in FROM: a new definition, or another content of OLD. */
static CatalogDefinition *
addDefinition(Catalog *catalog,
              CatalogDefinition *old,
              EmulatedPCIDefinition *from)
{
    CatalogDefinition *definition = old;

    if (old) {
        g_hash_table_remove(catalog->byUUID, old->uuid);
        g_hash_table_steal(catalog->byName, old->name);
    } else {
        definition = g_new0(CatalogDefinition, 1);
    }
    definitionSet(definition, from);
    g_hash_table_insert(catalog->byName, definition->name, definition);
    g_hash_table_insert(catalog->byUUID, definition->uuid, definition);
    return definition;
}


static void
removeDefinition(Catalog *catalog,
                 CatalogDefinition *definition)
{
    g_hash_table_remove(catalog->byUUID, definition->uuid);
    g_hash_table_remove(catalog->byName, definition->name);
}


/* --- loading */

static void
makeUUID(EmulatedPCIDefinition *definition)
{
    g_autofree char *uuid = g_uuid_string_random();

    memcpy(definition->uuid, uuid, sizeof(definition->uuid));
}


static gboolean
loadCheck(const Catalog *catalog,
          const EmulatedPCIDefinition *definition,
          const char *file,
          GError **err)
{
    g_autofree char *expected = fileName(definition->name);
    const CatalogDefinition *other;

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

    other = g_hash_table_lookup(catalog->byName, definition->name);
    if (other) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("a built-in definition '%1$s' already exists"), other->name);
        return FALSE;
    }
    other = g_hash_table_lookup(catalog->byUUID, definition->uuid);
    if (other) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("UUID %1$s is already used by definition '%2$s'"),
                               definition->uuid, other->name);
        return FALSE;
    }
    return TRUE;
}


static gboolean
loadFile(Catalog *catalog,
         const char *dir,
         const char *file,
         gboolean builtIn,
         GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = NULL;
    g_autofree char *xml = NULL;
    CatalogDefinition *added;
    gboolean autostart;
    gsize len;

    if (!(xml = catalogStoreRead(dir, file, EMULATED_PCI_DEFINITION_XML_MAX, &len, err)) ||
        !(definition = emulatedPCIDefinitionParse(xml, len, !builtIn, err)) ||
        !emulatedPCIDefinitionFill(definition, NULL, err) ||
        !loadCheck(catalog, definition, file, err))
        return FALSE;

    /* Somebody wrote it by hand. It keeps its first uuid. */
    if (*definition->uuid == '\0') {
        makeUUID(definition);
        if (!builtIn && !catalog->readOnly && !storeDefinition(catalog, definition, err))
            return FALSE;
    }

    autostart = definition->autostart;
    added = addDefinition(catalog, NULL, definition);
    added->builtIn = builtIn;
    added->persistent = TRUE;
    added->active = autostart;
    added->autostart = autostart;
    return TRUE;
}


/* FILE could not be loaded. */
static void
reportFile(const Catalog *catalog,
           const char *dir,
           const char *file,
           gboolean damaged,
           const GError *reason)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *aside = NULL;
    g_autoptr(GError) err = NULL;

    if (!damaged || catalog->readOnly) {
        g_warning(_("definition in %1$s is ignored: %2$s"), path, reason->message);
        return;
    }
    aside = catalogStoreSetAside(dir, file, &err);
    if (aside)
        g_warning(_("damaged definition in %1$s is renamed to %2$s: %3$s"), path, aside,
                  reason->message);
    else
        g_warning(_("damaged definition in %1$s: %2$s; %3$s"), path, reason->message,
                  err->message);
}


static gboolean
loadDir(Catalog *catalog,
        const char *dir,
        gboolean builtIn,
        GError **err)
{
    g_autoptr(GPtrArray) files = catalogStoreList(dir, err);
    guint i;

    if (!files)
        return FALSE;

    for (i = 0; i < files->len; i++) {
        const char *file = g_ptr_array_index(files, i);
        g_autoptr(GError) reason = NULL;

        if (g_hash_table_size(catalog->byName) >= CATALOG_MAX) {
            g_warning(_("%1$u definitions in %2$s are ignored: at most %3$d are supported"),
                      files->len - i, dir, CATALOG_MAX);
            break;
        }
        if (!loadFile(catalog, dir, file, builtIn, &reason)) {
            const gboolean damaged = !builtIn && reason->code != VIR_ERR_SYSTEM_ERROR;

            reportFile(catalog, dir, file, damaged, reason);
        }
    }
    return TRUE;
}


gboolean
catalogLoad(Catalog *catalog,
            const char *builtinDir,
            const char *dir,
            GError **err)
{
    if (builtinDir && !loadDir(catalog, builtinDir, TRUE, err))
        return FALSE;
    if (!dir)
        return TRUE;

    g_free(catalog->dir);
    catalog->dir = g_strdup(dir);
    if (!catalog->readOnly)
        catalogStoreClean(dir);
    return loadDir(catalog, dir, FALSE, err);
}


/* --- defining */

static gboolean
reportBuiltIn(const CatalogDefinition *definition,
              GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                           _("definition '%1$s' is built in: it cannot be changed"),
                           definition->name);
    return FALSE;
}


/* Whether DEFINITION's name and uuid are free, or both those of OLD. */
static gboolean
checkUnique(const Catalog *catalog,
            const EmulatedPCIDefinition *definition,
            const CatalogDefinition *old,
            GError **err)
{
    const CatalogDefinition *other = g_hash_table_lookup(catalog->byUUID, definition->uuid);

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
    if (!old && g_hash_table_size(catalog->byName) >= CATALOG_MAX) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("too many definitions: at most %1$d are supported"), CATALOG_MAX);
        return FALSE;
    }
    return TRUE;
}


/* Parses @xml and completes the definition; its name is unused or that of @old. */
static EmulatedPCIDefinition *
readDefinition(const Catalog *catalog,
               const char *xml,
               gsize len,
               CatalogDefinition **old,
               GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = emulatedPCIDefinitionParse(xml, len, FALSE, err);
    const CatalogDefinition *basis = NULL;
    gboolean named;

    if (!definition)
        return NULL;

    if (definition->basis && !(basis = requireDefinition(catalog, definition->basis, err)))
        return NULL;

    /* A uuid that is known names its definition. */
    if (!definition->name && *definition->uuid) {
        const CatalogDefinition *same = g_hash_table_lookup(catalog->byUUID, definition->uuid);

        definition->name = same ? g_strdup(same->name) : NULL;
    }
    named = definition->name != NULL;

    if (!emulatedPCIDefinitionFill(definition, basis ? basis->def : NULL, err))
        return NULL;

    *old = g_hash_table_lookup(catalog->byName, definition->name);
    if (*old && !named) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("definition '%1$s', named after devicename '%2$s', already "
                                 "exists: another <%3$s> is required"),
                               definition->name, definition->def->devicename, "name");
        return NULL;
    }
    if (!checkUnique(catalog, definition, *old, err))
        return NULL;

    if (*old)
        memcpy(definition->uuid, (*old)->uuid, sizeof(definition->uuid));
    else if (*definition->uuid == '\0')
        makeUUID(definition);
    return g_steal_pointer(&definition);
}


const CatalogDefinition *
catalogDefine(Catalog *catalog,
              const char *xml,
              gsize len,
              gboolean *created,
              GError **err)
{
    CatalogDefinition *old = NULL;
    g_autoptr(EmulatedPCIDefinition) definition = readDefinition(catalog, xml, len, &old, err);
    CatalogDefinition *result;

    if (!definition)
        return NULL;

    definition->autostart = !old || old->autostart;
    if (!storeDefinition(catalog, definition, err))
        return NULL;

    result = addDefinition(catalog, old, definition);
    if (created)
        *created = !old;
    if (!old) {
        result->active = TRUE;
        result->autostart = TRUE;
    }
    result->persistent = TRUE;
    return result;
}


const CatalogDefinition *
catalogCreate(Catalog *catalog,
              const char *xml,
              gsize len,
              GError **err)
{
    CatalogDefinition *old = NULL;
    g_autoptr(EmulatedPCIDefinition) definition = readDefinition(catalog, xml, len, &old, err);
    CatalogDefinition *result;

    if (!definition)
        return NULL;
    if (old) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("definition '%1$s' already exists with UUID %2$s"),
                               old->name, old->uuid);
        return NULL;
    }

    result = addDefinition(catalog, NULL, definition);
    result->active = TRUE;
    result->autostart = TRUE;
    return result;
}


/* --- changing */

/* Returns the definition for a change. */
static CatalogDefinition *
findToChange(const Catalog *catalog,
             const char *name,
             GError **err)
{
    CatalogDefinition *definition = requireDefinition(catalog, name, err);

    if (definition && definition->builtIn) {
        reportBuiltIn(definition, err);
        return NULL;
    }
    return definition;
}


static gboolean
checkPersistent(const CatalogDefinition *definition,
                GError **err)
{
    if (definition->persistent)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID,
                           _("definition '%1$s' is transient"), definition->name);
    return FALSE;
}


gboolean
catalogUndefine(Catalog *catalog,
                const char *name,
                GError **err)
{
    CatalogDefinition *definition = findToChange(catalog, name, err);
    g_autofree char *file = NULL;

    if (!definition || !checkPersistent(definition, err) || !checkWritable(catalog, err))
        return FALSE;

    file = fileName(definition->name);
    if (!catalogStoreRemove(catalog->dir, file, err))
        return FALSE;
    removeDefinition(catalog, definition);
    return TRUE;
}


gboolean
catalogDestroy(Catalog *catalog,
               const char *name,
               GError **err)
{
    CatalogDefinition *definition = findToChange(catalog, name, err);

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
        removeDefinition(catalog, definition);
    return TRUE;
}


gboolean
catalogStart(Catalog *catalog,
             const char *name,
             GError **err)
{
    CatalogDefinition *definition = requireDefinition(catalog, name, err);

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
catalogSetAutostart(Catalog *catalog,
                    const char *name,
                    gboolean autostart,
                    GError **err)
{
    CatalogDefinition *definition = findToChange(catalog, name, err);
    EmulatedPCIDefinition view;

    if (!definition || !checkPersistent(definition, err))
        return FALSE;
    if (!definition->autostart == !autostart)
        return TRUE;

    view = definitionView(definition);
    view.autostart = autostart;
    if (!storeDefinition(catalog, &view, err))
        return FALSE;
    definition->autostart = autostart != FALSE;
    return TRUE;
}
