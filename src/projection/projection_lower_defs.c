/*
 * projection_lower_defs.c: the devices that are lowered: parsing and validation
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_lower_private.h"
#include "projection_devices.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


gboolean
lowerReportEntity(const char *element,
                  GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("entity references in <%1$s> are not supported"), element);
    return FALSE;
}


/* Replaces the UUID of a definition by its name, if the definition is known. */
static void
resolveName(EmulatedPCIDef *def,
            const EmulatedPCIDef *found)
{
    if (!found || !found->definition)
        return;
    g_free(def->definition);
    def->definition = g_strdup(found->definition);
}


gboolean
projectionResolve(EmulatedPCIDef *def,
                  const ProjectionOptions *opts,
                  GError **err)
{
    const EmulatedPCIDef *found;

    if (!def->needsDefinition) {
        if (opts && opts->definition && projectionNeedsDefinition(def))
            resolveName(def, opts->definition(def->definition, opts->definitionOpaque, NULL));
        return TRUE;
    }

    if (!opts || !opts->definition) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("definition '%1$s' is not available: '%2$s' and all attributes of "
                                 "<%3$s> are required"),
                               def->definition, "devicename", "config");
        return FALSE;
    }
    found = opts->definition(def->definition, opts->definitionOpaque, err);
    if (!found)
        return FALSE;

    emulatedPCIDefFill(def, found);
    resolveName(def, found);
    return TRUE;
}


gboolean
lowerReportDevice(const Lowering *lowering,
                  guint number,
                  GError **err)
{
    const GPtrArray *all = lowering->domain->emulated;
    const ProjectionEmulated *emulated = g_ptr_array_index(all, number);
    const guint line = projectionDocumentLine(lowering->doc, emulated->where.start);
    const EmulatedPCIDef *def =
        number < lowering->defs->len ? g_ptr_array_index(lowering->defs, number) : NULL;

    if (all->len < 2)
        return FALSE;
    if (def && def->alias) {
        g_autofree char *alias = g_utf8_make_valid(def->alias, MIN(strlen(def->alias), 255));

        g_prefix_error(err, _("emulated PCI device %1$u, '%2$s', at line %3$u: "), number + 1, alias,
                       line);
    } else {
        g_prefix_error(err, _("emulated PCI device %1$u at line %2$u: "), number + 1, line);
    }
    return FALSE;
}


gboolean
lowerReadDefs(Lowering *lowering,
              GError **err)
{
    guint i;

    for (i = 0; i < lowering->domain->emulated->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(lowering->domain->emulated, i);
        EmulatedPCIDef *def;

        if (emulated->hasEntity)
            return lowerReportEntity("emulatedpci", err) || lowerReportDevice(lowering, i, err);
        if (!(def = emulatedPCIDefParseNode(emulated->node, err)))
            return lowerReportDevice(lowering, i, err);
        g_ptr_array_add(lowering->defs, def);
        if (!projectionResolve(def, lowering->opts, err))
            return lowerReportDevice(lowering, i, err);
    }
    return TRUE;
}


static void
noteFunction(GHashTable *slots,
             int domain,
             int bus,
             int slot,
             int function)
{
    gint64 key = emulatedPCIAddressGetSlot(domain, bus, slot);

    if (key > 0 && function > 0)
        g_hash_table_add(slots, g_memdup2(&key, sizeof(key)));
}


/* If a slot has devices at several functions, the one at function 0 must declare it. libvirt
 * sets multifunction='on'; bit 7 of the header type is set here. */
gboolean
lowerJoinFunctions(Lowering *lowering,
                   GError **err)
{
    g_autoptr(GHashTable) slots = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    const GArray *addresses = lowering->domain->addresses;
    guint i;

    for (i = 0; i < addresses->len; i++) {
        const ProjectionAddress *address = &g_array_index(addresses, ProjectionAddress, i);

        noteFunction(slots, address->domain, address->bus, address->slot, address->function);
    }
    for (i = 0; i < lowering->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        if (def->hasAddress)
            noteFunction(slots, def->domain, def->bus, def->slot, def->function);
    }

    for (i = 0; i < lowering->defs->len; i++) {
        EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);
        gint64 key = def->hasAddress ?
            emulatedPCIAddressGetSlot(def->domain, def->bus, def->slot) : 0;

        if (key == 0 || def->function > 0 || def->multifunction >= 0 ||
            !g_hash_table_contains(slots, &key))
            continue;

        if (def->given[EMULATED_PCI_FIELD_HEADERTYPE] &&
            !(def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] &
              EMULATED_PCI_HEADERTYPE_MULTIFUNCTION)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("unsupported value '0x%1$02x' for attribute '%2$s': the device "
                                     "shares its slot with other functions, so bit 7 must be set; "
                                     "0x%3$02x is allowed"),
                                   def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE], "headertype",
                                   (unsigned int) EMULATED_PCI_HEADERTYPE_MULTIFUNCTION);
            return lowerReportDevice(lowering, i, err);
        }
        def->multifunction = 1;
        emulatedPCIDefSetDefaults(def);
    }
    return TRUE;
}


gboolean
lowerValidateDefs(Lowering *lowering,
                  GError **err)
{
    guint i;

    for (i = 0; i < lowering->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        if (!emulatedPCIDefValidate(def, err))
            return lowerReportDevice(lowering, i, err);

        /* libvirt drops it from an address that it assigns; the header type would then disagree
         * with the address. */
        if (def->multifunction == 1 &&
            emulatedPCIAddressGetSlot(def->domain, def->bus, def->slot) == 0) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("unsupported value '%1$s' for attribute '%2$s': an <address> "
                                     "with a bus or a slot is required"),
                                   "on", "multifunction");
            return lowerReportDevice(lowering, i, err);
        }
    }
    return TRUE;
}


/* Returns a number that identifies the address, or -1 if libvirt assigns it. */
static gint64
placeKey(int domain,
         int bus,
         int slot,
         int function)
{
    const gint64 key = emulatedPCIAddressGetSlot(domain, bus, slot);

    return key == 0 ? -1 : key << 3 | MAX(function, 0);
}


/* Adds an address to PLACES. Returns FALSE if it is in use. */
static gboolean
takePlace(GHashTable *places,
          gint64 key)
{
    return key < 0 || g_hash_table_add(places, g_memdup2(&key, sizeof(key)));
}


/* Checks that no address is used twice. libvirt checks it, too, but its message would name the
 * controller that reserves the address. */
gboolean
lowerCheckPlaces(Lowering *lowering,
                 GError **err)
{
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    const GArray *addresses = lowering->domain->addresses;
    guint i;

    for (i = 0; i < addresses->len; i++) {
        const ProjectionAddress *address = &g_array_index(addresses, ProjectionAddress, i);

        takePlace(places, placeKey(address->domain, address->bus, address->slot,
                                   address->function));
    }

    for (i = 0; i < lowering->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        if (!def->hasAddress ||
            takePlace(places, placeKey(def->domain, def->bus, def->slot, def->function)))
            continue;
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("the PCI address %1$04x:%2$02x:%3$02x.%4$x of <%5$s> is in use by "
                                 "another device"),
                               (guint) MAX(def->domain, 0), (guint) MAX(def->bus, 0),
                               (guint) MAX(def->slot, 0), (guint) MAX(def->function, 0),
                               "emulatedpci");
        return lowerReportDevice(lowering, i, err);
    }
    return TRUE;
}


/* Checks whether the domain's QEMU supports the devices, depending on their emulators. A domain
 * in a snapshot is not checked, because it is not started. */
static gboolean
checkProgram(Lowering *lowering,
             const GPtrArray *groups,
             GError **err)
{
    const ProjectionDomain *domain = lowering->domain;
    guint i;

    if (domain->isDevice || lowering->doc->isRecord)
        return TRUE;

    for (i = 0; i < groups->len; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(groups, i);

        if (!projectionCheckProgram(domain->type, domain->arch, domain->machine, lowering->qemu,
                                    emulatedPCIDriverGetVersion(group->driver),
                                    lowering->opts, err))
            return FALSE;
    }
    return TRUE;
}


/* Devices that name the same emulator must agree on what it is. */
gboolean
lowerCheckDrivers(Lowering *lowering,
                  GError **err)
{
    const gsize n = lowering->defs->len;
    g_autofree const EmulatedPCIDriver **drivers = g_new0(const EmulatedPCIDriver *, n);
    g_autofree const char **names = g_new0(const char *, n);
    g_autoptr(GPtrArray) groups = NULL;
    gsize i;

    for (i = 0; i < n; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        drivers[i] = def->driver;
        names[i] = def->fields.devicename;
    }
    groups = emulatedPCIDriverGroupAll(drivers, names, n, err);
    return groups && checkProgram(lowering, groups, err);
}
