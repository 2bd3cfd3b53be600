/*
 * tool_attach.c: virt-emulatedpci attach and detach
 *
 * Both change what libvirt keeps of a domain, so that its next start has or
 * has not the device. libvirt gives the address.
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
    /* what it is about: one of these two */
    const char *definition;     /* as the user wrote it: name or uuid */
    EmulatedPCIDef *def;

    gboolean again;             /* attach one more */
    gboolean raise;             /* the machine type, if need be */
    gboolean each;              /* detach all */
    char *alias;                /* detach this one, or NULL */
} ToolAttach;


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


/* A domain may refer to one that is gone. */
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


/* NULL with ERR set. */
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


/* Returns whether the domain already has the device: 1, 0, or -1 with @err set. */
static int
toolAttachHas(const ToolAttach *attach, const char *name, virDomainPtr domain, GError **err)
{
    g_autoptr(ToolXMLDoc) doc = fleetDomainXML(domain, VIR_DOMAIN_XML_INACTIVE, err);
    g_autoptr(GPtrArray) present = NULL;

    if (!name)
        name = attach->def->definition;
    present = doc ? toolAttachFindAll(attach, name, doc, err) : NULL;
    return present ? present->len > 0 : -1;
}


/* The daemon checks whether the domain already has the device, and changes the machine type, in
 * the same call. No other client can change the domain in between. */
static FleetOutcome
toolAttachDevice(virDomainPtr domain, const ToolAttach *attach, const char *name,
                 const char *machine, GError **err)
{
    g_autofree char *xml = toolAttachXML(attach, name, !attach->again, machine);

    if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_CONFIG) == 0)
        return FLEET_DONE;

    toolConnectReport(err);
    if (attach->again || toolAttachHas(attach, name, domain, NULL) <= 0)
        return FLEET_FAILED;
    g_clear_error(err);
    return FLEET_UNCHANGED;
}


static FleetOutcome
toolAttachRun(virDomainPtr domain, gboolean dry, void *opaque, void *host, GError **err)
{
    const ToolAttach *attach = opaque;
    g_autofree char *machine = NULL;

    if (!attach->again && (dry || attach->raise)) {
        const int has = toolAttachHas(attach, host, domain, err);

        if (has != 0)
            return has > 0 ? FLEET_UNCHANGED : FLEET_FAILED;
    }
    if (attach->raise) {
        g_autoptr(ToolXMLDoc) doc = fleetDomainXML(domain, VIR_DOMAIN_XML_INACTIVE, err);

        if (!doc || toolMachineRaise(xmlDocGetRootElement(doc), virDomainGetConnect(domain),
                                     &machine, err) < 0)
            return FLEET_FAILED;
    }
    return dry ? FLEET_DONE : toolAttachDevice(domain, attach, host, machine, err);
}


/* --- detach */

static gboolean
toolDetachDevice(virDomainPtr domain, const EmulatedPCIDef *def, GError **err)
{
    g_autoptr(GString) xml = g_string_new(NULL);

    emulatedPCIDefFormat(def, "", "\n", xml);
    if (virDomainDetachDeviceFlags(domain, xml->str, VIR_DOMAIN_AFFECT_CONFIG) == 0)
        return TRUE;
    toolConnectReport(err);
    return FALSE;
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


static FleetOutcome
toolDetachRun(virDomainPtr domain, gboolean dry, void *opaque, void *host, GError **err)
{
    const ToolAttach *attach = opaque;
    g_autoptr(ToolXMLDoc) doc = fleetDomainXML(domain, VIR_DOMAIN_XML_INACTIVE, err);
    g_autoptr(GPtrArray) present = doc ? toolAttachFindAll(attach, host, doc, err) : NULL;
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
        if (!toolDetachDevice(domain, g_ptr_array_index(present, i), err))
            return FLEET_FAILED;
    }
    return FLEET_DONE;
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
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    return toolAttachMain(command, &operation, &attach, entries, &file, argc, argv);
}


const ToolCommand toolCommandAttach = {
    .name = "attach",
    .operands = N_("DEFINITION [DOMAIN…]"),
    .summary = N_("Attach an emulated device to domains"),
    .description = N_("Attaches DEFINITION (name or UUID) to DOMAINs (name, UUID or ID), or to those\n"
                      "that --where selects, for their next start. KEY is one of state, name, uuid,\n"
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
