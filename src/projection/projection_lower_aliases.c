/*
 * projection_lower_aliases.c: the aliases and indexes of the devices that are lowered
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_lower_private.h"
#include "projection_domain.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


/* Returns the set of aliases that have an override. */
static GHashTable *
overrideAliases(const ProjectionDomain *domain)
{
    GHashTable *aliases = g_hash_table_new(g_str_hash, g_str_equal);
    guint i;
    guint j;

    for (i = 0; i < domain->overrides->len; i++) {
        const ProjectionOverride *override = g_ptr_array_index(domain->overrides, i);

        for (j = 0; j < override->devices->len; j++) {
            const ProjectionOverrideDevice *device = g_ptr_array_index(override->devices, j);

            if (device->alias)
                g_hash_table_add(aliases, device->alias);
        }
    }
    return aliases;
}


static gboolean
checkAliases(Lowering *lowering,
             GHashTable *overrides,
             GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    guint i;

    for (i = 0; i < lowering->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        if (!def->alias)
            continue;
        if (g_hash_table_contains(lowering->domain->aliases, def->alias) ||
            !g_hash_table_add(seen, def->alias)) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("alias '%1$s' of <%2$s> is in use by another device"),
                                   def->alias, "emulatedpci");
            return lowerReportDevice(lowering, i, err);
        }
        if (g_hash_table_contains(overrides, def->alias)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("alias '%1$s' of <%2$s> already has a <%3$s>: properties of "
                                     "an emulated PCI device cannot be overridden"),
                                   def->alias, "emulatedpci", "qemu:override");
            return lowerReportDevice(lowering, i, err);
        }
    }
    return TRUE;
}


gboolean
lowerAssignDefs(Lowering *lowering,
                GError **err)
{
    g_autoptr(GHashTable) aliases = overrideAliases(lowering->domain);
    const gsize n = lowering->defs->len;
    g_autofree ProjectionSlot *slots = g_new0(ProjectionSlot, n);
    GHashTableIter iter;
    gpointer alias;
    gboolean ok;
    gsize i;

    if (!checkAliases(lowering, aliases, err))
        return FALSE;

    g_hash_table_iter_init(&iter, lowering->domain->aliases);
    while (g_hash_table_iter_next(&iter, &alias, NULL))
        g_hash_table_add(aliases, alias);

    for (i = 0; i < n; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        slots[i].alias = def->alias;
        slots[i].wanted = def->index;
    }

    ok = projectionAssign(slots, n, lowering->domain->indexes, aliases, err);
    for (i = 0; i < n; i++) {
        EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        def->index = slots[i].index;
        if (!def->alias)
            def->alias = slots[i].newAlias;
    }
    return ok;
}
