/*
 * projection_lower.c: from the user's XML to stock libvirt's
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection.h"

#include "emulatedpci_xml_limits.h"
#include "projection_domain.h"
#include "projection_devices.h"
#include "projection_edit.h"
#include "projection_encoding.h"
#include "projection_scan.h"
#include "projection_style.h"
#include "qemu_props_override.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* Every document that has a device for us to lower holds this: an element of
 * no namespace has no prefix, and nothing may stand behind its '<'. */
#define LOWER_ELEMENT "emulatedpci"
#define LOWER_WORD "<" LOWER_ELEMENT

typedef struct {
    const ProjectionDocument *doc;
    const ProjectionOptions *opts;
    const ProjectionDomain *domain;
    GPtrArray *defs;            /* of EmulatedPCIDef, as domain->emulated */
    char *qemu;                 /* the program's path; NULL: not known */
    char *launcher;             /* the launcher's path, the new <emulator>; or NULL */
    ProjectionEdits *edits;
} Lowering;


/* --- the definitions */

static void
defFree(void *def)
{
    emulatedPCIDefFree(def);
}


static gboolean
reportEntity(const char *element,
             GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("entity references in <%1$s> are not supported"), element);
    return FALSE;
}


/* The definition is known by its name, where it is known at all. */
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


/* Adds the number, alias and line of the device to ERR if there are several devices. Returns
 * FALSE. */
static gboolean
reportDevice(const Lowering *lowering,
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


static gboolean
readDefs(Lowering *lowering,
         GError **err)
{
    guint i;

    for (i = 0; i < lowering->domain->emulated->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(lowering->domain->emulated, i);
        EmulatedPCIDef *def;

        if (emulated->hasEntity)
            return reportEntity("emulatedpci", err) || reportDevice(lowering, i, err);
        if (!(def = emulatedPCIDefParseNode(emulated->node, err)))
            return reportDevice(lowering, i, err);
        g_ptr_array_add(lowering->defs, def);
        if (!projectionResolve(def, lowering->opts, err))
            return reportDevice(lowering, i, err);
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
static gboolean
joinFunctions(Lowering *lowering,
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
            return reportDevice(lowering, i, err);
        }
        def->multifunction = 1;
        emulatedPCIDefSetDefaults(def);
    }
    return TRUE;
}


static gboolean
validateDefs(Lowering *lowering,
             GError **err)
{
    guint i;

    for (i = 0; i < lowering->defs->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(lowering->defs, i);

        if (!emulatedPCIDefValidate(def, err))
            return reportDevice(lowering, i, err);

        /* libvirt drops it from an address that it assigns; the header type would then disagree
         * with the address. */
        if (def->multifunction == 1 &&
            emulatedPCIAddressGetSlot(def->domain, def->bus, def->slot) == 0) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("unsupported value '%1$s' for attribute '%2$s': an <address> "
                                     "with a bus or a slot is required"),
                                   "on", "multifunction");
            return reportDevice(lowering, i, err);
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
static gboolean
checkPlaces(Lowering *lowering,
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
        return reportDevice(lowering, i, err);
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
                                    emulatedPCIDriverGetVersion(group->driver), lowering->opts, err))
            return FALSE;
    }
    return TRUE;
}


/* Devices that name the same emulator must agree on what it is. */
static gboolean
checkDrivers(Lowering *lowering,
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


/* --- aliases and indexes */

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
            return reportDevice(lowering, i, err);
        }
        if (g_hash_table_contains(overrides, def->alias)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("alias '%1$s' of <%2$s> already has a <%3$s>: properties of "
                                     "an emulated PCI device cannot be overridden"),
                                   def->alias, "emulatedpci", "qemu:override");
            return reportDevice(lowering, i, err);
        }
    }
    return TRUE;
}


static gboolean
assignDefs(Lowering *lowering,
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


/* --- writing */

/* If devices have virtio-mmio addresses, libvirt assigns one to each SCSI controller without an
 * address. The type 'pci' prevents this. */
static void
formatController(const EmulatedPCIDef *def,
                 gboolean hasVirtioMMIO,
                 const ProjectionStyle *style,
                 GString *buf)
{
    g_autofree char *inside = projectionStyleBreak(style, 1);
    g_autofree char *after = projectionStyleBreak(style, 0);

    g_string_append_printf(buf, "<controller type='scsi' index='%d' model='lsilogic'>",
                           PROJECTION_CONTROLLER_INDEX + def->index);
    g_string_append(buf, inside);
    emulatedPCIDefFormatAlias(def, buf);
    if (def->hasAddress) {
        g_string_append(buf, inside);
        emulatedPCIDefFormatAddress(def, buf);
    } else if (hasVirtioMMIO) {
        g_string_append_printf(buf, "%s<address type='pci'/>", inside);
    }
    g_string_append(buf, after);
    g_string_append(buf, "</controller>");
}


static gint
compareIndex(gconstpointer a,
             gconstpointer b)
{
    const EmulatedPCIDef *const *defA = a;
    const EmulatedPCIDef *const *defB = b;

    return (*defA)->index - (*defB)->index;
}


static void
formatProperties(const EmulatedPCIDef *def,
                 const char *prefix,
                 const char *lineBreak,
                 GString *buf)
{
    QEMUProps props = {
        .fields = def->fields,
        .definition = def->definition,
        .driver = def->driver,
    };

    memcpy(props.given, def->given, sizeof(props.given));
    qemuPropsOverrideFormat(&props, prefix, lineBreak, buf);
}


/* Appends the overrides of all devices, each begun by a line break of STYLE.
 * PREFIX ends in a colon or is "". */
static void
formatOverrideDevices(const Lowering *lowering,
                      const char *prefix,
                      const ProjectionStyle *style,
                      unsigned int depth,
                      GString *buf)
{
    g_autofree char *atDevice = projectionStyleBreak(style, depth);
    g_autofree char *atFrontend = projectionStyleBreak(style, depth + 1);
    g_autofree char *atProperty = projectionStyleBreak(style, depth + 2);
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    guint i;

    for (i = 0; i < lowering->defs->len; i++)
        g_ptr_array_add(sorted, g_ptr_array_index(lowering->defs, i));
    g_ptr_array_sort(sorted, compareIndex);

    for (i = 0; i < sorted->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(sorted, i);

        g_string_append_printf(buf, "%s<%sdevice alias='%s'>", atDevice, prefix, def->alias);
        g_string_append_printf(buf, "%s<%sfrontend>", atFrontend, prefix);
        formatProperties(def, prefix, atProperty, buf);
        g_string_append_printf(buf, "%s</%sfrontend>", atFrontend, prefix);
        g_string_append_printf(buf, "%s</%sdevice>", atDevice, prefix);
    }
}


/* A whole <qemu:override>; ATTRS stands in its start tag. */
static void
formatOverride(const Lowering *lowering,
               const char *prefix,
               const char *attrs,
               const ProjectionStyle *style,
               GString *buf)
{
    g_autofree char *after = projectionStyleBreak(style, 0);

    g_string_append_printf(buf, "<%soverride%s>", prefix, attrs);
    formatOverrideDevices(lowering, prefix, style, 1, buf);
    g_string_append_printf(buf, "%s</%soverride>", after, prefix);
}


static char *
formatDeclaration(const char *prefix)
{
    return g_strdup_printf(" xmlns:%s='%s'", prefix, PROJECTION_QEMU_NAMESPACE);
}


/* --- the edits */

static void
lowerDevices(Lowering *lowering)
{
    const ProjectionDocument *doc = lowering->doc;
    guint i;

    for (i = 0; i < lowering->defs->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(lowering->domain->emulated, i);
        g_auto(ProjectionStyle) style = { 0 };

        projectionStyleAt(doc->text, doc->begin, emulated->where.start, emulated->where.end, &style);
        formatController(g_ptr_array_index(lowering->defs, i), lowering->domain->hasVirtioMMIO,
                         &style,
                         projectionEditsBegin(lowering->edits, emulated->where.start,
                                              emulated->where.end));
        projectionEditsEnd(lowering->edits);
    }
}


/* Our devices go to the end of the user's OVERRIDE. */
static void
lowerIntoOverride(Lowering *lowering,
                  const ProjectionOverride *override)
{
    const ProjectionDocument *doc = lowering->doc;
    const ProjectionElement *where = &override->where;
    g_autofree char *prefix = override->prefix ? g_strdup_printf("%s:", override->prefix) : g_strdup("");
    g_autofree char *after = NULL;
    GString *buf;
    g_auto(ProjectionStyle) style = { 0 };
    unsigned int depth = 1;
    gsize pos;

    if (where->endTag == where->end) {
        /* <qemu:override/> gets an end tag. */
        projectionStyleAt(doc->text, doc->begin, where->start, where->end, &style);
        after = projectionStyleBreak(&style, 0);
        pos = projectionSkipBlank(doc->text, where->end - strlen("/>"));
        buf = projectionEditsBegin(lowering->edits, pos, where->end);
        g_string_append_c(buf, '>');
        formatOverrideDevices(lowering, prefix, &style, depth, buf);
        g_string_append_printf(buf, "%s</%soverride>", after, prefix);
        projectionEditsEnd(lowering->edits);
        return;
    }

    pos = projectionSkipBlank(doc->text, where->endTag);
    if (override->devices->len > 0) {
        const ProjectionOverrideDevice *last =
            g_ptr_array_index(override->devices, override->devices->len - 1);

        projectionStyleAt(doc->text, doc->begin, last->where.start, last->where.end, &style);
        depth = 0;
    } else {
        projectionStyleAt(doc->text, doc->begin, where->start, where->end, &style);
    }
    if (where->tagEnd < where->endTag &&
        *projectionFindNewline(doc->text, pos, where->endTag) == '\0')
        style.newline = "";

    buf = projectionEditsBegin(lowering->edits, pos, pos);
    formatOverrideDevices(lowering, prefix, &style, depth, buf);
    if (where->tagEnd == where->endTag) {
        after = projectionStyleBreak(&style, 0);
        g_string_append(buf, after);
    }
    projectionEditsEnd(lowering->edits);
}


/* A new override becomes the domain's last child, but stays before libvirt's
 * <qemu:deprecation>, as libvirt itself prints it. */
static void
lowerNewOverride(Lowering *lowering)
{
    const ProjectionDocument *doc = lowering->doc;
    const ProjectionDomain *domain = lowering->domain;
    const ProjectionElement *last = &domain->lastChild;
    g_autofree char *name = g_strdup(domain->boundPrefix);
    g_autofree char *own = NULL;
    g_autofree char *prefix = NULL;
    g_autofree char *before = NULL;
    g_auto(ProjectionStyle) style = { 0 };
    GString *buf;
    gsize end = domain->where.endTag;
    gsize pos = projectionSkipBlank(doc->text, end);

    if (!name) {
        g_autofree char *declaration = NULL;
        gsize tagEnd = projectionSkipBlank(doc->text, domain->where.tagEnd - 1);

        name = projectionFreePrefix(domain);
        declaration = formatDeclaration(name);
        projectionEditsAdd(lowering->edits, tagEnd, tagEnd, declaration);
    } else if (projectionOwnsDeclaration(domain) && domain->ownPrefixUses == 0) {
        /* Nothing uses the declaration that is there. If our override did, lifting would
         * take it for one that lowering has made. */
        own = formatDeclaration(name);
    }
    prefix = g_strdup_printf("%s:", name);

    if (domain->lastIsDeprecation && pos == last->end) {
        end = last->start;
        pos = projectionSkipBlank(doc->text, end);
    }

    projectionStyleAt(doc->text, doc->begin, last->start, last->end, &style);
    if (*projectionFindNewline(doc->text, pos, end) == '\0') {
        style.newline = "";
    } else if (*style.newline == '\0') {
        projectionStyleClear(&style);
        projectionStyleAt(doc->text, doc->begin, domain->where.start, domain->where.end, &style);
        style.newline = projectionFindNewline(doc->text, pos, end);
    }

    before = projectionStyleBreak(&style, 0);
    buf = projectionEditsBegin(lowering->edits, pos, pos);
    g_string_append(buf, before);
    formatOverride(lowering, prefix, own ? own : "", &style, buf);
    projectionEditsEnd(lowering->edits);
}


/* Adds the <emulator> that libvirt would choose if the domain has none. */
static void
lowerNewEmulator(Lowering *lowering,
                 const char *element)
{
    const ProjectionDocument *doc = lowering->doc;
    const ProjectionEmulated *first = g_ptr_array_index(lowering->domain->emulated, 0);
    gsize pos = first->devicesTagEnd;
    gsize next = pos;
    g_autofree char *lineBreak = NULL;
    g_autofree char *text = NULL;
    g_auto(ProjectionStyle) style = { 0 };

    while (next < doc->len && memchr(" \t\r\n", doc->text[next], 4))
        next++;
    projectionStyleAt(doc->text, doc->begin, next, next, &style);
    if (*projectionFindNewline(doc->text, pos, next) == '\0')
        style.newline = "";
    lineBreak = projectionStyleBreak(&style, 0);
    text = g_strconcat(lineBreak, element, NULL);
    projectionEditsAdd(lowering->edits, pos, pos, text);
}


static gboolean
lowerEmulator(Lowering *lowering,
              GError **err)
{
    const ProjectionDomain *domain = lowering->domain;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *element = NULL;

    if (domain->emulator && strchr(domain->emulator->str, PROJECTION_ENTITY))
        return reportEntity("emulator", err);

    if (!lowering->qemu) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices require an <%1$s>, because the architecture "
                                 "of the domain is unknown"), "emulator");
        return FALSE;
    }
    if (!lowering->launcher) {
        g_autofree char *shown = g_utf8_make_valid(lowering->qemu,
                                                   MIN(strlen(lowering->qemu), 200));

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("unsupported <%1$s> '%2$s' in a domain with emulated PCI devices: "
                                 "the absolute path of a QEMU program is required"),
                               "emulator", shown);
        return FALSE;
    }
    if (lowering->opts && lowering->opts->launcher &&
        !lowering->opts->launcher(lowering->qemu, lowering->launcher,
                                  lowering->opts->launcherOpaque, err))
        return FALSE;
    if (domain->emulator && strcmp(domain->emulator->str, lowering->launcher) == 0)
        return TRUE;

    emulatedPCIFormatText(lowering->launcher, text);
    element = g_strdup_printf("<emulator>%s</emulator>", text->str);
    if (!domain->emulator)
        lowerNewEmulator(lowering, element);
    else if (domain->emulator->len == 0)
        projectionEditsAdd(lowering->edits, domain->emulatorWhere.start,
                           domain->emulatorWhere.end, element);
    else
        projectionEditsAdd(lowering->edits, domain->emulatorWhere.tagEnd,
                           domain->emulatorWhere.endTag, text->str);
    return TRUE;
}


/* A single device: its override follows. */
static void
lowerSingle(Lowering *lowering)
{
    const ProjectionDocument *doc = lowering->doc;
    const ProjectionEmulated *emulated = g_ptr_array_index(lowering->domain->emulated, 0);
    g_autofree char *declaration = formatDeclaration("qemu");
    g_autofree char *before = NULL;
    g_auto(ProjectionStyle) style = { 0 };
    GString *buf;

    lowerDevices(lowering);
    projectionStyleAt(doc->text, doc->begin, emulated->where.start, emulated->where.end, &style);
    before = projectionStyleBreak(&style, 0);
    buf = projectionEditsBegin(lowering->edits, emulated->where.end, emulated->where.end);
    g_string_append(buf, before);
    formatOverride(lowering, "qemu:", declaration, &style, buf);
    projectionEditsEnd(lowering->edits);
}


/* libvirt prints only one of several overrides, and lifting could not distinguish an empty one
 * of the user from one that lowering added. */
static gboolean
checkOverrides(Lowering *lowering,
               GError **err)
{
    const GPtrArray *overrides = lowering->domain->overrides;
    guint i;

    for (i = 0; i < overrides->len && overrides->len > 1; i++) {
        const ProjectionOverride *override = g_ptr_array_index(overrides, i);

        if (projectionSkipBlank(lowering->doc->text, override->where.endTag) >
            override->where.tagEnd)
            continue;
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("more than one <%1$s> in a domain with emulated PCI devices, and "
                                 "one of them is empty: it must be removed"), "qemu:override");
        return FALSE;
    }
    return TRUE;
}


static gboolean
lowerDomain(Lowering *lowering,
            GError **err)
{
    const GPtrArray *overrides = lowering->domain->overrides;

    projectionDomainFindEmulator(lowering->domain, lowering->opts, &lowering->qemu,
                                 &lowering->launcher);
    if (!projectionDomainCheck(lowering->domain, lowering->opts, lowering->launcher, err) ||
        !readDefs(lowering, err) ||
        !checkOverrides(lowering, err) ||
        !joinFunctions(lowering, err) ||
        !validateDefs(lowering, err) ||
        !checkPlaces(lowering, err) ||
        !checkDrivers(lowering, err) ||
        !assignDefs(lowering, err))
        return FALSE;

    if (lowering->domain->isDevice) {
        lowerSingle(lowering);
        return TRUE;
    }

    lowerDevices(lowering);
    if (overrides->len > 0)
        lowerIntoOverride(lowering, g_ptr_array_index(overrides, overrides->len - 1));
    else
        lowerNewOverride(lowering);
    return lowerEmulator(lowering, err);
}


static ProjectionResult
lowerDocument(const char *xml,
              gsize len,
              const ProjectionOptions *opts,
              char **out,
              gsize *outlen,
              GError **err)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autoptr(ProjectionEdits) edits = NULL;
    EmulatedPCIXMLFacts facts;
    guint i;

    if (!memmem(xml, len, LOWER_WORD, strlen(LOWER_WORD)))
        return PROJECTION_UNCHANGED;
    emulatedPCIXMLLook(xml, len, LOWER_ELEMENT, &facts);
    if (!facts.hasElement)
        return PROJECTION_UNCHANGED;
    if (!emulatedPCIXMLAccept(xml, &facts, err) ||
        !(doc = projectionScanAccepted(xml, len, err)))
        return PROJECTION_ERROR;

    if (doc->misplaced) {
        g_autofree char *message = projectionDescribeMisplaced(doc);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s", message);
        return PROJECTION_ERROR;
    }

    edits = projectionEditsNew();
    for (i = 0; i < doc->domains->len; i++) {
        g_autoptr(GPtrArray) defs = g_ptr_array_new_with_free_func(defFree);
        Lowering lowering = {
            .doc = doc,
            .opts = opts,
            .domain = g_ptr_array_index(doc->domains, i),
            .defs = defs,
            .edits = edits,
        };
        gboolean ok;

        if (lowering.domain->emulated->len == 0)
            continue;
        if (doc->encoding) {
            projectionReportEncoding(doc->encoding, err);
            return PROJECTION_ERROR;
        }
        ok = lowerDomain(&lowering, err);
        g_free(lowering.qemu);
        g_free(lowering.launcher);
        if (!ok)
            return PROJECTION_ERROR;
    }

    if (projectionEditsIsEmpty(edits))
        return PROJECTION_UNCHANGED;

    *out = projectionEditsApply(edits, xml, len, outlen);
    if (!*out) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("changes of an XML document overlap"));
        return PROJECTION_ERROR;
    }
    return PROJECTION_CHANGED;
}


ProjectionResult
projectionLower(const char *xml,
                gsize len,
                const ProjectionOptions *opts,
                char **out,
                gsize *outlen,
                GError **err)
{
    ProjectionResult result = lowerDocument(xml, len, opts, out, outlen, err);
    g_autofree char *encoding = NULL;

    /* libvirt may decode a document differently in which no element was found. */
    if (result != PROJECTION_UNCHANGED)
        return result;
    if (projectionWideContains(xml, len, LOWER_WORD))
        encoding = g_strdup("UTF-16");
    else
        encoding = projectionForeignContains(xml, len, LOWER_ELEMENT);
    if (!encoding)
        return PROJECTION_UNCHANGED;

    projectionReportEncoding(encoding, err);
    return PROJECTION_ERROR;
}
