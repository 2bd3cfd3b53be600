/*
 * device_edit.c: one emulated PCI device in a domain's XML
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_edit.h"
#include "emulatedpci_error.h"
#include "projection_scan.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* How libvirt indents a device, and ends the list of them. */
#define DEVICE_INDENT "    "
#define DEVICE_LIST_END "\n  </devices>"

typedef enum {
    MATCH_ALIAS,
    MATCH_ADDRESS,
    MATCH_FIELDS,
    MATCH_NAME,
} DeviceMatch;


static gboolean
deviceMatches(const EmulatedPCIDef *have, const EmulatedPCIDef *want, DeviceMatch match)
{
    int i;

    switch (match) {
    case MATCH_ALIAS:
        return g_strcmp0(have->alias, want->alias) == 0;
    case MATCH_ADDRESS:
        return have->hasAddress &&
            MAX(have->domain, 0) == MAX(want->domain, 0) &&
            MAX(have->bus, 0) == MAX(want->bus, 0) &&
            MAX(have->slot, 0) == MAX(want->slot, 0) &&
            MAX(have->function, 0) == MAX(want->function, 0);
    case MATCH_FIELDS:
        for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
            if (want->given[i] && have->value[i] != want->value[i])
                return FALSE;
        }
        return strcmp(have->devicename, want->devicename) == 0;
    case MATCH_NAME:
        return strcmp(have->devicename, want->devicename) == 0;
    default:
        g_return_val_if_reached(FALSE);
    }
}


/* The only device of DOMAIN that WANT matches; HAVE gets its definition. */
static const ProjectionEmulated *
deviceFind(const ProjectionDomain *domain,
           const EmulatedPCIDef *want,
           DeviceMatch match,
           EmulatedPCIDef **have,
           GError **err)
{
    const ProjectionEmulated *found = NULL;
    guint i;

    for (i = 0; i < domain->emulated->len; i++) {
        const ProjectionEmulated *device = g_ptr_array_index(domain->emulated, i);
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(device->node, err);

        if (!def)
            return NULL;
        if (!deviceMatches(def, want, match))
            continue;
        if (found) {
            emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                                   _("several emulated PCI devices match '%1$s'; give the "
                                     "device's <alias> or <address>"), want->devicename);
            return NULL;
        }
        found = device;
        g_clear_pointer(have, emulatedPCIDefFree);
        *have = g_steal_pointer(&def);
    }

    if (!found) {
        emulatedPCIReportError(err, VIR_ERR_DEVICE_MISSING,
                               _("no emulated PCI device matches '%1$s'"),
                               match == MATCH_ALIAS ? want->alias : want->devicename);
    }
    return found;
}


static DeviceMatch
deviceHowToMatch(const EmulatedPCIDef *want, DeviceOperation op)
{
    if (want->alias)
        return MATCH_ALIAS;
    if (want->hasAddress)
        return MATCH_ADDRESS;
    return op == DEVICE_UPDATE ? MATCH_NAME : MATCH_FIELDS;
}


/* The domain in the document, or NULL with ERR set. */
static const ProjectionDomain *
deviceScan(const char *xml, ProjectionDocument **doc, GError **err)
{
    *doc = projectionScan(xml, strlen(xml), err);
    if (!*doc)
        return NULL;

    if ((*doc)->domains->len != 1) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, "%s",
                               _("libvirt's XML of the domain holds no single domain"));
        return NULL;
    }
    return g_ptr_array_index((*doc)->domains, 0);
}


static char *
deviceInsert(const char *xml, const EmulatedPCIDef *def, GError **err)
{
    g_autoptr(GString) result = NULL;
    const char *end = g_strrstr(xml, DEVICE_LIST_END);

    if (!end) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, "%s",
                               _("libvirt's XML of the domain has no list of devices"));
        return NULL;
    }

    result = g_string_new_len(xml, end - xml);
    g_string_append(result, "\n" DEVICE_INDENT);
    emulatedPCIDefFormat(def, DEVICE_INDENT, "\n", result);
    g_string_append(result, end);
    return g_string_free(g_steal_pointer(&result), FALSE);
}


static char *
deviceRemove(const char *xml, const ProjectionElement *where)
{
    gsize start = where->start;
    g_autoptr(GString) result = NULL;

    while (start > 0 && (xml[start - 1] == ' ' || xml[start - 1] == '\t'))
        start--;
    if (start > 0 && xml[start - 1] == '\n')
        start--;

    result = g_string_new_len(xml, start);
    g_string_append(result, xml + where->end);
    return g_string_free(g_steal_pointer(&result), FALSE);
}


static char *
deviceReplace(const char *xml, const ProjectionElement *where, const EmulatedPCIDef *def)
{
    g_autoptr(GString) result = g_string_new_len(xml, where->start);

    emulatedPCIDefFormat(def, DEVICE_INDENT, "\n", result);
    g_string_append(result, xml + where->end);
    return g_string_free(g_steal_pointer(&result), FALSE);
}


char *
deviceEdit(const char *xml, DeviceOperation op, EmulatedPCIDef *def, GError **err)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autoptr(EmulatedPCIDef) have = NULL;
    const ProjectionDomain *domain;
    const ProjectionEmulated *device;

    if (op == DEVICE_ATTACH)
        return deviceInsert(xml, def, err);

    domain = deviceScan(xml, &doc, err);
    if (!domain)
        return NULL;

    device = deviceFind(domain, def, deviceHowToMatch(def, op), &have, err);
    if (!device)
        return NULL;

    if (op == DEVICE_DETACH)
        return deviceRemove(xml, &device->where);

    if (!def->alias)
        def->alias = g_strdup(have->alias);
    if (def->index < 0)
        def->index = have->index;
    if (!def->hasAddress) {
        def->hasAddress = have->hasAddress;
        def->domain = have->domain;
        def->bus = have->bus;
        def->slot = have->slot;
        def->function = have->function;
        def->multifunction = have->multifunction;
    }
    return deviceReplace(xml, &device->where, def);
}


char *
deviceFindAlias(const char *xml, const EmulatedPCIDef *def, GError **err)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autoptr(EmulatedPCIDef) have = NULL;
    const ProjectionDomain *domain = deviceScan(xml, &doc, err);

    if (!domain || !deviceFind(domain, def, deviceHowToMatch(def, DEVICE_DETACH), &have, err))
        return NULL;
    return g_steal_pointer(&have->alias);
}


char *
deviceRemoveAlias(const char *xml, const char *alias, GError **err)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    const ProjectionDomain *domain = deviceScan(xml, &doc, err);
    guint i;

    if (!domain)
        return NULL;

    for (i = 0; i < domain->emulated->len; i++) {
        const ProjectionEmulated *device = g_ptr_array_index(domain->emulated, i);
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(device->node, err);

        if (!def)
            return NULL;
        if (g_strcmp0(def->alias, alias) == 0)
            return deviceRemove(xml, &device->where);
    }
    return NULL;
}
