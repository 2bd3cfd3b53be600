/*
 * projection_lower_emulator.c: makes the launcher the <emulator> of a domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_lower_private.h"
#include "projection_style.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)


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


gboolean
lowerEmulator(Lowering *lowering,
              GError **err)
{
    const ProjectionDomain *domain = lowering->domain;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *element = NULL;

    if (domain->emulator && strchr(domain->emulator->str, PROJECTION_ENTITY))
        return lowerReportEntity("emulator", err);

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
