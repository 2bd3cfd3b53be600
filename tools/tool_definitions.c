/*
 * tool_definitions.c: definitions for documents that refer to them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_definitions.h"
#include "tool_output.h"

#include "definition_store.h"

#include <unistd.h>

#define BUILT_IN_DIR PKGDATA_DIR "/definitions"
#define SYSTEM_DIR SYSCONF_DIR "/libvirt/emulatedpci"


/* Prints the warnings of the store about files that cannot be loaded. */
static void
toolDefinitionsWarn(const char *domain G_GNUC_UNUSED,
                    GLogLevelFlags level G_GNUC_UNUSED,
                    const char *message,
                    gpointer opaque G_GNUC_UNUSED)
{
    toolOutputWarning(NULL, "%s", message);
}


/* Definitions of the system that the user may not read are ignored. */
static gboolean
toolDefinitionsLoad(ToolDefinitions *definitions, DefinitionStore *store, GError **err)
{
    if (!definitions->dir) {
        const gboolean readable = access(SYSTEM_DIR, R_OK | X_OK) == 0;

        return definitionStoreLoad(store, BUILT_IN_DIR, readable ? SYSTEM_DIR : NULL, err);
    }
    if (!g_file_test(definitions->dir, G_FILE_TEST_IS_DIR)) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("directory '%1$s' does not exist"),
                               definitions->dir);
        return FALSE;
    }
    return definitionStoreLoad(store, NULL, definitions->dir, err);
}


const EmulatedPCIDef *
toolDefinitionsFind(const char *name, void *opaque, GError **err)
{
    ToolDefinitions *definitions = opaque;

    if (!definitions->store) {
        g_autoptr(DefinitionStore) store = definitionStoreNew();
        guint handler;
        gboolean ok;

        definitionStoreSetReadOnly(store);
        handler = g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, toolDefinitionsWarn, NULL);
        ok = toolDefinitionsLoad(definitions, store, err);
        g_log_remove_handler(G_LOG_DOMAIN, handler);
        if (!ok)
            return NULL;
        definitions->store = g_steal_pointer(&store);
    }
    return definitionStoreResolve(name, definitions->store, err);
}


void
toolDefinitionsClear(ToolDefinitions *definitions)
{
    g_clear_pointer(&definitions->dir, g_free);
    g_clear_pointer(&definitions->store, definitionStoreFree);
}
