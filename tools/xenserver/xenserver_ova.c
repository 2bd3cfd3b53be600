/*
 * xenserver_ova.c: the file ova.xml of an exported VM
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_ova.h"
#include "xenserver_xe.h"

#include "gettext.h"

#include <libxml/xpath.h>
#include <string.h>

#define _(s) gettext(s)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlXPathContext, xmlXPathFreeContext)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlXPathObject, xmlXPathFreeObject)

/* The path of the record of each VM */
#define XENSERVER_OVA_VMS \
    "/value/struct/member[name='objects']/value/array/data/value/struct" \
    "[normalize-space(member[name='class']/value)='VM']/member[name='snapshot']/value/struct"

/* The members of the record and their names in xe */
static const struct {
    const char *member;
    const char *parameter;
} members[] = {
    { "uuid", "uuid" },
    { "name_label", "name-label" },
    { "platform", "platform" },
    { "HVM_boot_params", "HVM-boot-params" },
    { "HVM_boot_policy", "HVM-boot-policy" },
    { "has_vendor_device", "has-vendor-device" },
    { "domain_type", "domain-type" },
    { "is_control_domain", "is-control-domain" },
    { "is_a_snapshot", "is-a-snapshot" },
};


static gboolean
xenserverIsElement(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0;
}


static xmlNodePtr
xenserverFindChild(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node;

    for (node = parent ? parent->children : NULL; node; node = node->next) {
        if (xenserverIsElement(node, name))
            return node;
    }
    return NULL;
}


/* Returns the text of the element NAME in PARENT, or of PARENT itself if NAME is NULL, without
 * white space around it. The caller frees the result, which can be NULL. */
static char *
xenserverGetText(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node = name ? xenserverFindChild(parent, name) : parent;
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    char *text = content ? g_strdup(g_strstrip((char *) content)) : NULL;

    xmlFree(content);
    return text;
}


/* Appends a map's pair to TEXT as xe prints it. Returns FALSE if that is not possible. */
static gboolean
xenserverAddPair(GString *text, xmlNodePtr member, GError **err)
{
    g_autofree char *name = xenserverGetText(member, "name");
    g_autofree char *value = xenserverGetText(member, "value");

    if (name && value && !strpbrk(name, ":;=") && !strchr(value, ';')) {
        g_string_append_printf(text, "%s%s: %s", text->len > 0 ? "; " : "", name, value);
        return TRUE;
    }
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("cannot read the map in line %1$ld"), xmlGetLineNo(member));
    return FALSE;
}


/* Returns the VALUE of a member as xe prints it. Returns NULL with ERR set if it cannot be read. */
static char *
xenserverFormatValue(xmlNodePtr value, GError **err)
{
    g_autoptr(GString) text = g_string_new(NULL);
    xmlNodePtr map = xenserverFindChild(value, "struct");
    g_autofree char *boolean = xenserverGetText(value, "boolean");
    xmlNodePtr node;

    if (boolean)
        return g_strdup(strcmp(boolean, "1") == 0 ? "true" :
                        strcmp(boolean, "0") == 0 ? "false" : boolean);
    if (!map)
        return xenserverGetText(value, NULL);

    for (node = map->children; node; node = node->next) {
        if (xenserverIsElement(node, "member") && !xenserverAddPair(text, node, err))
            return NULL;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}


static gboolean
xenserverReadMember(XenserverVM *vm, xmlNodePtr member, GError **err)
{
    g_autofree char *name = xenserverGetText(member, "name");
    xmlNodePtr value = xenserverFindChild(member, "value");
    gsize i;

    for (i = 0; name && value && i < G_N_ELEMENTS(members); i++) {
        g_autofree char *text = NULL;

        if (strcmp(members[i].member, name) != 0)
            continue;
        text = xenserverFormatValue(value, err);
        return text && xenserverVMSetParameter(vm, members[i].parameter, text, err);
    }
    return TRUE;
}


gboolean
xenserverReadOva(xmlDocPtr doc, GPtrArray *vms, GError **err)
{
    g_autoptr(xmlXPathContext) context = xmlXPathNewContext(doc);
    g_autoptr(xmlXPathObject) found = xmlXPathEvalExpression(BAD_CAST XENSERVER_OVA_VMS, context);
    int i;

    if (!found || !found->nodesetval || found->nodesetval->nodeNr == 0) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("this document is not the ova.xml of an exported VM"));
        return FALSE;
    }

    for (i = 0; i < found->nodesetval->nodeNr; i++) {
        XenserverVM *vm = xenserverVMNew();
        xmlNodePtr node;

        g_ptr_array_add(vms, vm);
        for (node = found->nodesetval->nodeTab[i]->children; node; node = node->next) {
            if (xenserverIsElement(node, "member") && !xenserverReadMember(vm, node, err))
                return FALSE;
        }
    }
    return TRUE;
}
