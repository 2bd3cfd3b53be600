/*
 * tool_machine.c: a domain's machine type, its virtual hardware's version
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_connect.h"
#include "tool_machine.h"

#include "emulatedpci_error.h"
#include "qemu_machine.h"

#include <libvirt/virterror.h>
#include <string.h>

/* --raise-machine leaves machine types from this version of QEMU on alone, unless the host
 * does not support devices with them. */
#define TOOL_MACHINE_MAJOR_MIN 6


/* Returns the content of ROOT's child, newly allocated, or NULL. */
static char *
toolMachineChild(xmlNodePtr root, const char *name)
{
    xmlNodePtr node;

    for (node = root->children; node; node = node->next) {
        if (toolXMLIs(node, name)) {
            xmlChar *content = xmlNodeGetContent(node);
            char *copy = g_strdup((char *) content);

            xmlFree(content);
            return copy;
        }
    }
    return NULL;
}


/* Returns the name of a machine type on the host of @conn. */
typedef struct {
    char *name;         /* canonical */
    gboolean refused;   /* emulated PCI devices are not supported with it */
} ToolMachine;


static void
toolMachineFindSupport(xmlNodePtr node, void *opaque)
{
    ToolMachine *found = opaque;
    xmlChar *supported = xmlGetNoNsProp(node, BAD_CAST "supported");

    found->refused = supported && strcmp((char *) supported, "no") == 0;
    xmlFree(supported);
}


/* Fills FOUND, whose name is the caller's, from the host's domain capabilities. */
static gboolean
toolMachineLookup(virConnectPtr conn, const char *arch, const char *virttype,
                  const char *machine, ToolMachine *found, GError **err)
{
    g_autofree char *caps = virConnectGetDomainCapabilities(conn, NULL, arch, machine, virttype, 0);
    ToolInput input = { NULL, caps, 0 };
    g_autoptr(ToolXMLDoc) doc = NULL;

    if (!caps) {
        toolConnectReport(err);
        return FALSE;
    }
    input.len = strlen(caps);
    doc = toolXMLParse(&input, err);
    if (!doc)
        return FALSE;
    found->name = toolMachineChild(xmlDocGetRootElement(doc), "machine");
    toolXMLForEachChild(xmlDocGetRootElement(doc), "devices", "emulatedpci",
                        toolMachineFindSupport, found);
    if (!found->name)
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("the domain capabilities of the host do not name a machine type"));
    return found->name != NULL;
}


static void
toolMachineFindType(xmlNodePtr node, void *opaque)
{
    *(xmlNodePtr *) opaque = node;
}


/* Returns whether a domain with @machine requires a newer one: it is older than 6.0, or older
 * than the host allows. Defining the domain fails for a machine type that the host does not
 * support. */
static gboolean
toolMachineIsOld(virConnectPtr conn, const char *arch, const char *virttype, const char *machine)
{
    static const QEMUMachineVersion old = { TOOL_MACHINE_MAJOR_MIN, 0 };
    ToolMachine found = { NULL, FALSE };

    if (qemuMachineIsBelow(machine, &old))
        return TRUE;
    if (!qemuMachineFamily(machine, NULL) ||
        !toolMachineLookup(conn, arch, virttype, machine, &found, NULL))
        return FALSE;
    g_free(found.name);
    return found.refused;
}


/* Returns the name of the host's newest machine type of MACHINE's family. Returns NULL with ERR set
 * if that cannot have devices either. */
static char *
toolMachineNewest(virConnectPtr conn, const char *arch, const char *virttype,
                  const char *machine, GError **err)
{
    const char *newest = NULL;
    ToolMachine found = { NULL, FALSE };

    qemuMachineFamily(machine, &newest);
    if (!toolMachineLookup(conn, arch, virttype, newest, &found, err))
        return NULL;
    if (!found.refused)
        return found.name;

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("the newest machine type of the host in the family of '%1$s' is "
                             "'%2$s', which does not support emulated PCI devices either"),
                           machine, found.name);
    g_free(found.name);
    return NULL;
}


int
toolMachineRaise(xmlNodePtr root, virConnectPtr conn, char **newest, GError **err)
{
    xmlNodePtr type = NULL;
    xmlChar *machine;
    xmlChar *arch;
    xmlChar *virttype;
    int result = 0;

    *newest = NULL;
    toolXMLForEachChild(root, "os", "type", toolMachineFindType, &type);
    machine = type ? xmlGetNoNsProp(type, BAD_CAST "machine") : NULL;
    arch = type ? xmlGetNoNsProp(type, BAD_CAST "arch") : NULL;
    virttype = xmlGetNoNsProp(root, BAD_CAST "type");
    if (machine && toolMachineIsOld(conn, (char *) arch, (char *) virttype, (char *) machine)) {
        *newest = toolMachineNewest(conn, (char *) arch, (char *) virttype, (char *) machine, err);
        result = *newest ? 1 : -1;
    }
    xmlFree(machine);
    xmlFree(arch);
    xmlFree(virttype);
    return result;
}
