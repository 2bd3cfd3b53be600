/*
 * device_machine.c: the machine type of a domain, which can be too old for a device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_machine.h"
#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"
#include "emulatedpci_xml.h"
#include "qemu_machine.h"
#include "rpc_frame.h"

#include "gettext.h"

#include <libxml/tree.h>
#include <string.h>

#define _(s) gettext(s)

/* The maximum length of the name of a machine type. QEMU's longest names have about 30
 * characters. */
#define MACHINE_LEN_MAX 64

/* The beginning of the element in libvirt's format */
#define MACHINE_OS "\n  <os"


gboolean
deviceMachineCheck(const char *machine, GError **err)
{
    g_autofree char *quoted = NULL;

    if (emulatedPCINameIsValid(machine, MACHINE_LEN_MAX))
        return TRUE;

    quoted = emulatedPCIErrorQuote(machine);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' of attribute 'machine' of <emulatedpci>: 1 to "
                             "%2$d characters of [A-Za-z0-9._-] are allowed"), quoted,
                           MACHINE_LEN_MAX);
    return FALSE;
}


static xmlNodePtr
machineChild(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node;

    for (node = parent ? parent->children : NULL; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0)
            return node;
    }
    return NULL;
}


/* Returns the machine type of the domain in XML, a new string, or NULL. */
static char *
machineRead(const char *xml)
{
    xmlDocPtr doc = emulatedPCIXMLParse(xml, strlen(xml), RPC_STRING_MAX, "domain.xml", NULL);
    xmlNodePtr type;
    xmlChar *value = NULL;
    char *machine;

    if (!doc)
        return NULL;
    type = machineChild(machineChild(xmlDocGetRootElement(doc), "os"), "type");
    if (type)
        value = xmlGetNoNsProp(type, BAD_CAST "machine");
    machine = g_strdup((const char *) value);
    xmlFree(value);
    xmlFreeDoc(doc);
    return machine;
}


/* Returns whether MACHINE is an older version of OTHER's family. */
static gboolean
machineIsOlder(const char *machine, const char *other)
{
    const char *family = qemuMachineFamily(machine, NULL);
    const char *otherFamily = qemuMachineFamily(other, NULL);
    QEMUMachineVersion version;

    return family && otherFamily && strcmp(family, otherFamily) == 0 &&
        qemuMachineVersion(other, &version) && qemuMachineIsBelow(machine, &version);
}


char *
deviceMachineRaise(const char *xml, const char *machine, GError **err)
{
    g_autofree char *present = machineRead(xml);
    g_autofree char *attribute = NULL;
    g_autofree char *changed = NULL;
    g_autoptr(GString) result = NULL;
    const char *where;

    if (!present || !machineIsOlder(present, machine))
        return g_strdup(xml);

    attribute = g_strdup_printf(" machine='%s'", present);
    where = strstr(xml, MACHINE_OS);
    where = where ? strstr(where, attribute) : NULL;
    if (where) {
        result = g_string_new_len(xml, where - xml);
        g_string_append_printf(result, " machine='%s'%s", machine, where + strlen(attribute));

        /* Check that the machine type was replaced, and not another text. */
        changed = machineRead(result->str);
    }
    if (g_strcmp0(changed, machine) != 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot find the machine type '%1$s' in libvirt's XML of the "
                                 "domain"), present);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&result), FALSE);
}
