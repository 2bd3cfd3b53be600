/*
 * fleet_select.c: selection of domains
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet_select.h"

#include "emulatedpci_definition.h"
#include "emulatedpci_error.h"

#include <fnmatch.h>
#include <libvirt/virterror.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <string.h>

typedef enum {
    FLEET_KEY_STATE = 0,
    FLEET_KEY_NAME,
    FLEET_KEY_UUID,
    FLEET_KEY_TITLE,
    FLEET_KEY_DESCRIPTION,
    FLEET_KEY_MACHINE,
    FLEET_KEY_ARCH,
    FLEET_KEY_HAS,
    FLEET_KEY_XPATH,

    FLEET_KEY_LAST
} FleetKey;

static const char *const keyNames[FLEET_KEY_LAST] = {
    "state", "name", "uuid", "title", "description", "machine", "arch", "has", "xpath",
};

static const char *const stateNames[] = {
    [VIR_DOMAIN_NOSTATE] = "nostate",
    [VIR_DOMAIN_RUNNING] = "running",
    [VIR_DOMAIN_BLOCKED] = "blocked",
    [VIR_DOMAIN_PAUSED] = "paused",
    [VIR_DOMAIN_SHUTDOWN] = "shutdown",
    [VIR_DOMAIN_SHUTOFF] = "shutoff",
    [VIR_DOMAIN_CRASHED] = "crashed",
    [VIR_DOMAIN_PMSUSPENDED] = "pmsuspended",
};

typedef struct {
    FleetKey key;
    gboolean negated;
    char *value;                    /* a glob, or an XPath expression */
} FleetCondition;

struct _FleetSelect {
    GArray *conditions;             /* FleetCondition; those that need XML last */
};


const char *
fleetStateName(int state)
{
    return state >= 0 && state < (int) G_N_ELEMENTS(stateNames) ? stateNames[state] : "nostate";
}


static void
fleetConditionClear(void *condition)
{
    g_free(((FleetCondition *) condition)->value);
}


static gboolean
fleetSelectCheckState(const char *glob, GError **err)
{
    g_autofree char *names = NULL;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(stateNames); i++) {
        if (fnmatch(glob, stateNames[i], 0) == 0)
            return TRUE;
    }
    names = g_strjoin(", ", stateNames[1], stateNames[2], stateNames[3], stateNames[4],
                      stateNames[5], stateNames[6], stateNames[7], NULL);
    emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                           _("invalid state '%1$s': one of %2$s is expected"), glob, names);
    return FALSE;
}


static gboolean
fleetSelectCheckXPath(const char *expression, GError **err)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    ToolXMLMessages collected = { messages };
    xmlXPathCompExprPtr compiled;

    xmlSetStructuredErrorFunc(&collected, toolXMLCollect);
    compiled = xmlXPathCompile(BAD_CAST expression);
    xmlSetStructuredErrorFunc(NULL, NULL);
    if (!compiled) {
        g_autofree char *reason = toolXMLJoin(&collected);

        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid XPath expression '%1$s': %2$s"), expression, reason);
        return FALSE;
    }
    xmlXPathFreeCompExpr(compiled);
    return TRUE;
}


/* Parses WHERE: a key, an operator and a value. */
static gboolean
fleetSelectParse(const char *where, FleetCondition *condition, GError **err)
{
    g_autofree char *names = NULL;
    int i;

    for (i = 0; i < FLEET_KEY_LAST; i++) {
        const gsize len = strlen(keyNames[i]);
        const char *p = where + len;

        if (strncmp(where, keyNames[i], len) != 0)
            continue;
        condition->key = i;
        condition->negated = *p == '!';
        if (condition->negated)
            p++;
        if (*p != '=' && !(*p == ':' && i == FLEET_KEY_XPATH))
            continue;
        condition->value = g_strdup(p + 1);
        if (i == FLEET_KEY_STATE)
            return fleetSelectCheckState(condition->value, err);
        return i != FLEET_KEY_XPATH || fleetSelectCheckXPath(condition->value, err);
    }

    names = g_strjoin(", ", keyNames[0], keyNames[1], keyNames[2], keyNames[3], keyNames[4],
                      keyNames[5], keyNames[6], keyNames[7], keyNames[8], NULL);
    emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                           _("invalid condition '%1$s': KEY=GLOB or KEY!=GLOB is expected, where "
                             "KEY is one of %2$s"), where, names);
    return FALSE;
}


static int
fleetConditionCompare(const void *a, const void *b)
{
    return (int) ((const FleetCondition *) a)->key - (int) ((const FleetCondition *) b)->key;
}


FleetSelect *
fleetSelectNew(char **where, GError **err)
{
    g_autoptr(FleetSelect) selection = g_new0(FleetSelect, 1);
    gsize i;

    selection->conditions = g_array_new(FALSE, TRUE, sizeof(FleetCondition));
    g_array_set_clear_func(selection->conditions, fleetConditionClear);
    for (i = 0; where && where[i]; i++) {
        FleetCondition condition = { 0, FALSE, NULL };
        const gboolean ok = fleetSelectParse(where[i], &condition, err);

        g_array_append_val(selection->conditions, condition);
        if (!ok)
            return NULL;
    }
    g_array_sort(selection->conditions, fleetConditionCompare);
    return g_steal_pointer(&selection);
}


void
fleetSelectFree(FleetSelect *selection)
{
    if (!selection)
        return;
    g_array_unref(selection->conditions);
    g_free(selection);
}


virDomainPtr
fleetDomainLookup(virConnectPtr conn, const char *name)
{
    virDomainPtr domain = NULL;

    if (*name && strlen(name) < 10 && !name[strspn(name, "0123456789")])
        domain = virDomainLookupByID(conn, g_ascii_strtoull(name, NULL, 10));
    if (!domain && strlen(name) == VIR_UUID_STRING_BUFLEN - 1)
        domain = virDomainLookupByUUIDString(conn, name);
    return domain ? domain : virDomainLookupByName(conn, name);
}


xmlDocPtr
fleetDomainXML(virDomainPtr domain, unsigned int flags, GError **err)
{
    g_autofree char *xml = virDomainGetXMLDesc(domain, flags);
    ToolInput input = { NULL, xml, 0 };

    if (!xml) {
        toolConnectReport(err);
        return NULL;
    }
    input.len = strlen(xml);
    return toolXMLParse(&input, err);
}


/* Registers the namespace prefixes of the document; the first declaration of a prefix is used. */
static void
fleetSelectRegister(xmlXPathContextPtr context, xmlNodePtr node)
{
    for (; node; node = node->next) {
        xmlNsPtr ns;

        if (node->type != XML_ELEMENT_NODE)
            continue;
        for (ns = node->nsDef; ns; ns = ns->next) {
            if (ns->prefix && !xmlXPathNsLookup(context, ns->prefix))
                xmlXPathRegisterNs(context, ns->prefix, ns->href);
        }
        fleetSelectRegister(context, node->children);
    }
}


static FleetSelectResult
fleetSelectXPath(xmlDocPtr doc, const char *expression, GError **err)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    ToolXMLMessages collected = { messages };
    xmlXPathContextPtr context = xmlXPathNewContext(doc);
    xmlXPathObjectPtr object;
    FleetSelectResult result = FLEET_SELECT_ERROR;

    context->node = xmlDocGetRootElement(doc);
    fleetSelectRegister(context, context->node);

    xmlSetStructuredErrorFunc(&collected, toolXMLCollect);
    object = xmlXPathEvalExpression(BAD_CAST expression, context);
    xmlSetStructuredErrorFunc(NULL, NULL);
    if (object) {
        result = xmlXPathCastToBoolean(object) ? FLEET_SELECT_YES : FLEET_SELECT_NO;
        xmlXPathFreeObject(object);
    } else if (context->lastError.code == XML_XPATH_UNDEF_PREFIX_ERROR) {
        /* without this namespace, the document has no matching nodes */
        result = FLEET_SELECT_NO;
    } else {
        g_autofree char *reason = toolXMLJoin(&collected);

        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid XPath expression '%1$s': %2$s"), expression, reason);
    }
    xmlXPathFreeContext(context);
    return result;
}


static gboolean
fleetSelectHas(xmlNodePtr devices, const char *glob)
{
    xmlNodePtr node;

    for (node = devices->children; node; node = node->next) {
        xmlChar *name = toolXMLIs(node, "emulatedpci") ? xmlGetNoNsProp(node, BAD_CAST "definition")
                                                       : NULL;
        gboolean match = FALSE;

        if (!name)
            continue;
        match = fnmatch(glob, (char *) name, 0) == 0 ||
            (g_str_has_prefix((char *) name, EMULATED_PCI_DEFINITION_PREFIX) &&
             fnmatch(glob, (char *) name + strlen(EMULATED_PCI_DEFINITION_PREFIX), 0) == 0);
        xmlFree(name);
        if (match)
            return TRUE;
    }
    return FALSE;
}


static gboolean
fleetSelectContent(xmlNodePtr node, const char *attribute, const char *glob)
{
    xmlChar *content = attribute ? xmlGetNoNsProp(node, BAD_CAST attribute) : xmlNodeGetContent(node);
    const gboolean match = content && fnmatch(glob, (char *) content, 0) == 0;

    xmlFree(content);
    return match;
}


/* Returns whether @doc satisfies @condition. */
static gboolean
fleetSelectDocument(xmlDocPtr doc, const FleetCondition *condition)
{
    static const char *const parents[FLEET_KEY_LAST] = {
        [FLEET_KEY_TITLE] = "title", [FLEET_KEY_DESCRIPTION] = "description",
        [FLEET_KEY_MACHINE] = "os", [FLEET_KEY_ARCH] = "os", [FLEET_KEY_HAS] = "devices",
    };
    xmlNodePtr node;
    xmlNodePtr type;

    for (node = xmlDocGetRootElement(doc)->children; node; node = node->next) {
        if (!toolXMLIs(node, parents[condition->key]))
            continue;
        if (condition->key == FLEET_KEY_HAS)
            return fleetSelectHas(node, condition->value);
        if (condition->key == FLEET_KEY_TITLE || condition->key == FLEET_KEY_DESCRIPTION)
            return fleetSelectContent(node, NULL, condition->value);
        for (type = node->children; type; type = type->next) {
            if (toolXMLIs(type, "type"))
                return fleetSelectContent(type, keyNames[condition->key], condition->value);
        }
    }
    /* no title is an empty title */
    return (condition->key == FLEET_KEY_TITLE || condition->key == FLEET_KEY_DESCRIPTION) &&
        fnmatch(condition->value, "", 0) == 0;
}


static FleetSelectResult
fleetSelectOne(const FleetCondition *condition, virDomainPtr domain, ToolXMLDoc **doc, GError **err)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    int state;

    switch (condition->key) {
    case FLEET_KEY_STATE:
        if (virDomainGetState(domain, &state, NULL, 0) < 0) {
            toolConnectReport(err);
            return FLEET_SELECT_ERROR;
        }
        return fnmatch(condition->value, fleetStateName(state), 0) == 0;
    case FLEET_KEY_NAME:
        return fnmatch(condition->value, virDomainGetName(domain), 0) == 0;
    case FLEET_KEY_UUID:
        virDomainGetUUIDString(domain, uuid);
        return fnmatch(condition->value, uuid, FNM_CASEFOLD) == 0;
    case FLEET_KEY_TITLE:
    case FLEET_KEY_DESCRIPTION:
    case FLEET_KEY_MACHINE:
    case FLEET_KEY_ARCH:
    case FLEET_KEY_HAS:
    case FLEET_KEY_XPATH:
    case FLEET_KEY_LAST:
    default:
        break;
    }

    if (!*doc)
        *doc = fleetDomainXML(domain, VIR_DOMAIN_XML_INACTIVE, err);
    if (!*doc)
        return FLEET_SELECT_ERROR;
    if (condition->key == FLEET_KEY_XPATH)
        return fleetSelectXPath(*doc, condition->value, err);
    return fleetSelectDocument(*doc, condition);
}


FleetSelectResult
fleetSelectMatch(const FleetSelect *selection, virDomainPtr domain, GError **err)
{
    g_autoptr(ToolXMLDoc) doc = NULL;
    guint i;

    for (i = 0; i < selection->conditions->len; i++) {
        const FleetCondition *condition = &g_array_index(selection->conditions, FleetCondition, i);
        const FleetSelectResult result = fleetSelectOne(condition, domain, &doc, err);

        if (result == FLEET_SELECT_ERROR)
            return result;
        if ((result == FLEET_SELECT_YES) == condition->negated)
            return FLEET_SELECT_NO;
    }
    return FLEET_SELECT_YES;
}
