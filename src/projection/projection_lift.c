/*
 * projection_lift.c: conversion of stock libvirt's XML to the user's XML
 *
 * Elements that differ from the output of lowering, and from libvirt's format of it, belong to the
 * user and are unchanged.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection.h"

#include "emulatedpci_conf.h"
#include "emulatedpci_xml_limits.h"
#include "projection_domain.h"
#include "projection_edit.h"
#include "projection_encoding.h"
#include "projection_scan.h"
#include "projection_style.h"
#include "qemu_launcher_path.h"
#include "qemu_props_alias.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* Every document with a lowered device contains this word: libvirt does not write character
 * references for its characters. */
#define LIFT_WORD QEMU_EMULATED_PCI_DRIVER

/* A device that is lifted */
typedef struct {
    const ProjectionController *controller;
    const ProjectionOverrideDevice *device;     /* NULL: the alias contains the properties */
    EmulatedPCIDef *def;
} Lifted;

typedef struct {
    const ProjectionDocument *doc;
    const ProjectionOptions *opts;
    const ProjectionDomain *domain;
    GArray *list;               /* of Lifted, in the document's order */
    GPtrArray *detached;        /* of ProjectionOverrideDevice, whose devices were detached */
    ProjectionEdits *edits;
} Lifting;


static void
liftedClear(void *opaque)
{
    Lifted *lifted = opaque;

    emulatedPCIDefFree(lifted->def);
}


/* --- which ones */

/* alias -> the override's device, for those written by lowering; devices with the same alias are
 * not included */
static GHashTable *
findOverrideDevices(const ProjectionDomain *domain)
{
    GHashTable *devices = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer value;
    guint i;
    guint j;

    for (i = 0; i < domain->overrides->len; i++) {
        const ProjectionOverride *override = g_ptr_array_index(domain->overrides, i);

        for (j = 0; j < override->devices->len; j++) {
            ProjectionOverrideDevice *device = g_ptr_array_index(override->devices, j);
            gboolean ours = device->plain && qemuPropsOverrideIsComplete(&device->props);

            if (!device->alias)
                continue;
            if (g_hash_table_contains(devices, device->alias))
                ours = FALSE;
            g_hash_table_replace(devices, device->alias, ours ? device : NULL);
        }
    }

    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (!value)
            g_hash_table_iter_remove(&iter);
    }
    return devices;
}


static EmulatedPCIDef *
makeDef(const ProjectionController *controller,
        gboolean hasVirtioMMIO,
        const QEMUPropsOverride *props)
{
    EmulatedPCIDef *def = emulatedPCIDefNew();
    int i;

    def->fields = props->fields;
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
        def->given[i] = qemuPropsOverrideHasField(props, i);
    def->alias = g_strdup(controller->alias);
    if (*props->definition)
        def->definition = g_strdup(props->definition);
    if (props->driver)
        def->driver = emulatedPCIDriverCopy(props->driver);

    /* Lowering writes an address without numbers beside virtio-mmio devices. */
    def->hasAddress = controller->hasAddress &&
        (!hasVirtioMMIO || controller->address.domain >= 0 || controller->address.bus >= 0 ||
         controller->address.slot >= 0 || controller->address.multifunction >= 0);
    if (def->hasAddress) {
        def->domain = controller->address.domain;
        def->bus = controller->address.bus;
        def->slot = controller->address.slot;
        def->function = controller->address.function;
        def->multifunction = controller->address.multifunction;
    }
    return def;
}


/* The indexes that SCSI controllers have, and those that several have. */
static void
noteIndexes(const ProjectionDomain *domain,
            ProjectionIndexes *taken,
            ProjectionIndexes *shared)
{
    guint i;

    for (i = 0; i < domain->indexes->len; i++) {
        const int index = g_array_index(domain->indexes, int, i);

        if (projectionIndexesHas(taken, index))
            projectionIndexesSet(shared, index, TRUE);
        projectionIndexesSet(taken, index, TRUE);
    }
}


/* Finds the overrides of devices that were detached. */
static void
findDetached(Lifting *lifting,
             GHashTable *devices)
{
    GHashTableIter iter;
    gpointer alias;
    gpointer device;

    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &alias, &device)) {
        if (!g_hash_table_contains(lifting->domain->aliases, alias))
            g_ptr_array_add(lifting->detached, device);
    }
}


/* Reports an emulated device that libvirt has put on another bus: QEMU would get it without an
 * address, and it would not be at the address in the domain. Returns FALSE. */
static gboolean
reportOtherBus(const ProjectionController *controller,
               const ProjectionOverrideDevice *device,
               GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("emulated PCI device '%1$s', alias '%2$s', has an address of type "
                             "'%3$s' and is not on a PCI bus: remove the <address> of its "
                             "<controller>, or change it to <address type='pci'/>"),
                           device->props.fields.devicename, controller->alias,
                           controller->otherAddress);
    return FALSE;
}


/* Returns the device of CONTROLLER if it was attached to a running domain, or NULL. */
static EmulatedPCIDef *
makeLiveDef(const ProjectionController *controller,
            const ProjectionDomain *domain)
{
    QEMUPropsOverride props;
    EmulatedPCIDef *def = NULL;

    if (controller->plain && qemuPropsAliasRead(controller->alias, &props)) {
        def = makeDef(controller, domain->hasVirtioMMIO, &props);
        g_free(def->alias);
        def->alias = qemuPropsAliasGetName(controller->alias);
        /* There is no alias, or one that users cannot write, which belongs to another device. */
        if (g_hash_table_contains(domain->aliases, def->alias))
            g_clear_pointer(&def, emulatedPCIDefFree);
    }
    qemuPropsOverrideClear(&props);
    return def;
}


static gboolean
findDevices(Lifting *lifting,
            GError **err)
{
    const ProjectionDomain *domain = lifting->domain;
    g_autoptr(GHashTable) devices = findOverrideDevices(domain);
    ProjectionIndexes taken = { 0 };
    ProjectionIndexes shared = { 0 };
    guint i;

    noteIndexes(domain, &taken, &shared);

    for (i = 0; i < domain->controllers->len; i++) {
        const ProjectionController *controller = g_ptr_array_index(domain->controllers, i);
        Lifted lifted = { .controller = controller };
        gpointer users;

        if (!controller->alias || (!controller->plain && !controller->otherAddress) ||
            projectionIndexesHas(&shared, controller->index))
            continue;
        users = g_hash_table_lookup(domain->aliases, controller->alias);
        if (GPOINTER_TO_UINT(users) != 1)
            continue;
        lifted.device = g_hash_table_lookup(devices, controller->alias);
        if (!lifted.device && !qemuPropsAliasIsMarked(controller->alias))
            continue;
        if (lifted.device && controller->otherAddress)
            return reportOtherBus(controller, lifted.device, err);

        lifted.def = lifted.device ?
            makeDef(controller, domain->hasVirtioMMIO, &lifted.device->props) :
            makeLiveDef(controller, domain);
        if (!lifted.def)
            continue;
        if (emulatedPCIDefValidate(lifted.def, NULL))
            g_array_append_val(lifting->list, lifted);
        else
            emulatedPCIDefFree(lifted.def);
    }

    if (lifting->opts && lifting->opts->hideDetached && domain->isLive)
        findDetached(lifting, devices);
    return TRUE;
}


/* --- indexes */

/* Sets the attribute index of the devices to which lowering would not assign this index: see
 * projectionAssign(). */
static void
chooseIndexes(Lifting *lifting)
{
    const gboolean isMixed = lifting->domain->emulated->len > 0;
    ProjectionIndexes taken = { 0 };
    ProjectionIndexes shared = { 0 };
    int lowest = 0;
    guint i;

    noteIndexes(lifting->domain, &taken, &shared);

    /* Devices that are not lifted, and devices whose alias contains the index, already have an
     * index. */
    for (i = 0; i < lifting->list->len; i++) {
        const Lifted *lifted = &g_array_index(lifting->list, Lifted, i);

        projectionIndexesSet(&taken, lifted->controller->index,
                             projectionAliasNumber(lifted->def->alias) ==
                             lifted->controller->index);
    }

    for (i = 0; i < lifting->list->len; i++) {
        Lifted *lifted = &g_array_index(lifting->list, Lifted, i);
        const int index = lifted->controller->index;
        int number = projectionAliasNumber(lifted->def->alias);

        if (number == index)
            continue;

        while (projectionIndexesHas(&taken, lowest))
            lowest++;
        /* If there are devices that are not lowered yet, they can get indexes between these. */
        if (number >= 0 || isMixed || lowest != index)
            lifted->def->index = index;
        projectionIndexesSet(&taken, index, TRUE);
    }
}


/* --- the edits */

static void
liftDevices(Lifting *lifting)
{
    const ProjectionDocument *doc = lifting->doc;
    guint i;

    for (i = 0; i < lifting->list->len; i++) {
        const Lifted *lifted = &g_array_index(lifting->list, Lifted, i);
        const ProjectionElement *where = &lifted->controller->where;
        g_auto(ProjectionStyle) style = { 0 };

        projectionStyleAt(doc->text, doc->begin, where->start, where->end, &style);
        emulatedPCIDefFormat(lifted->def, style.indent, style.newline,
                             projectionEditsBegin(lifting->edits, where->start, where->end));
        projectionEditsEnd(lifting->edits);
    }
}


static void
removeElement(Lifting *lifting,
              const ProjectionElement *where)
{
    projectionEditsAdd(lifting->edits, projectionSkipBreak(lifting->doc->text, where->start),
                       where->end, "");
}


/* Returns whether OVERRIDE is empty without the lifted devices. */
static gboolean
isLeftEmpty(Lifting *lifting,
            const ProjectionOverride *override,
            GHashTable *ours)
{
    const char *text = lifting->doc->text;
    gsize pos = override->where.tagEnd;
    guint i;

    if (override->hasAttributes)
        return FALSE;

    for (i = 0; i < override->devices->len; i++) {
        const ProjectionOverrideDevice *device = g_ptr_array_index(override->devices, i);

        if (!g_hash_table_contains(ours, device) ||
            projectionSkipBlank(text, device->where.start) > pos)
            return FALSE;
        pos = device->where.end;
    }
    return projectionSkipBlank(text, override->where.endTag) <= pos;
}


/* Lowering does not accept an empty override beside another: see checkOverrides() in
 * projection_lower.c. */
static gboolean
hasEmptyOverride(Lifting *lifting)
{
    const GPtrArray *overrides = lifting->domain->overrides;
    guint i;

    for (i = 0; i < overrides->len && overrides->len > 1; i++) {
        const ProjectionOverride *override = g_ptr_array_index(overrides, i);

        if (projectionSkipBlank(lifting->doc->text, override->where.endTag) <=
            override->where.tagEnd)
            return TRUE;
    }
    return FALSE;
}


/* Removes the lifted devices from OVERRIDE, or all of it if it becomes empty, because libvirt does
 * not write empty ones. Returns the number of removed uses of the domain's own prefix. */
static guint
liftOverride(Lifting *lifting,
             const ProjectionOverride *override,
             GHashTable *ours)
{
    const gboolean isEmpty = isLeftEmpty(lifting, override, ours);
    guint uses = isEmpty ? override->prefixUses : 0;
    guint i;

    if (isEmpty)
        removeElement(lifting, &override->where);

    for (i = 0; i < override->devices->len; i++) {
        const ProjectionOverrideDevice *device = g_ptr_array_index(override->devices, i);

        if (!g_hash_table_contains(ours, device))
            continue;
        uses += device->prefixUses;
        if (!isEmpty)
            removeElement(lifting, &device->where);
    }
    return uses;
}


/* Removes the declaration of the QEMU namespace if lowering would add the same one. */
static void
liftDeclaration(Lifting *lifting,
                guint removedUses)
{
    const ProjectionDomain *domain = lifting->domain;
    gsize end;
    gsize len;

    if (!projectionOwnsDeclaration(domain) || removedUses == 0 ||
        domain->ownPrefixUses != removedUses)
        return;

    end = projectionSkipBlank(lifting->doc->text, domain->where.tagEnd - 1);
    len = strlen(" xmlns:=''") + strlen(domain->ownPrefix) + strlen(PROJECTION_QEMU_NAMESPACE);
    projectionEditsAdd(lifting->edits, end - len, end, "");
}


/* Returns the set of ProjectionOverrideDevice that are removed. */
static GHashTable *
findOurs(Lifting *lifting)
{
    GHashTable *ours = g_hash_table_new(NULL, NULL);
    guint i;

    for (i = 0; i < lifting->list->len; i++) {
        const Lifted *lifted = &g_array_index(lifting->list, Lifted, i);

        if (lifted->device)
            g_hash_table_add(ours, (void *) lifted->device);
    }
    for (i = 0; i < lifting->detached->len; i++)
        g_hash_table_add(ours, g_ptr_array_index(lifting->detached, i));
    return ours;
}


static void
liftOverrides(Lifting *lifting,
              GHashTable *ours)
{
    guint uses = 0;
    guint i;

    for (i = 0; i < lifting->domain->overrides->len; i++)
        uses += liftOverride(lifting, g_ptr_array_index(lifting->domain->overrides, i), ours);
    liftDeclaration(lifting, uses);
}


/* Replaces the launcher by the QEMU that it represents. Other paths, and paths with entity
 * references, are kept. */
static void
liftEmulator(Lifting *lifting)
{
    const ProjectionDomain *domain = lifting->domain;
    const char *launchDir = lifting->opts ? lifting->opts->launchDir : NULL;
    const char *qemuDir = lifting->opts ? lifting->opts->qemuDir : NULL;
    g_autofree char *qemu = NULL;
    g_autofree char *launcher = NULL;

    if (!domain->emulator || strchr(domain->emulator->str, PROJECTION_ENTITY))
        return;
    qemu = qemuLauncherPathToQEMU(launchDir, qemuDir, domain->emulator->str);
    if (!qemu)
        return;

    /* The link to a launcher's link is kept. */
    launcher = qemuLauncherPathToQEMU(launchDir, qemuDir, qemu);
    if (launcher)
        return;

    emulatedPCIFormatText(qemu, projectionEditsBegin(lifting->edits,
                                                     domain->emulatorWhere.tagEnd,
                                                     domain->emulatorWhere.endTag));
    projectionEditsEnd(lifting->edits);
}


/* Returns whether the document consists of the two elements of a lowered device, so that it is
 * lifted to one element. */
static gboolean
isWholeDevice(Lifting *lifting)
{
    const ProjectionDomain *domain = lifting->domain;
    const char *text = lifting->doc->text;
    const ProjectionOverride *override;
    const ProjectionOverrideDevice *device;

    if (domain->hasOthers || domain->indexes->len != 1 || domain->overrides->len != 1)
        return FALSE;
    override = g_ptr_array_index(domain->overrides, 0);
    if (override->hasAttributes || override->devices->len != 1)
        return FALSE;
    device = g_ptr_array_index(override->devices, 0);
    return projectionSkipBlank(text, device->where.start) <= override->where.tagEnd &&
        projectionSkipBlank(text, override->where.endTag) <= device->where.end;
}


static gboolean
liftDomain(Lifting *lifting,
           GError **err)
{
    g_autoptr(GHashTable) ours = NULL;

    if (!findDevices(lifting, err))
        return FALSE;
    ours = findOurs(lifting);
    if ((g_hash_table_size(ours) == 0 && lifting->list->len == 0) ||
        (lifting->domain->isDevice && !isWholeDevice(lifting)) ||
        hasEmptyOverride(lifting))
        return TRUE;

    liftEmulator(lifting);
    chooseIndexes(lifting);
    liftDevices(lifting);
    liftOverrides(lifting, ours);
    return TRUE;
}


ProjectionResult
projectionLift(const char *xml,
               gsize len,
               const ProjectionOptions *opts,
               char **out,
               gsize *outlen,
               GError **err)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autoptr(ProjectionEdits) edits = NULL;
    EmulatedPCIXMLFacts facts;
    const char *word = LIFT_WORD;
    guint i;

    if (!memmem(xml, len, word, strlen(word))) {
        word = QEMU_PROPS_ALIAS_MARKER;
        if (!memmem(xml, len, word, strlen(word)))
            return PROJECTION_UNCHANGED;
    }

    /* Nothing that was lowered has a document type declaration. */
    emulatedPCIXMLLook(xml, len, word, &facts);
    if (facts.hasDoctype)
        return PROJECTION_UNCHANGED;
    if (!emulatedPCIXMLAccept(xml, &facts, err) ||
        !(doc = projectionScanAccepted(xml, len, err)))
        return PROJECTION_ERROR;

    edits = projectionEditsNew();
    for (i = 0; i < doc->domains->len; i++) {
        g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Lifted));
        g_autoptr(GPtrArray) detached = g_ptr_array_new();
        Lifting lifting = {
            .doc = doc,
            .opts = opts,
            .domain = g_ptr_array_index(doc->domains, i),
            .list = list,
            .detached = detached,
            .edits = edits,
        };

        g_array_set_clear_func(list, liftedClear);
        if (!liftDomain(&lifting, err))
            return PROJECTION_ERROR;
    }

    if (projectionEditsIsEmpty(edits))
        return PROJECTION_UNCHANGED;
    if (doc->encoding) {
        projectionReportEncoding(doc->encoding, err);
        return PROJECTION_ERROR;
    }

    *out = projectionEditsApply(edits, xml, len, outlen);
    if (!*out) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("changes of an XML document overlap"));
        return PROJECTION_ERROR;
    }
    return PROJECTION_CHANGED;
}
