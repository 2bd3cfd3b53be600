/*
 * tool_check.c: virt-emulatedpci check
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "check_qemu.h"
#include "error_name.h"
#include "fleet_select.h"
#include "tool_options.h"
#include "tool_output.h"

#include "emulatedpci_conf.h"
#include "emulatedpci_error.h"

#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <string.h>

/* Bits of the registers that a guest may have changed (PCI Local Bus Specification
 * 3.0, 6.2): those of command that a device without BARs has, and those of status
 * that are cleared by writing. */
#define TOOL_CHECK_COMMAND 0x0547
#define TOOL_CHECK_STATUS 0xf900

/* The longest time that the guest is suspended while registers are read, in microseconds; a single
 * device can take longer. */
#define TOOL_CHECK_SUSPENDED_MAX (100 * 1000)

typedef enum {
    TOOL_CHECK_SAME = 0,
    TOOL_CHECK_GUEST,       /* the guest or its firmware can have changed it */
    TOOL_CHECK_DIFFERS,
    TOOL_CHECK_UNKNOWN,     /* unknown: the name, or the registers could not be read */
} ToolCheckResult;

static const char *const resultNames[] = { "same", "guest", "differs", "unknown" };

typedef struct {
    EmulatedPCIDef *def;
    CheckPlace *inXML;          /* NULL: none */
    const CheckPlace *inQEMU;   /* NULL: QEMU has no such device */
    ToolCheckResult address;
    gboolean read;
    guint32 value[EMULATED_PCI_FIELD_LAST];
    ToolCheckResult result[EMULATED_PCI_FIELD_LAST];
    GError *err;                /* the reason why it could not be read */
} ToolCheckDevice;

typedef struct {
    gboolean json;
    gboolean verbose;
    gboolean addresses;         /* only these */
    json_object *list;

    /* of the domain being looked at */
    xmlNodePtr root;
    GPtrArray *devices;         /* ToolCheckDevice */
    GPtrArray *blockers;        /* the reasons why it cannot be migrated; NULL without devices */
    GError **err;
    gboolean ok;
} ToolCheck;


static void
toolCheckDeviceFree(void *opaque)
{
    ToolCheckDevice *device = opaque;

    emulatedPCIDefFree(device->def);
    checkPlaceFree(device->inXML);
    g_clear_error(&device->err);
    g_free(device);
}


/* --- finding out */

static void
toolCheckCollect(xmlNodePtr node, void *opaque)
{
    ToolCheck *check = opaque;
    ToolCheckDevice *device;
    EmulatedPCIDef *def;

    if (!check->ok)
        return;
    def = emulatedPCIDefParseNode(node, check->err);
    if (!def) {
        check->ok = FALSE;
        return;
    }
    device = g_new0(ToolCheckDevice, 1);
    device->def = def;
    device->inXML = checkPlaceInXML(check->root, node);
    g_ptr_array_add(check->devices, device);
}


static ToolCheckResult
toolCheckField(EmulatedPCIField field, guint32 expected, guint32 got)
{
    const guint32 changed = expected ^ got;

    if (!changed)
        return TOOL_CHECK_SAME;
    if (field == EMULATED_PCI_FIELD_INTERRUPTLINE)
        return TOOL_CHECK_GUEST;
    if (field == EMULATED_PCI_FIELD_COMMAND && !(changed & ~TOOL_CHECK_COMMAND))
        return TOOL_CHECK_GUEST;
    if (field == EMULATED_PCI_FIELD_STATUS && !(changed & ~TOOL_CHECK_STATUS) && !(got & changed))
        return TOOL_CHECK_GUEST;
    return TOOL_CHECK_DIFFERS;
}


/* Returns whether these are the registers of a device that does not answer: no device has all bits
 * of the status register set. */
static gboolean
toolCheckIsGone(const guint8 *config)
{
    return config[0x06] == 0xff && config[0x07] == 0xff;
}


static void
toolCheckRead(ToolCheckDevice *device, CheckQEMU *qemu)
{
    guint8 config[CHECK_CONFIG_SIZE];
    int field;

    /* before the firmware has numbered the buses, devices behind bridges are not accessible */
    if (strchr(device->inQEMU->way, '/') && device->inQEMU->bus == 0) {
        emulatedPCIReportError(&device->err, VIR_ERR_OPERATION_INVALID, "%s",
                               _("the guest has not assigned bus numbers yet"));
        return;
    }
    if (!checkQEMURead(qemu, device->inQEMU, config, &device->err))
        return;
    if (emulatedPCIDefHasServer(device->def) && toolCheckIsGone(config)) {
        emulatedPCIReportError(&device->err, VIR_ERR_OPERATION_INVALID,
                               _("the server at the socket '%1$s' has ended: all registers read as all ones"),
                               device->def->driver->socket);
        return;
    }
    device->read = TRUE;
    for (field = EMULATED_PCI_FIELD_DEVICENAME + 1; field < EMULATED_PCI_FIELD_LAST; field++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(field);
        guint i;

        for (i = 0; i < info->bits / 8; i++)
            device->value[field] |= (guint32) config[info->offset + i] << (8 * i);
        /* A value that the server decides is not compared. */
        if (emulatedPCIDefHasServer(device->def) && !device->def->given[field])
            device->def->fields.value[field] = device->value[field];
        device->result[field] = toolCheckField(field, device->def->fields.value[field],
                                               device->value[field]);
    }
}


static gboolean
toolCheckReadAll(ToolCheck *check, virDomainPtr domain, GError **err)
{
    CheckQEMU qemu;
    guint i = 0;

    if (!checkQEMUInit(&qemu, domain, err))
        return FALSE;
    while (i < check->devices->len) {
        const gint64 begin = g_get_monotonic_time();

        if (!checkQEMUBegin(&qemu, err))
            return FALSE;
        do {
            ToolCheckDevice *device = g_ptr_array_index(check->devices, i++);

            if (device->inQEMU)
                toolCheckRead(device, &qemu);
        } while (i < check->devices->len && g_get_monotonic_time() - begin < TOOL_CHECK_SUSPENDED_MAX);
        if (!checkQEMUEnd(&qemu, err))
            return FALSE;

        /* let the guest run as long as it was suspended */
        if (i < check->devices->len && qemu.suspended)
            g_usleep(g_get_monotonic_time() - begin);
    }
    return TRUE;
}


/* --- saying it */

static char *
toolCheckPlaceText(const CheckPlace *place)
{
    return place ? g_strdup_printf("%02x:%02x.%x", place->bus, place->slot, place->function)
                 : g_strdup("-");
}


/* Returns whether the device is correct, and all required values could be read. */
static gboolean
toolCheckDeviceGood(const ToolCheck *check, const ToolCheckDevice *device)
{
    int field;

    if (device->address != TOOL_CHECK_SAME || (!check->addresses && !device->read))
        return FALSE;
    for (field = 0; field < EMULATED_PCI_FIELD_LAST; field++) {
        if (device->result[field] == TOOL_CHECK_DIFFERS)
            return FALSE;
    }
    return TRUE;
}


static void
toolCheckFieldText(const ToolCheck *check, const ToolCheckDevice *device, EmulatedPCIField field,
                   GString *out)
{
    const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(field);
    const int digits = info->bits / 4;
    const char *note = device->result[field] == TOOL_CHECK_SAME ? ""
        : device->result[field] == TOOL_CHECK_GUEST ? _("  set by the guest or its firmware")
        : _("  DIFFERS");

    if (!check->verbose && device->result[field] == TOOL_CHECK_SAME)
        return;
    g_string_append_printf(out, "    %-13s  0x%0*x  0x%0*x%*s%s\n", info->name,
                           digits, device->def->fields.value[field], digits, device->value[field],
                           *note ? 6 - digits : 0, "", note);
}


static void
toolCheckDeviceText(const ToolCheck *check, const ToolCheckDevice *device, GString *out)
{
    g_autofree char *inXML = toolCheckPlaceText(device->inXML);
    g_autofree char *inQEMU = toolCheckPlaceText(device->inQEMU);
    int field;

    g_string_append_printf(out, "  %-20s  %-20s  %-7s  %-7s  %s\n", device->def->alias,
                           device->def->fields.devicename, inXML, inQEMU,
                           toolCheckDeviceGood(check, device) ? _("ok") : _("WRONG"));
    if (!device->inQEMU)
        g_string_append_printf(out, "    %s\n", _("QEMU has no such device"));
    else if (device->address == TOOL_CHECK_DIFFERS)
        g_string_append_printf(out, "    %s\n", _("the device has another address in QEMU"));
    if (device->err)
        g_string_append_printf(out, "    %s\n", device->err->message);
    if (!device->read)
        return;
    if (check->verbose)
        g_string_append_printf(out, "    %-13s  %s\n", "devicename",
                               _("(not in configuration space)"));
    for (field = EMULATED_PCI_FIELD_DEVICENAME + 1; field < EMULATED_PCI_FIELD_LAST; field++)
        toolCheckFieldText(check, device, field, out);
}


static json_object *
toolCheckPlaceJSON(const CheckPlace *place)
{
    g_autofree char *text = toolCheckPlaceText(place);

    return place ? json_object_new_string(text) : NULL;
}


static json_object *
toolCheckDeviceJSON(const ToolCheck *check, const ToolCheckDevice *device)
{
    json_object *object = json_object_new_object();
    json_object *fields = json_object_new_object();
    int field;

    json_object_object_add(object, "alias", json_object_new_string(device->def->alias));
    json_object_object_add(object, "devicename",
                           json_object_new_string(device->def->fields.devicename));
    json_object_object_add(object, "ok", json_object_new_boolean(toolCheckDeviceGood(check, device)));
    json_object_object_add(object, "address", json_object_new_string(resultNames[device->address]));
    json_object_object_add(object, "addressInXML", toolCheckPlaceJSON(device->inXML));
    json_object_object_add(object, "addressInGuest", toolCheckPlaceJSON(device->inQEMU));
    if (device->err)
        json_object_object_add(object, "error", json_object_new_string(device->err->message));
    for (field = 0; field < EMULATED_PCI_FIELD_LAST; field++) {
        const gboolean known = device->read && field != EMULATED_PCI_FIELD_DEVICENAME;
        json_object *one = json_object_new_object();

        if (field == EMULATED_PCI_FIELD_DEVICENAME)
            json_object_object_add(one, "expected",
                                   json_object_new_string(device->def->fields.devicename));
        else if (emulatedPCIDefHasServer(device->def) && !device->def->given[field])
            json_object_object_add(one, "expected", NULL);      /* the server decides */
        else
            json_object_object_add(one, "expected",
                                   json_object_new_int64(device->def->fields.value[field]));
        if (known)
            json_object_object_add(one, "got", json_object_new_int64(device->value[field]));
        json_object_object_add(one, "result", json_object_new_string(
            resultNames[known ? device->result[field] : TOOL_CHECK_UNKNOWN]));
        json_object_object_add(fields, emulatedPCIFieldGetInfo(field)->name, one);
    }
    json_object_object_add(object, "fields", fields);
    return object;
}


/* Prints whether the guest can be saved and migrated, and the reasons if it cannot. */
static void
toolCheckBlockers(const ToolCheck *check, json_object *object, GString *out)
{
    json_object *reasons;
    guint i;

    if (!check->blockers)
        return;
    reasons = json_object_new_array();
    for (i = 0; i < check->blockers->len; i++) {
        const char *reason = g_ptr_array_index(check->blockers, i);

        g_string_append_printf(out, _("  cannot be saved or migrated: %1$s\n"), reason);
        json_object_array_add(reasons, json_object_new_string(reason));
    }
    json_object_object_add(object, "migratable", json_object_new_boolean(check->blockers->len == 0));
    json_object_object_add(object, "blockers", reasons);
}


/* Prints the result. Returns whether there are no errors. */
static gboolean
toolCheckSay(ToolCheck *check, const char *name)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_object *object = json_object_new_object();
    json_object *devices = json_object_new_array();
    gboolean good = TRUE;
    guint i;

    if (check->devices->len > 0)
        g_string_append_printf(out, "%s\n  %-20s  %-20s  %-7s  %-7s\n", name, _("Alias"), _("Device"),
                               _("XML"), _("guest"));
    else
        g_string_append_printf(out, _("%1$s: no emulated devices\n"), name);
    for (i = 0; i < check->devices->len; i++) {
        const ToolCheckDevice *device = g_ptr_array_index(check->devices, i);

        toolCheckDeviceText(check, device, out);
        json_object_array_add(devices, toolCheckDeviceJSON(check, device));
        good = toolCheckDeviceGood(check, device) && good;
    }
    toolCheckBlockers(check, object, out);
    json_object_object_add(object, "name", json_object_new_string(name));
    json_object_object_add(object, "ok", json_object_new_boolean(good));
    json_object_object_add(object, "devices", devices);
    json_object_array_add(check->list, object);
    if (!check->json)
        toolOutputWrite(out->str, out->len);
    return good;
}


/* --- a domain */

static gboolean
toolCheckDomain(ToolCheck *check, virDomainPtr domain, GError **err)
{
    g_autoptr(ToolXMLDoc) doc = NULL;
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(toolCheckDeviceFree);
    g_autofree char *answer = NULL;
    g_autoptr(GHashTable) places = NULL;
    g_autoptr(GPtrArray) blockers = NULL;
    guint i;

    if (virDomainIsActive(domain) != 1) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID, "%s", _("the domain is not running"));
        return FALSE;
    }
    doc = fleetDomainXML(domain, 0, err);
    if (!doc)
        return FALSE;
    check->root = xmlDocGetRootElement(doc);
    check->devices = devices;
    check->err = err;
    check->ok = TRUE;
    toolXMLForEachChild(check->root, "devices", "emulatedpci", toolCheckCollect, check);
    if (!check->ok)
        return FALSE;

    if (devices->len > 0) {
        answer = checkQEMUQueryPCI(domain, err);
        places = answer ? checkPlacesInQEMU(answer, err) : NULL;
        blockers = places ? checkQEMUGetBlockers(domain, err) : NULL;
        if (!blockers)
            return FALSE;
    }
    check->blockers = blockers;
    for (i = 0; i < devices->len; i++) {
        ToolCheckDevice *device = g_ptr_array_index(devices, i);

        device->inQEMU = device->def->alias ? g_hash_table_lookup(places, device->def->alias) : NULL;
        if (!device->inQEMU || !device->inXML ||
            g_strcmp0(device->inXML->way, device->inQEMU->way) != 0)
            device->address = TOOL_CHECK_DIFFERS;
    }
    if (devices->len > 0 && !check->addresses && !toolCheckReadAll(check, domain, err))
        return FALSE;
    return toolCheckSay(check, virDomainGetName(domain));
}


static gboolean
toolCheckNamed(ToolCheck *check, virConnectPtr conn, const char *name)
{
    g_autoptr(ToolDomain) domain = fleetDomainLookup(conn, name);
    g_autoptr(GError) err = NULL;

    if (!domain)
        toolConnectReport(&err);
    else if (toolCheckDomain(check, domain, &err))
        return TRUE;
    if (err)
        toolOutputError(name, err);
    return FALSE;
}


static ToolExit
toolCheck(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_autofree char *given = NULL;
    g_autoptr(ToolConnection) conn = NULL;
    g_autoptr(GError) err = NULL;
    ToolCheck check = { 0 };
    const GOptionEntry entries[] = {
        { "connect", 'c', 0, G_OPTION_ARG_STRING, &given,
          N_("Connect to the libvirt at URI"), N_("URI") },
        { "addresses", 'a', 0, G_OPTION_ARG_NONE, &check.addresses,
          N_("Compare only addresses, and read no registers"), NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &check.verbose,
          N_("Show all fields, not only those that differ"), NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &check.json, N_("Print the results as JSON"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    const char *uri;
    guint good = 0;
    guint i;

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (!options.files)
        return toolOutputUsageError(command, _("a domain is required"));
    if (!toolConnectInit())
        return TOOL_EXIT_FAILED;
    uri = given ? given : toolConnectDefaultURI();
    conn = toolConnectOpen(uri, &err);
    if (!conn || !toolConnectCheckDaemon(conn, uri, &err)) {
        toolOutputError(uri, err);
        return TOOL_EXIT_FAILED;
    }

    check.list = json_object_new_array();
    for (i = 0; options.files[i]; i++)
        good += toolCheckNamed(&check, conn, options.files[i]);
    if (check.json) {
        const char *text = json_object_to_json_string_ext(check.list, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE);

        toolOutputWrite(text, strlen(text));
        toolOutputWrite("\n", 1);
    }
    json_object_put(check.list);
    return good == i ? TOOL_EXIT_OK : good > 0 ? TOOL_EXIT_SOME : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandCheck = {
    .name = "check",
    .operands = N_("DOMAIN…"),
    .summary = N_("Compare a running domain's devices with its XML"),
    .description = N_("Compares the addresses in the XML with those in QEMU, and the fields with the\n"
                      "registers of the devices. The guest is suspended meanwhile."),
    .run = toolCheck,
};
