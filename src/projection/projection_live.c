/*
 * projection_live.c: a device that is attached to a running domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_live.h"

#include "projection_domain.h"
#include "projection_scan.h"
#include "qemu_launcher_path.h"
#include "qemu_props_alias.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)


/* Returns the set of aliases in DOMAIN, as the user knows them. */
static GHashTable *
liveGetAliases(const ProjectionDomain *domain)
{
    GHashTable *aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer alias;
    guint i;
    guint j;

    g_hash_table_iter_init(&iter, domain->aliases);
    while (g_hash_table_iter_next(&iter, &alias, NULL))
        g_hash_table_add(aliases, qemuPropsAliasGetName(alias));
    /* The aliases of detached devices: libvirt would apply the remaining override to a device with
     * such an alias. */
    for (i = 0; i < domain->overrides->len; i++) {
        const ProjectionOverride *override = g_ptr_array_index(domain->overrides, i);

        for (j = 0; j < override->devices->len; j++) {
            const ProjectionOverrideDevice *device = g_ptr_array_index(override->devices, j);

            if (device->alias)
                g_hash_table_add(aliases, g_strdup(device->alias));
        }
    }
    return aliases;
}


/* Adds the aliases in the document OTHER that have the format of lowering. */
static void
liveAddOthers(GHashTable *aliases,
              const char *other)
{
    static const char prefix[] = "'" EMULATED_PCI_ALIAS_PREFIX;
    const char *found = other;

    while (found && (found = strstr(found, prefix))) {
        found++;
        g_hash_table_add(aliases, g_strndup(found, strcspn(found, "'")));
    }
}


/* Assigns an index to DEF, and an alias if it has none. */
static gboolean
liveAssign(const ProjectionDomain *domain,
           EmulatedPCIDef *def,
           const char *other,
           GError **err)
{
    g_autoptr(GHashTable) aliases = liveGetAliases(domain);
    ProjectionSlot slot = { .alias = def->alias, .wanted = -1 };

    if (def->alias && g_hash_table_contains(aliases, def->alias)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("alias '%1$s' of <%2$s> is in use by another device"),
                               def->alias, "emulatedpci");
        return FALSE;
    }
    if (!def->alias)
        liveAddOthers(aliases, other);
    if (!projectionAssign(&slot, 1, domain->indexes, aliases, err))
        return FALSE;
    def->index = slot.index;
    if (!def->alias)
        def->alias = slot.newAlias;
    return TRUE;
}


static gboolean
liveCheckLauncher(const ProjectionDomain *domain,
                  const ProjectionOptions *opts,
                  GError **err)
{
    const char *emulator = domain->emulator ? domain->emulator->str : "";
    g_autofree char *qemu = qemuLauncherPathToQEMU(opts ? opts->launchDir : NULL,
                                                   opts ? opts->qemuDir : NULL, emulator);

    if (qemu)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("an emulated PCI device cannot be attached to a running domain whose "
                             "<emulator> is '%1$s': the domain must be started with an emulated "
                             "PCI device, or with the launcher as its <emulator>; use --config "
                             "to attach it at the next start"), emulator);
    return FALSE;
}


/* Returns whether the launcher can start the emulator that DRIVER describes for a running
 * domain. */
static gboolean
liveCheckDriver(const EmulatedPCIDriver *driver,
                GError **err)
{
    const int attribute = emulatedPCIDriverGetOther(driver);

    if (attribute < 0)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("a device with '%1$s' of <driver> cannot be attached to a running "
                             "domain; use --config to attach it at the next start"),
                           emulatedPCIDriverAttrToString(attribute));
    return FALSE;
}


static char *
liveFormat(const EmulatedPCIDef *def,
           gboolean hasVirtioMMIO,
           GError **err)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autofree char *alias = NULL;
    QEMUProps props = {
        .fields = def->fields,
        .definition = def->definition,
        .driver = def->driver,
    };

    alias = qemuPropsAliasFormat(def->alias, &props, err);
    if (!alias)
        return NULL;

    g_string_append_printf(xml, "<controller type='scsi' index='%d' model='lsilogic'>"
                           "<alias name='%s'/>", PROJECTION_CONTROLLER_INDEX + def->index, alias);
    if (def->hasAddress)
        emulatedPCIDefFormatAddress(def, xml);
    else if (hasVirtioMMIO)
        g_string_append(xml, "<address type='pci'/>");
    g_string_append(xml, "</controller>");
    return g_string_free(g_steal_pointer(&xml), FALSE);
}


char *
projectionLiveLower(const char *xml,
                    gsize len,
                    EmulatedPCIDef *def,
                    const char *other,
                    const ProjectionOptions *opts,
                    GError **err)
{
    g_autoptr(ProjectionDocument) doc = projectionScanDomain(xml, len, err);
    const ProjectionDomain *domain;

    if (!doc)
        return NULL;
    domain = g_ptr_array_index(doc->domains, 0);
    if (!liveCheckLauncher(domain, opts, err) || !liveCheckDriver(def->driver, err) ||
        !liveAssign(domain, def, other, err))
        return NULL;
    return liveFormat(def, domain->hasVirtioMMIO, err);
}


char *
projectionLiveFindAlias(const char *xml,
                        gsize len,
                        const char *alias)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autofree char *marked = g_strconcat(alias, QEMU_PROPS_ALIAS_MARKER, NULL);
    const ProjectionDomain *domain;
    guint i;

    /* Most documents have no such alias, and are not parsed. */
    if (g_strstr_len(xml, len, marked))
        doc = projectionScan(xml, len, NULL);
    if (!doc || doc->domains->len != 1)
        return g_strdup(alias);

    domain = g_ptr_array_index(doc->domains, 0);
    for (i = 0; i < domain->controllers->len; i++) {
        const ProjectionController *controller = g_ptr_array_index(domain->controllers, i);

        if (controller->alias && g_str_has_prefix(controller->alias, marked))
            return g_strdup(controller->alias);
    }
    return g_strdup(alias);
}
