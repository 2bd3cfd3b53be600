/*
 * projection_lower.c: converts the user's XML to XML of a stock libvirt
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_lower_private.h"
#include "emulatedpci_xml_limits.h"
#include "projection_domain.h"
#include "projection_encoding.h"
#include "projection_scan.h"
#include "projection_style.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* Every document with an <emulatedpci> contains this word: an element without a namespace has no
 * prefix, and no character can follow its '<'. */
#define LOWER_ELEMENT "emulatedpci"
#define LOWER_WORD "<" LOWER_ELEMENT


static void
defFree(void *def)
{
    emulatedPCIDefFree(def);
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
        !lowerReadDefs(lowering, err) ||
        !checkOverrides(lowering, err) ||
        !lowerJoinFunctions(lowering, err) ||
        !lowerValidateDefs(lowering, err) ||
        !lowerCheckPlaces(lowering, err) ||
        !lowerCheckDrivers(lowering, err) ||
        !lowerAssignDefs(lowering, err))
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
