/*
 * check_place.c: the places of devices in the domain's XML and in QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "check_place.h"

#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"
#include "qemu_props_alias.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <string.h>

/* The maximum number of bridges on a path; more of them indicate a loop. */
#define CHECK_PLACE_DEPTH_MAX 32


void
checkPlaceFree(CheckPlace *place)
{
    if (!place)
        return;
    g_free(place->way);
    g_free(place);
}


static gboolean
checkPlaceNumber(xmlNodePtr node, const char *name, guint *value)
{
    xmlChar *text = xmlGetNoNsProp(node, BAD_CAST name);
    const gboolean ok = text &&
        emulatedPCINumberParse((char *) text, 0xffff, value) == EMULATED_PCI_NUMBER_OK;

    xmlFree(text);
    return ok;
}


static gboolean
checkPlaceHas(xmlNodePtr node, const char *name, const char *value)
{
    xmlChar *text = xmlGetNoNsProp(node, BAD_CAST name);
    const gboolean same = text && strcmp((char *) text, value) == 0;

    xmlFree(text);
    return same;
}


static gboolean
checkPlaceAddress(xmlNodePtr device, CheckPlace *place)
{
    xmlNodePtr node;

    for (node = device->children; node; node = node->next) {
        if (toolXMLIs(node, "address") && checkPlaceHas(node, "type", "pci"))
            return checkPlaceNumber(node, "bus", &place->bus) &&
                checkPlaceNumber(node, "slot", &place->slot) &&
                checkPlaceNumber(node, "function", &place->function);
    }
    return FALSE;
}


/* Returns the controller whose secondary bus is INDEX. */
static xmlNodePtr
checkPlaceController(xmlNodePtr root, guint index)
{
    xmlNodePtr devices;
    xmlNodePtr node;

    for (devices = root->children; devices; devices = devices->next) {
        if (!toolXMLIs(devices, "devices"))
            continue;
        for (node = devices->children; node; node = node->next) {
            guint found;

            if (toolXMLIs(node, "controller") && checkPlaceHas(node, "type", "pci") &&
                checkPlaceNumber(node, "index", &found) && found == index)
                return node;
        }
    }
    return NULL;
}


/* Returns the first bus behind the expander bus @controller, or NULL if it is another
 * controller. Guests see a separate root bus with the number in the XML. QEMU adds a bridge
 * between a conventional expander bus and its devices. */
static char *
checkPlaceExpander(xmlNodePtr controller)
{
    const gboolean conventional = checkPlaceHas(controller, "model", "pci-expander-bus");
    xmlNodePtr node;
    guint bus;

    if (!conventional && !checkPlaceHas(controller, "model", "pcie-expander-bus"))
        return NULL;
    for (node = controller->children; node; node = node->next) {
        if (toolXMLIs(node, "target") && checkPlaceNumber(node, "busNr", &bus))
            return g_strdup_printf("%02x:%s", bus, conventional ? "/00.0" : "");
    }
    return NULL;
}


/* Returns the path to a device at PLACE, or NULL if its bus is not connected to the root. */
static char *
checkPlaceWay(xmlNodePtr root, const CheckPlace *place, guint depth)
{
    g_autofree char *bridge = NULL;
    CheckPlace above = { 0 };

    if (place->bus == 0)
        return g_strdup_printf("%02x.%x", place->slot, place->function);
    if (depth < CHECK_PLACE_DEPTH_MAX) {
        xmlNodePtr controller = checkPlaceController(root, place->bus);

        if (controller)
            bridge = checkPlaceExpander(controller);
        if (controller && !bridge && checkPlaceAddress(controller, &above))
            bridge = checkPlaceWay(root, &above, depth + 1);
    }
    return bridge ? g_strdup_printf("%s/%02x.%x", bridge, place->slot, place->function) : NULL;
}


CheckPlace *
checkPlaceInXML(xmlNodePtr root, xmlNodePtr device)
{
    g_autoptr(CheckPlace) place = g_new0(CheckPlace, 1);

    if (!checkPlaceAddress(device, place))
        return NULL;
    place->way = checkPlaceWay(root, place, 0);
    return g_steal_pointer(&place);
}


static guint
checkPlaceInteger(json_object *object, const char *key)
{
    json_object *value;

    if (!json_object_object_get_ex(object, key, &value))
        return G_MAXUINT;
    return (guint) json_object_get_int64(value);
}


static void
checkPlacesWalk(GHashTable *places, json_object *bus, const char *way, guint depth)
{
    json_object *devices;
    gsize i;

    if (depth > CHECK_PLACE_DEPTH_MAX || !json_object_object_get_ex(bus, "devices", &devices) ||
        !json_object_is_type(devices, json_type_array))
        return;
    for (i = 0; i < json_object_array_length(devices); i++) {
        json_object *device = json_object_array_get_idx(devices, i);
        g_autoptr(CheckPlace) place = g_new0(CheckPlace, 1);
        json_object *value;

        place->bus = checkPlaceInteger(device, "bus");
        place->slot = checkPlaceInteger(device, "slot");
        place->function = checkPlaceInteger(device, "function");
        place->way = g_strdup_printf("%s%s%02x.%x", way, *way ? "/" : "", place->slot, place->function);
        if (json_object_object_get_ex(device, "pci_bridge", &value))
            checkPlacesWalk(places, value, place->way, depth + 1);
        if (json_object_object_get_ex(device, "qdev_id", &value) && *json_object_get_string(value))
            g_hash_table_insert(places, qemuPropsAliasGetName(json_object_get_string(value)),
                                g_steal_pointer(&place));
    }
}


static void
checkPlaceDestroy(void *place)
{
    checkPlaceFree(place);
}


GHashTable *
checkPlacesInQEMU(const char *answer, GError **err)
{
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                         checkPlaceDestroy);
    json_object *root = json_tokener_parse(answer);
    json_object *buses = NULL;
    gsize i;

    if (!root || !json_object_object_get_ex(root, "return", &buses) ||
        !json_object_is_type(buses, json_type_array)) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("unexpected reply of QEMU to query-pci: %1$.200s"), answer);
        json_object_put(root);
        return NULL;
    }
    for (i = 0; i < json_object_array_length(buses); i++) {
        json_object *bus = json_object_array_get_idx(buses, i);
        const guint number = checkPlaceInteger(bus, "bus");
        /* a root bus besides the first is that of an expander bus */
        g_autofree char *way = number == 0 ? g_strdup("") : g_strdup_printf("%02x:", number);

        checkPlacesWalk(places, bus, way, 0);
    }
    json_object_put(root);
    return g_steal_pointer(&places);
}
