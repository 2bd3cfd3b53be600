/*
 * device_edit.c: one emulated PCI device in a domain's XML
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_edit.h"
#include "emulatedpci_error.h"
#include "projection_devices.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* libvirt's indentation of a device, and the end of the list of devices */
#define DEVICE_INDENT "    "
#define DEVICE_LIST_END "\n  </devices>"

typedef enum {
    MATCH_ALIAS,
    MATCH_ADDRESS,
    MATCH_FIELDS,
    MATCH_NAME,
    MATCH_DEFINITION,
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
            if (want->given[i] && have->fields.value[i] != want->fields.value[i])
                return FALSE;
        }
        if (emulatedPCIDefHasServer(want) &&
            (!emulatedPCIDefHasServer(have) ||
             strcmp(have->driver->socket, want->driver->socket) != 0))
            return FALSE;
        return strcmp(have->fields.devicename, want->fields.devicename) == 0;
    case MATCH_NAME:
        return strcmp(have->fields.devicename, want->fields.devicename) == 0;
    case MATCH_DEFINITION:
        for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
            if (i != EMULATED_PCI_FIELD_DEVICENAME && want->given[i] &&
                have->fields.value[i] != want->fields.value[i])
                return FALSE;
        }
        return g_strcmp0(have->definition, want->definition) == 0 &&
            (!*want->fields.devicename ||
             strcmp(have->fields.devicename, want->fields.devicename) == 0);
    default:
        g_return_val_if_reached(FALSE);
    }
}


/* Returns the property of WANT that was compared, for messages. */
static const char *
deviceWanted(const EmulatedPCIDef *want, DeviceMatch match)
{
    switch (match) {
    case MATCH_ALIAS:
        return want->alias;
    case MATCH_DEFINITION:
        return want->definition;
    default:
        return *want->fields.devicename ? want->fields.devicename : want->definition;
    }
}


/* Returns the aliases of all DEVICES that WANT matches, for a message. */
static char *
deviceAliases(GPtrArray *devices, const EmulatedPCIDef *want, DeviceMatch match)
{
    g_autoptr(GString) aliases = g_string_new(NULL);
    guint i;

    for (i = 0; i < devices->len; i++) {
        const ProjectionDevice *device = g_ptr_array_index(devices, i);

        if (deviceMatches(device->def, want, match) && device->def->alias)
            g_string_append_printf(aliases, "%s%s", aliases->len ? ", " : "", device->def->alias);
    }
    return g_string_free(g_steal_pointer(&aliases), FALSE);
}


/* Returns the only one of DEVICES that WANT matches, or NULL with ERR set. */
static ProjectionDevice *
deviceFind(GPtrArray *devices,
           const EmulatedPCIDef *want,
           DeviceMatch match,
           GError **err)
{
    ProjectionDevice *found = NULL;
    guint i;

    for (i = 0; i < devices->len; i++) {
        ProjectionDevice *device = g_ptr_array_index(devices, i);

        if (!deviceMatches(device->def, want, match))
            continue;
        if (found) {
            g_autofree char *aliases = deviceAliases(devices, want, match);

            emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                                   _("several emulated PCI devices match '%1$s': %2$s; give the "
                                     "device's <alias> or <address>"),
                                   deviceWanted(want, match), aliases);
            return NULL;
        }
        found = device;
    }

    if (!found) {
        emulatedPCIReportError(err, VIR_ERR_DEVICE_MISSING,
                               _("no emulated PCI device matches '%1$s'"),
                               deviceWanted(want, match));
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
    if (op == DEVICE_UPDATE)
        return MATCH_NAME;
    return want->definition ? MATCH_DEFINITION : MATCH_FIELDS;
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
deviceRemove(const char *xml, const ProjectionDevice *device)
{
    gsize start = device->start;
    g_autoptr(GString) result = NULL;

    while (start > 0 && (xml[start - 1] == ' ' || xml[start - 1] == '\t'))
        start--;
    if (start > 0 && xml[start - 1] == '\n')
        start--;

    result = g_string_new_len(xml, start);
    g_string_append(result, xml + device->end);
    return g_string_free(g_steal_pointer(&result), FALSE);
}


static char *
deviceReplace(const char *xml, const ProjectionDevice *device, const EmulatedPCIDef *def)
{
    g_autoptr(GString) result = g_string_new_len(xml, device->start);

    emulatedPCIDefFormat(def, DEVICE_INDENT, "\n", result);
    g_string_append(result, xml + device->end);
    return g_string_free(g_steal_pointer(&result), FALSE);
}


char *
deviceEdit(const char *xml, DeviceOperation op, EmulatedPCIDef *def, GError **err)
{
    g_autoptr(GPtrArray) devices = NULL;
    const ProjectionDevice *device;
    const EmulatedPCIDef *have;

    if (op == DEVICE_ATTACH)
        return deviceInsert(xml, def, err);

    devices = projectionDevices(xml, strlen(xml), err);
    if (!devices)
        return NULL;

    device = deviceFind(devices, def, deviceHowToMatch(def, op), err);
    if (!device)
        return NULL;

    if (op == DEVICE_DETACH)
        return deviceRemove(xml, device);

    have = device->def;
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
    return deviceReplace(xml, device, def);
}


char *
deviceFindAlias(const char *xml, const EmulatedPCIDef *def, GError **err)
{
    g_autoptr(GPtrArray) devices = projectionDevices(xml, strlen(xml), err);
    const ProjectionDevice *device;

    if (!devices)
        return NULL;

    device = deviceFind(devices, def, deviceHowToMatch(def, DEVICE_DETACH), err);
    return device ? g_strdup(device->def->alias) : NULL;
}


char *
deviceRemoveAlias(const char *xml, const char *alias, GError **err)
{
    g_autoptr(GPtrArray) devices = projectionDevices(xml, strlen(xml), err);
    guint i;

    for (i = 0; devices && i < devices->len; i++) {
        const ProjectionDevice *device = g_ptr_array_index(devices, i);

        if (g_strcmp0(device->def->alias, alias) == 0)
            return deviceRemove(xml, device);
    }
    return NULL;
}


/* Returns the emulated devices of the domain in XML, or NULL with ERR set. Most domains have none,
 * which requires no parser. */
static GPtrArray *
deviceList(const char *xml, GError **err)
{
    if (!strstr(xml, "<emulatedpci "))
        return g_ptr_array_new();
    return projectionDevices(xml, strlen(xml), err);
}


gboolean
deviceHasServer(const char *xml, const char *alias, gboolean *server, GError **err)
{
    g_autoptr(GPtrArray) devices = deviceList(xml, err);
    guint i;

    *server = FALSE;
    if (!devices)
        return FALSE;

    for (i = 0; i < devices->len; i++) {
        const EmulatedPCIDef *have = ((ProjectionDevice *) g_ptr_array_index(devices, i))->def;

        *server |= g_strcmp0(have->alias, alias) == 0 && emulatedPCIDefHasServer(have);
    }
    return TRUE;
}


gboolean
deviceCheckAbsent(const char *xml, const EmulatedPCIDef *def, GError **err)
{
    g_autoptr(GPtrArray) devices = deviceList(xml, err);
    guint i;

    if (!devices)
        return FALSE;

    for (i = 0; i < devices->len; i++) {
        const EmulatedPCIDef *have = ((ProjectionDevice *) g_ptr_array_index(devices, i))->def;

        if (def->definition ? g_strcmp0(have->definition, def->definition) != 0 :
                              !emulatedPCIDefEqualFields(have, def))
            continue;
        emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID,
                               _("the domain already has a device of '%1$s': '%2$s'"),
                               def->definition ? def->definition : def->fields.devicename,
                               have->alias ? have->alias : "?");
        return FALSE;
    }
    return TRUE;
}
