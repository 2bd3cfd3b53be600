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


/* The content of ROOT's child, newly allocated, or NULL. */
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


/* What the host's newest of the family is called. */
static char *
toolMachineNewest(virConnectPtr conn, const char *arch, const char *virttype,
                  const char *newest, GError **err)
{
    g_autofree char *caps = virConnectGetDomainCapabilities(conn, NULL, arch, newest, virttype, 0);
    ToolInput input = { NULL, caps, 0 };
    g_autoptr(ToolXMLDoc) doc = NULL;
    char *machine;

    if (!caps) {
        toolConnectReport(err);
        return NULL;
    }
    input.len = strlen(caps);
    doc = toolXMLParse(&input, err);
    if (!doc)
        return NULL;
    machine = toolMachineChild(xmlDocGetRootElement(doc), "machine");
    if (!machine)
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("the host does not say what its newest machine type is"));
    return machine;
}


static void
toolMachineFindType(xmlNodePtr node, void *opaque)
{
    *(xmlNodePtr *) opaque = node;
}


int
toolMachineRaise(xmlNodePtr root, virConnectPtr conn, GError **err)
{
    xmlNodePtr type = NULL;
    xmlChar *machine;
    xmlChar *arch;
    xmlChar *virttype;
    g_autofree char *newest = NULL;
    int result = 0;

    toolXMLForEachChild(root, "os", "type", toolMachineFindType, &type);
    machine = type ? xmlGetNoNsProp(type, BAD_CAST "machine") : NULL;
    if (machine && qemuMachineIsOld((char *) machine)) {
        const char *family = NULL;

        arch = xmlGetNoNsProp(type, BAD_CAST "arch");
        virttype = xmlGetNoNsProp(root, BAD_CAST "type");
        qemuMachineFamily((char *) machine, &family);
        newest = toolMachineNewest(conn, (char *) arch, (char *) virttype, family, err);
        xmlFree(arch);
        xmlFree(virttype);
        result = newest ? 1 : -1;
        if (newest && qemuMachineIsOld(newest)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("the host's newest machine type of the family of '%1$s' is "
                                     "'%2$s', which is older than QEMU 6.0's too"),
                                   (char *) machine, newest);
            result = -1;
        }
        if (result == 1)
            xmlSetProp(type, BAD_CAST "machine", BAD_CAST newest);
    }
    xmlFree(machine);
    return result;
}
