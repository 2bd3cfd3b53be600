/*
 * definition_store_load.c: loading the definitions from disk
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
loadCheck(const DefinitionStore *store,
          const EmulatedPCIDefinition *definition,
          const char *file,
          GError **err)
{
    g_autofree char *expected = definitionStoreFileName(definition->name);
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
        definitionStoreMakeUUID(definition);
        if (!builtIn && !store->readOnly && !definitionStoreSave(store, definition, err))
            return FALSE;
    }

    autostart = definition->autostart;
    added = definitionStoreAdd(store, NULL, definition);
    added->builtIn = builtIn;
    added->persistent = TRUE;
    added->active = autostart;
    added->autostart = autostart;
    return TRUE;
}


/* Reports a file that cannot be loaded, and renames it if it is damaged. */
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
