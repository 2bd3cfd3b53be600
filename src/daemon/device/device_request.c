/*
 * device_request.c: the device in a call to attach, detach or update
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_machine.h"
#include "device_request.h"
#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"
#include "definition_message.h"
#include "projection_devices.h"
#include "rewrite.h"

#include "gettext.h"

#include <libxml/parser.h>
#include <string.h>

#define _(s) gettext(s)


void
deviceRequestClear(DeviceRequest *request)
{
    g_clear_pointer(&request->def, emulatedPCIDefFree);
    g_clear_pointer(&request->machine, g_free);
}


DeviceOperation
deviceRequestOperation(guint32 procedure)
{
    switch (procedure) {
    case PROCEDURE_DOMAIN_ATTACH_DEVICE:
    case PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS:
        return DEVICE_ATTACH;
    case PROCEDURE_DOMAIN_UPDATE_DEVICE_FLAGS:
        return DEVICE_UPDATE;
    default:
        return DEVICE_DETACH;
    }
}


/* Removes the attribute NAME from ROOT, an element to attach. Returns its value, or NULL if there
 * is none. */
static char *
deviceTakeAttribute(xmlNodePtr root, const char *name)
{
    xmlAttrPtr attr = xmlHasProp(root, BAD_CAST name);
    xmlChar *value = attr ? xmlNodeGetContent((xmlNodePtr) attr) : NULL;
    char *copy = g_strdup((char *) value);

    if (attr)
        xmlRemoveProp(attr);
    xmlFree(value);
    return copy;
}


/* Removes the attributes from ROOT that only describe how to attach the device. */
static gboolean
deviceTakeAttributes(DeviceRequest *request, xmlNodePtr root, GError **err)
{
    g_autofree char *once = deviceTakeAttribute(root, "once");
    g_autofree char *quoted = NULL;

    request->once = once && strcmp(once, "yes") == 0;
    if (once && !request->once && strcmp(once, "no") != 0) {
        quoted = emulatedPCIErrorQuote(once);
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' of attribute 'once' of <emulatedpci>: "
                                 "must be 'yes' or 'no'"), quoted);
        return FALSE;
    }

    request->machine = deviceTakeAttribute(root, "machine");
    return !request->machine || deviceMachineCheck(request->machine, err);
}


static gboolean
deviceIsEmulated(const xmlChar *root)
{
    return root && strcmp((const char *) root, "emulatedpci") == 0;
}


/* Returns whether XML that the parser does not accept is an <emulatedpci>. Only the name of the
 * root element is read, and no entities. libvirt reports errors of other devices, and of documents
 * that are malformed before that. */
static gboolean
deviceMeansEmulated(const char *xml, gsize len)
{
    EmulatedPCIXMLFacts facts;

    emulatedPCIXMLLook(xml, len, "emulatedpci", &facts);
    return facts.isRoot;
}


gboolean
deviceRequestParse(DeviceRequest *request, const char *xml, gsize len, GError **err)
{
    g_autoptr(GError) failure = NULL;
    gboolean emulated;
    xmlNodePtr root;
    xmlDocPtr doc;

    if (!g_strstr_len(xml, len, "emulatedpci"))
        return FALSE;

    doc = emulatedPCIXMLParse(xml, len, EMULATED_PCI_XML_MAX, "device.xml", &failure);
    if (!doc) {
        emulated = deviceMeansEmulated(xml, len);
        if (emulated)
            g_propagate_error(err, g_steal_pointer(&failure));
        return emulated;
    }

    root = xmlDocGetRootElement(doc);
    emulated = deviceIsEmulated(root->name);
    if (!emulated) {
        g_autofree char *misplaced = projectionFindMisplaced(xml, len);

        xmlFreeDoc(doc);
        if (misplaced)
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s", misplaced);
        return misplaced != NULL;
    }
    if (request->op != DEVICE_ATTACH || deviceTakeAttributes(request, root, err))
        request->def = emulatedPCIDefParseNode(root, err);
    xmlFreeDoc(doc);
    return TRUE;
}


/* The name of a definition is sufficient to detach a device. */
static gboolean
deviceRequestNeedsDefinition(const DeviceRequest *request)
{
    if (request->op == DEVICE_DETACH && request->def->needsDefinition)
        return !g_str_has_prefix(request->def->definition, DEFINITION_PREFIX);
    return projectionNeedsDefinition(request->def);
}


char *
deviceRequestDefinition(const RPCHeader *header, const Procedure *proc, const GByteArray *call)
{
    g_auto(DeviceRequest) request = { .op = deviceRequestOperation(header->procedure) };
    RewriteArguments args;

    if (header->type != RPC_CALL || header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS ||
        !rewriteRead(proc, call, RPC_HEADER_SIZE, &args) || !args.xml ||
        !deviceRequestParse(&request, args.xml, args.xmlLen, NULL) || !request.def ||
        !deviceRequestNeedsDefinition(&request))
        return NULL;
    return g_strdup(request.def->definition);
}


gboolean
deviceRequestComplete(DeviceRequest *request, const ProjectionOptions *opts, GError **err)
{
    EmulatedPCIDef *def = request->def;
    const EmulatedPCIDef *from;

    if (request->op != DEVICE_DETACH || !def->needsDefinition)
        return projectionResolve(def, opts, err) && emulatedPCIDefValidate(def, err);
    if (!deviceRequestNeedsDefinition(request))
        return TRUE;

    /* the definition was found by its UUID; domains contain its name */
    from = opts->definition ? opts->definition(def->definition, opts->definitionOpaque, err) : NULL;
    if (!from)
        return FALSE;
    g_free(def->definition);
    def->definition = g_strdup(from->definition);
    return TRUE;
}
