/*
 * projection_lower_edits.c: writes the controllers and the <qemu:override> of the devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_lower_private.h"
#include "projection_domain.h"
#include "projection_style.h"
#include "qemu_props_override.h"

#include <string.h>


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


/* Appends a complete <qemu:override>, with ATTRS in its start tag. */
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


void
lowerDevices(Lowering *lowering)
{
    const ProjectionDocument *doc = lowering->doc;
    guint i;

    for (i = 0; i < lowering->defs->len; i++) {
        const ProjectionEmulated *emulated = g_ptr_array_index(lowering->domain->emulated, i);
        g_auto(ProjectionStyle) style = { 0 };

        projectionStyleAt(doc->text, doc->begin, emulated->where.start, emulated->where.end,
                          &style);
        formatController(g_ptr_array_index(lowering->defs, i), lowering->domain->hasVirtioMMIO,
                         &style,
                         projectionEditsBegin(lowering->edits, emulated->where.start,
                                              emulated->where.end));
        projectionEditsEnd(lowering->edits);
    }
}


void
lowerIntoOverride(Lowering *lowering,
                  const ProjectionOverride *override)
{
    const ProjectionDocument *doc = lowering->doc;
    const ProjectionElement *where = &override->where;
    g_autofree char *prefix = override->prefix ? g_strdup_printf("%s:", override->prefix) :
        g_strdup("");
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


void
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
        /* The existing declaration is not used. If the new override used it, lifting would assume
         * that lowering has added the declaration. */
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


void
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
