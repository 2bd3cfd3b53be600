/*
 * tool_attach.c: virt-emulatedpci attach and detach
 *
 * Both change the persistent configuration of a domain, for its next start, and with --live the
 * running domain, too. libvirt assigns the address.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet.h"
#include "fleet_select.h"
#include "tool_machine.h"
#include "tool_definition_lookup.h"
#include "tool_output.h"

#include "emulatedpci_conf.h"
#include "emulatedpci_error.h"
#include "projection.h"

#include <libvirt/virterror.h>
#include <string.h>

typedef struct {
    /* one of these two is set */
    const char *definition;     /* the name or UUID of the definition, as the user has given it */
    EmulatedPCIDef *def;

    gboolean again;             /* attach another device even if there is one */
    gboolean raise;             /* whether the machine type is raised if required */
    gboolean each;              /* detach all devices of the definition */
    char *alias;                /* the alias of the device to detach, or NULL */
    gboolean live;              /* change the running domain */
    gboolean config;            /* change the persistent domain; also if neither is set */
} ToolAttach;

/* The time for a guest to release a device after libvirt has waited for it, in milliseconds */
#define TOOL_DETACH_TIMEOUT 5000


/* --- the definition, on each host */

/* Returns the full name of the definition on this host, or NULL with @err set. */
static char *
toolAttachResolve(virConnectPtr conn, const char *definition, GError **err)
{
    g_autoptr(ToolNodeDevice) device = toolDefinitionLookup(conn, definition, err);

    return device ? g_strdup(virNodeDeviceGetName(device)) : NULL;
}


static gboolean
toolAttachPrepare(virConnectPtr conn, void *opaque, void **host, GError **err)
{
    const ToolAttach *attach = opaque;

    if (attach->definition)
        *host = toolAttachResolve(conn, attach->definition, err);
    return !attach->definition || *host;
}


/* A domain can refer to a definition that does not exist any more. */
static gboolean
toolDetachPrepare(virConnectPtr conn, void *opaque, void **host, GError **err)
{
    const ToolAttach *attach = opaque;
    g_autoptr(GError) failure = NULL;

    if (!attach->definition)
        return TRUE;
    *host = toolAttachResolve(conn, attach->definition, &failure);
    if (!*host && g_error_matches(failure, EMULATED_PCI_ERROR, VIR_ERR_NO_NODE_DEVICE))
        *host = toolDefinitionFullName(attach->definition);
    if (!*host)
        g_propagate_error(err, g_steal_pointer(&failure));
    return *host != NULL;
}


/* --- the devices that a domain has of it */

typedef struct {
    const ToolAttach *attach;
    const char *name;           /* of the definition, or NULL */
    GPtrArray *defs;
    GError **err;
    gboolean ok;
} ToolAttachFind;


static void
toolAttachFindDevice(xmlNodePtr node, void *opaque)
{
    ToolAttachFind *find = opaque;
    g_autoptr(EmulatedPCIDef) def = NULL;
    gboolean match;

    if (!find->ok)
        return;
    def = emulatedPCIDefParseNode(node, find->err);
    if (!def) {
        find->ok = FALSE;
        return;
    }
    if (find->name)
        match = g_strcmp0(def->definition, find->name) == 0;
    else
        match = emulatedPCIDefEqualFields(def, find->attach->def);
    if (match && find->attach->alias)
        match = g_strcmp0(def->alias, find->attach->alias) == 0;
    if (match)
        g_ptr_array_add(find->defs, g_steal_pointer(&def));
}


/* Returns the devices of the definition, or NULL with ERR set. */
static GPtrArray *
toolAttachFindAll(const ToolAttach *attach, const char *name, xmlDocPtr doc, GError **err)
{
    g_autoptr(GPtrArray) defs = g_ptr_array_new_with_free_func((GDestroyNotify) emulatedPCIDefFree);
    ToolAttachFind find = { attach, name, defs, err, TRUE };

    toolXMLForEachChild(xmlDocGetRootElement(doc), "devices", "emulatedpci", toolAttachFindDevice,
                        &find);
    return find.ok ? g_steal_pointer(&defs) : NULL;
}


/* --- attach */

static char *
toolAttachXML(const ToolAttach *attach, const char *name, gboolean once, const char *machine)
{
    g_autofree char *how = g_strdup_printf("%s%s%s%s", once ? " once='yes'" : "",
                                           machine ? " machine='" : "", machine ? machine : "",
                                           machine ? "'" : "");
    GString *xml = g_string_new(NULL);

    if (name)
        g_string_printf(xml, "<emulatedpci definition='%s'/>", name);
    else
        emulatedPCIDefFormat(attach->def, "", "\n", xml);
    g_string_insert(xml, strlen("<emulatedpci"), how);
    return g_string_free(xml, FALSE);
}


/* Determines the part of the domain to change, and sets *FLAGS to one or both of
 * VIR_DOMAIN_AFFECT_LIVE and VIR_DOMAIN_AFFECT_CONFIG. With --live and --config, a domain that is
 * not running is changed for its next start. Returns FALSE with @err set. */
static gboolean
toolAttachChoose(const ToolAttach *attach, virDomainPtr domain, unsigned int *flags, GError **err)
{
    const gboolean config = attach->config || !attach->live;
    int active = 0;

    *flags = config ? VIR_DOMAIN_AFFECT_CONFIG : 0;
    if (!attach->live)
        return TRUE;

    active = virDomainIsActive(domain);
    if (active < 0) {
        toolConnectReport(err);
        return FALSE;
    }
    if (active) {
        *flags |= VIR_DOMAIN_AFFECT_LIVE;
    } else if (!config) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_INVALID, "%s", _("the domain is not running"));
        return FALSE;
    }
    return TRUE;
}


/* Returns the devices of the running domain, or with VIR_DOMAIN_AFFECT_CONFIG those of its next
 * start; NULL with ERR set on failure. */
static GPtrArray *
toolAttachFindIn(const ToolAttach *attach, const char *name, virDomainPtr domain, unsigned int flag,
                 GError **err)
{
    g_autoptr(ToolXMLDoc) doc = fleetDomainXML(domain, flag == VIR_DOMAIN_AFFECT_CONFIG ?
                                               VIR_DOMAIN_XML_INACTIVE : 0, err);

    return doc ? toolAttachFindAll(attach, name, doc, err) : NULL;
}


/* Removes from *FLAGS the part of the domain that already has the device. Returns FALSE with @err
 * set. */
static gboolean
toolAttachSkip(const ToolAttach *attach, const char *name, virDomainPtr domain, unsigned int *flags,
               GError **err)
{
    static const unsigned int parts[] = { VIR_DOMAIN_AFFECT_LIVE, VIR_DOMAIN_AFFECT_CONFIG };
    gsize i;

    if (!name)
        name = attach->def->definition;
    for (i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GPtrArray) present = NULL;

        if (!(*flags & parts[i]))
            continue;
        present = toolAttachFindIn(attach, name, domain, parts[i], err);
        if (!present)
            return FALSE;
        if (present->len > 0)
            *flags &= ~parts[i];
    }
    return TRUE;
}


/* The daemon checks whether the domain already has the device, and changes the machine type, in
 * the same call. No other client can change the domain in between. */
static FleetOutcome
toolAttachDevice(virDomainPtr domain, const ToolAttach *attach, const char *name,
                 const char *machine, unsigned int flags, GError **err)
{
    g_autofree char *xml = toolAttachXML(attach, name, !attach->again, machine);

    if (virDomainAttachDeviceFlags(domain, xml, flags) == 0)
        return FLEET_DONE;

    toolConnectReport(err);
    if (attach->again || !toolAttachSkip(attach, name, domain, &flags, NULL) || flags != 0)
        return FLEET_FAILED;
    g_clear_error(err);
    return FLEET_UNCHANGED;
}


static FleetOutcome
toolAttachRun(virDomainPtr domain, gboolean dry, void *opaque, void *host, GError **err)
{
    const ToolAttach *attach = opaque;
    g_autofree char *machine = NULL;
    unsigned int flags;

    if (!toolAttachChoose(attach, domain, &flags, err))
        return FLEET_FAILED;
    if (!attach->again && (dry || attach->raise || attach->live)) {
        if (!toolAttachSkip(attach, host, domain, &flags, err))
            return FLEET_FAILED;
        if (flags == 0)
            return FLEET_UNCHANGED;
    }
    if (attach->raise && flags & VIR_DOMAIN_AFFECT_CONFIG) {
        g_autoptr(ToolXMLDoc) doc = fleetDomainXML(domain, VIR_DOMAIN_XML_INACTIVE, err);

        if (!doc || toolMachineRaise(xmlDocGetRootElement(doc), virDomainGetConnect(domain),
                                     &machine, err) < 0)
            return FLEET_FAILED;
    }
    return dry ? FLEET_DONE : toolAttachDevice(domain, attach, host, machine, flags, err);
}


/* --- detach */

/* Returns whether the running domain has no device with this alias, at once or after some time. */
static gboolean
toolDetachWait(virDomainPtr domain, const ToolAttach *attach, const char *name,
               const EmulatedPCIDef *def, GError **err)
{
    const gint64 deadline = g_get_monotonic_time() + TOOL_DETACH_TIMEOUT * INT64_C(1000);

    for (;;) {
        g_autoptr(GPtrArray) present = toolAttachFindIn(attach, name, domain, VIR_DOMAIN_AFFECT_LIVE,
                                                        err);
        gboolean found = FALSE;
        guint i;

        if (!present)
            return FALSE;
        for (i = 0; i < present->len; i++) {
            const EmulatedPCIDef *other = g_ptr_array_index(present, i);

            found |= g_strcmp0(other->alias, def->alias) == 0;
        }
        if (!found)
            return TRUE;
        if (g_get_monotonic_time() > deadline)
            break;
        g_usleep(100 * 1000);
    }
    emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                           _("the guest has not released the device '%1$s' so far"),
                           def->alias ? def->alias : def->fields.devicename);
    return FALSE;
}


/* Detaches the device from the part of the domain that FLAG names. */
static gboolean
toolDetachDevice(virDomainPtr domain, const ToolAttach *attach, const char *name,
                 const EmulatedPCIDef *def, unsigned int flag, GError **err)
{
    g_autoptr(GString) xml = g_string_new(NULL);

    emulatedPCIDefFormat(def, "", "\n", xml);
    if (virDomainDetachDeviceFlags(domain, xml->str, flag) < 0) {
        toolConnectReport(err);
        return FALSE;
    }
    return flag != VIR_DOMAIN_AFFECT_LIVE || toolDetachWait(domain, attach, name, def, err);
}


static void
toolDetachReportSeveral(const GPtrArray *present, GError **err)
{
    g_autoptr(GString) aliases = g_string_new(NULL);
    guint i;

    for (i = 0; i < present->len; i++) {
        const EmulatedPCIDef *def = g_ptr_array_index(present, i);

        g_string_append_printf(aliases, "%s%s", i > 0 ? ", " : "", def->alias ? def->alias : "?");
    }
    emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                           _("the domain has %1$u such devices (%2$s): --alias or --every is "
                             "required"), present->len, aliases->str);
}


/* Detaches from the part of the domain that FLAG names. */
static FleetOutcome
toolDetachPart(virDomainPtr domain, gboolean dry, const ToolAttach *attach, const char *name,
               unsigned int flag, GError **err)
{
    g_autoptr(GPtrArray) present = toolAttachFindIn(attach, name, domain, flag, err);
    guint i;

    if (!present)
        return FLEET_FAILED;
    if (present->len == 0)
        return FLEET_UNCHANGED;
    if (present->len > 1 && !attach->each) {
        toolDetachReportSeveral(present, err);
        return FLEET_FAILED;
    }
    for (i = 0; !dry && i < present->len; i++) {
        if (!toolDetachDevice(domain, attach, name, g_ptr_array_index(present, i), flag, err))
            return FLEET_FAILED;
    }
    return FLEET_DONE;
}


/* The running domain is changed first: if the guest does not release the device, it remains for
 * the next start. */
static FleetOutcome
toolDetachRun(virDomainPtr domain, gboolean dry, void *opaque, void *host, GError **err)
{
    const ToolAttach *attach = opaque;
    FleetOutcome live = FLEET_UNCHANGED;
    FleetOutcome config = FLEET_UNCHANGED;
    unsigned int flags;

    if (!toolAttachChoose(attach, domain, &flags, err))
        return FLEET_FAILED;
    if (flags & VIR_DOMAIN_AFFECT_LIVE)
        live = toolDetachPart(domain, dry, attach, host, VIR_DOMAIN_AFFECT_LIVE, err);
    if (live != FLEET_FAILED && flags & VIR_DOMAIN_AFFECT_CONFIG)
        config = toolDetachPart(domain, dry, attach, host, VIR_DOMAIN_AFFECT_CONFIG, err);
    if (live == FLEET_FAILED || config == FLEET_FAILED)
        return FLEET_FAILED;
    return live == FLEET_DONE || config == FLEET_DONE ? FLEET_DONE : FLEET_UNCHANGED;
}


/* --- the command lines */

static gboolean
toolAttachReadFile(ToolAttach *attach, const char *file)
{
    g_auto(ToolInput) input = { NULL, NULL, 0 };
    g_autoptr(GError) err = NULL;

    if (!toolInputRead(&input, file))
        return FALSE;
    attach->def = emulatedPCIDefParseString(input.data, input.len, &err);
    if (attach->def && projectionResolve(attach->def, NULL, &err) &&
        emulatedPCIDefValidate(attach->def, &err))
        return TRUE;
    toolOutputError(input.name, err);
    return FALSE;
}


static ToolExit
toolAttachMain(const ToolCommand *command, const FleetOperation *operation, ToolAttach *attach,
               const GOptionEntry *entries, char **file, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(FleetOptions) fleet = { 0 };
    g_autofree GOptionEntry *all = fleetOptionsEntries(&fleet, entries);
    char **names;
    ToolExit result;

    if (!toolOptionsParse(&options, command, all, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    names = options.files;
    if (*file) {
        if (!toolAttachReadFile(attach, *file))
            return TOOL_EXIT_FAILED;
    } else if (names && *names[0]) {
        attach->definition = *names++;
    } else {
        return toolOutputUsageError(command, _("no device is specified: a definition or --file is required"));
    }
    if (names && !*names)
        names = NULL;

    result = fleetRun(command, operation, &fleet, names,
                      attach->def ? attach->def->fields.devicename : attach->definition, attach);
    emulatedPCIDefFree(attach->def);
    g_free(attach->alias);
    return result;
}


static ToolExit
toolAttachCommand(const ToolCommand *command, int argc, char **argv)
{
    static const FleetOperation operation = {
        "attach", N_("attached"), N_("would be attached"), toolAttachPrepare, toolAttachRun, g_free,
    };
    ToolAttach attach = { 0 };
    g_autofree char *file = NULL;
    const GOptionEntry entries[] = {
        { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file,
          N_("Attach the <emulatedpci> in FILE in place of a definition"), N_("FILE") },
        { "again", 0, 0, G_OPTION_ARG_NONE, &attach.again,
          N_("Attach another device even if the domain already has one"), NULL },
        { "raise-machine", 0, 0, G_OPTION_ARG_NONE, &attach.raise,
          N_("Change a machine type that is too old to the newest one"), NULL },
        { "live", 0, 0, G_OPTION_ARG_NONE, &attach.live,
          N_("Attach to the running domain"), NULL },
        { "config", 0, 0, G_OPTION_ARG_NONE, &attach.config,
          N_("Attach for the next start (the default without --live)"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    return toolAttachMain(command, &operation, &attach, entries, &file, argc, argv);
}


static ToolExit
toolDetachCommand(const ToolCommand *command, int argc, char **argv)
{
    static const FleetOperation operation = {
        "detach", N_("detached"), N_("would be detached"), toolDetachPrepare, toolDetachRun, g_free,
    };
    ToolAttach attach = { 0 };
    g_autofree char *file = NULL;
    const GOptionEntry entries[] = {
        { "file", 'f', 0, G_OPTION_ARG_FILENAME, &file,
          N_("Detach the device that is equal to the <emulatedpci> in FILE"), N_("FILE") },
        { "alias", 0, 0, G_OPTION_ARG_STRING, &attach.alias,
          N_("Detach only the device with this alias"), N_("ALIAS") },
        { "every", 0, 0, G_OPTION_ARG_NONE, &attach.each,
          N_("Detach all matching devices"), NULL },
        { "live", 0, 0, G_OPTION_ARG_NONE, &attach.live,
          N_("Detach from the running domain"), NULL },
        { "config", 0, 0, G_OPTION_ARG_NONE, &attach.config,
          N_("Detach for the next start (the default without --live)"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    return toolAttachMain(command, &operation, &attach, entries, &file, argc, argv);
}


const ToolCommand toolCommandAttach = {
    .name = "attach",
    .operands = N_("DEFINITION [DOMAIN…]"),
    .summary = N_("Attach an emulated device to domains"),
    .description = N_("Attaches DEFINITION (name or UUID) to DOMAINs (name, UUID or ID), or to those\n"
                      "that --where selects, for their next start; with --live to the running\n"
                      "domains, and with --live --config both. KEY is one of state, name, uuid,\n"
                      "title, description, machine, arch, has (a definition) and xpath.\n"
                      "Exit status: 0 if all domains succeeded, 1 if none did, 3 if some did."),
    .run = toolAttachCommand,
};

const ToolCommand toolCommandDetach = {
    .name = "detach",
    .operands = N_("DEFINITION [DOMAIN…]"),
    .summary = N_("Detach an emulated device from domains"),
    .description = N_("Reverts \"attach\", for domains that are selected in the same way."),
    .run = toolDetachCommand,
};
