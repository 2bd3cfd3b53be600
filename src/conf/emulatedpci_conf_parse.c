/*
 * emulatedpci_conf_parse.c: parser of the <emulatedpci> element
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf_private.h"
#include "emulatedpci_xml.h"

#include <libxml/parser.h>
#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

typedef enum {
    ROOT_ATTR_DEVICENAME = 0,
    ROOT_ATTR_INDEX,
    ROOT_ATTR_DEFINITION,

    ROOT_ATTR_LAST
} RootAttr;

static const char *const rootAttrs[ROOT_ATTR_LAST + 1] = {
    "devicename", "index", "definition", NULL
};

typedef enum {
    ROOT_CHILD_CONFIG = 0,
    ROOT_CHILD_ALIAS,
    ROOT_CHILD_ADDRESS,
    ROOT_CHILD_DRIVER,

    ROOT_CHILD_LAST
} RootChild;

static const char *const rootChildren[ROOT_CHILD_LAST + 1] = {
    "config", "alias", "address", "driver", NULL
};

typedef enum {
    DRIVER_CHILD_ARG = 0,

    DRIVER_CHILD_LAST
} DriverChild;

static const char *const driverChildren[DRIVER_CHILD_LAST + 1] = { "arg", NULL };
static const char *const argAttrs[] = { "value", NULL };
static const char *const aliasAttrs[] = { "name", NULL };
static const char *const addressChildren[] = { "zpci", NULL };
static const char *const nothing[] = { NULL };


gboolean
emulatedPCIDefParseConfig(EmulatedPCIDef *def,
                          xmlNodePtr node,
                          GError **err)
{
    /* All fields except for devicename, which is an attribute of the parent */
    const char *names[EMULATED_PCI_FIELD_LAST];
    xmlNodePtr none[1] = { NULL };
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST - 1; i++)
        names[i] = emulatedPCIFieldGetInfo(i + 1)->name;
    names[i] = NULL;

    if (!emulatedPCIXMLReadAttributes(node, names, def->text + 1, err) ||
        !emulatedPCIXMLReadChildren(node, nothing, none, NULL, err))
        return FALSE;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const char *text = def->text[i];

        if (!text)
            continue;
        if (emulatedPCIFieldParseNumber(i, text, &def->fields.value[i]) != EMULATED_PCI_NUMBER_OK) {
            emulatedPCIDefReportField(i, text, err);
            return FALSE;
        }
        def->given[i] = TRUE;
    }
    return TRUE;
}


gboolean
emulatedPCIDefParseDevicename(EmulatedPCIDef *def,
                              const char *name,
                              GError **err)
{
    if (!emulatedPCIDefCheckDevicename(name, err))
        return FALSE;

    g_strlcpy(def->fields.devicename, name, sizeof(def->fields.devicename));
    def->given[EMULATED_PCI_FIELD_DEVICENAME] = TRUE;
    return TRUE;
}


gboolean
emulatedPCIDefCheckRequired(const EmulatedPCIDef *def,
                            const char *element,
                            GError **err)
{
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        if (info->required && !def->given[i]) {
            emulatedPCIXMLReportMissing(info->name,
                                   i == EMULATED_PCI_FIELD_DEVICENAME ? element : "config", err);
            return FALSE;
        }
    }
    return TRUE;
}


static gboolean
parseAlias(EmulatedPCIDef *def,
           xmlNodePtr node,
           GError **err)
{
    char *values[2] = { NULL };
    xmlNodePtr none[1] = { NULL };
    gboolean ok = emulatedPCIXMLReadAttributes(node, aliasAttrs, values, err);

    def->alias = values[0];
    if (!ok || !emulatedPCIXMLReadChildren(node, nothing, none, NULL, err))
        return FALSE;

    if (!def->alias) {
        emulatedPCIXMLReportMissing("name", "alias", err);
        return FALSE;
    }
    return emulatedPCIDefCheckAlias(def->alias, err);
}


/* Returns whether the device can have an address of this TYPE. */
static gboolean
checkAddressType(const char *type,
                 GError **err)
{
    g_autofree char *quoted = NULL;

    if (strcmp(type, "pci") == 0)
        return TRUE;

    quoted = emulatedPCIErrorQuote(type);
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("unsupported value '%1$s' for attribute '%2$s' of <%3$s>: an emulated "
                             "PCI device requires an address of type 'pci'"),
                           quoted, "type", "address");
    return FALSE;
}


static gboolean
parseAddressValues(EmulatedPCIDef *def,
                   char **values,
                   xmlNodePtr zpci,
                   GError **err)
{
    int *const numbers[EMULATED_PCI_ADDRESS_ATTR_LAST] = {
        [EMULATED_PCI_ADDRESS_ATTR_DOMAIN] = &def->domain,
        [EMULATED_PCI_ADDRESS_ATTR_BUS] = &def->bus,
        [EMULATED_PCI_ADDRESS_ATTR_SLOT] = &def->slot,
        [EMULATED_PCI_ADDRESS_ATTR_FUNCTION] = &def->function,
    };
    const char *type = values[EMULATED_PCI_ADDRESS_ATTR_TYPE];
    const char *multi = values[EMULATED_PCI_ADDRESS_ATTR_MULTIFUNCTION];
    int i;

    if (!type) {
        emulatedPCIXMLReportMissing("type", "address", err);
        return FALSE;
    }
    if (!checkAddressType(type, err))
        return FALSE;
    if (zpci) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("<%1$s> in <%2$s> is not supported: emulated PCI devices are not "
                                 "supported on s390"),
                               "zpci", "address");
        return FALSE;
    }

    for (i = EMULATED_PCI_ADDRESS_ATTR_DOMAIN; i <= EMULATED_PCI_ADDRESS_ATTR_FUNCTION; i++) {
        guint32 number;

        if (!values[i])
            continue;
        if (emulatedPCINumberParse(values[i], emulatedPCIAddressNumbers[i].max,
                                   &number) != EMULATED_PCI_NUMBER_OK) {
            emulatedPCIDefReportNumber(emulatedPCIAddressAttrs[i], values[i], 0,
                                       emulatedPCIAddressNumbers[i].max, err);
            return FALSE;
        }
        *numbers[i] = number;
    }

    if (multi) {
        def->multifunction = strcmp(multi, "on") == 0;
        if (!def->multifunction && strcmp(multi, "off") != 0) {
            g_autofree char *quoted = emulatedPCIErrorQuote(multi);

            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("invalid value '%1$s' for attribute '%2$s': "
                                     "'on' or 'off' is expected"),
                                   quoted, "multifunction");
            return FALSE;
        }
    }

    def->hasAddress = TRUE;
    return TRUE;
}


static gboolean
parseAddress(EmulatedPCIDef *def,
             xmlNodePtr node,
             GError **err)
{
    char *values[EMULATED_PCI_ADDRESS_ATTR_LAST + 1] = { NULL };
    xmlNodePtr zpci[2] = { NULL };
    const char *typeName = emulatedPCIAddressAttrs[EMULATED_PCI_ADDRESS_ATTR_TYPE];
    const xmlAttr *type = xmlHasNsProp(node, BAD_CAST typeName, NULL);
    gboolean ok;
    int i;

    /* Other types have other attributes. The error must be about the type, and not about these. */
    if (type && type->children && type->children->type == XML_TEXT_NODE && !type->children->next &&
        !checkAddressType((const char *) type->children->content, err))
        return FALSE;

    ok = emulatedPCIXMLReadAttributes(node, emulatedPCIAddressAttrs, values, err) &&
        emulatedPCIXMLReadChildren(node, addressChildren, zpci, NULL, err) &&
        parseAddressValues(def, values, zpci[0], err);

    for (i = 0; i < EMULATED_PCI_ADDRESS_ATTR_LAST; i++)
        g_free(values[i]);
    return ok;
}


static gboolean
parseArg(EmulatedPCIDriver *driver,
         gsize number,
         xmlNodePtr node,
         GError **err)
{
    char *values[G_N_ELEMENTS(argAttrs)] = { NULL };
    xmlNodePtr none[1] = { NULL };
    g_autofree char *value = NULL;
    gboolean ok = emulatedPCIXMLReadAttributes(node, argAttrs, values, err);

    value = values[0];
    if (!ok || !emulatedPCIXMLReadChildren(node, nothing, none, NULL, err))
        return FALSE;

    if (!value) {
        emulatedPCIXMLReportMissing(argAttrs[0], driverChildren[DRIVER_CHILD_ARG], err);
        return FALSE;
    }
    return emulatedPCIDriverSetArg(driver, number, value, err);
}


static gboolean
parseDriver(EmulatedPCIDef *def,
            xmlNodePtr node,
            GError **err)
{
    const char *names[EMULATED_PCI_DRIVER_LAST + 1] = { NULL };
    char *values[EMULATED_PCI_DRIVER_LAST + 1] = { NULL };
    g_autoptr(GPtrArray) args = g_ptr_array_new();
    gboolean ok;
    gsize i;

    def->driver = emulatedPCIDriverNew();
    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++)
        names[i] = emulatedPCIDriverAttrToString(i);

    ok = emulatedPCIXMLReadAttributes(node, names, values, err) &&
        emulatedPCIXMLReadChildren(node, driverChildren, NULL, args, err);
    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        ok = ok && (!values[i] || emulatedPCIDriverSet(def->driver, i, values[i], err));
        g_free(values[i]);
    }
    for (i = 0; i < args->len; i++)
        ok = ok && parseArg(def->driver, i, g_ptr_array_index(args, i), err);

    return ok && emulatedPCIDriverValidate(def->driver, err);
}


static gboolean
parseIndex(EmulatedPCIDef *def,
           const char *str,
           GError **err)
{
    g_autofree char *quoted = NULL;
    guint32 number;

    if (emulatedPCINumberParse(str, EMULATED_PCI_INDEX_MAX, &number) == EMULATED_PCI_NUMBER_OK) {
        def->index = number;
        return TRUE;
    }

    quoted = emulatedPCIErrorQuote(str);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for attribute '%2$s': "
                             "a number from %3$d to %4$d is expected"),
                           quoted, "index", 0, EMULATED_PCI_INDEX_MAX);
    return FALSE;
}


static gboolean
isComplete(const EmulatedPCIDef *def)
{
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (!def->given[i])
            return FALSE;
    }
    return TRUE;
}


EmulatedPCIDef *
emulatedPCIDefParseNode(xmlNodePtr node,
                        GError **err)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefNew();
    char *values[ROOT_ATTR_LAST + 1] = { NULL };
    xmlNodePtr children[ROOT_CHILD_LAST + 1] = { NULL };
    g_autofree char *devicename = NULL;
    g_autofree char *index = NULL;
    gboolean ok;

    if (node->ns || strcmp((const char *) node->name, "emulatedpci") != 0) {
        g_autofree char *found = emulatedPCIXMLDescribe(node);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("unexpected element <%1$s>, expecting <%2$s>"),
                               found, "emulatedpci");
        return NULL;
    }

    ok = emulatedPCIXMLReadAttributes(node, rootAttrs, values, err);
    devicename = values[ROOT_ATTR_DEVICENAME];
    def->definition = values[ROOT_ATTR_DEFINITION];
    index = values[ROOT_ATTR_INDEX];
    if (!ok || !emulatedPCIXMLReadChildren(node, rootChildren, children, NULL, err))
        return NULL;

    if (devicename) {
        if (!emulatedPCIDefParseDevicename(def, devicename, err))
            return NULL;
    } else if (!def->definition) {
        emulatedPCIXMLReportMissing("devicename", "emulatedpci", err);
        return NULL;
    }

    if (index && !parseIndex(def, index, err))
        return NULL;

    if (def->definition && !emulatedPCIDefCheckDefinition(def->definition, err))
        return NULL;

    if (children[ROOT_CHILD_DRIVER] && !parseDriver(def, children[ROOT_CHILD_DRIVER], err))
        return NULL;

    if (children[ROOT_CHILD_CONFIG]) {
        if (!emulatedPCIDefParseConfig(def, children[ROOT_CHILD_CONFIG], err))
            return NULL;
    } else if (!def->definition && !emulatedPCIDefHasServer(def)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("missing element <%1$s> in <%2$s>"), "config", "emulatedpci");
        return NULL;
    }
    if (emulatedPCIDefHasServer(def) ? !emulatedPCIDefCheckServer(def, err) :
        !def->definition && !emulatedPCIDefCheckRequired(def, "emulatedpci", err))
        return NULL;
    def->needsDefinition = def->definition && !isComplete(def);

    if (children[ROOT_CHILD_ALIAS] && !parseAlias(def, children[ROOT_CHILD_ALIAS], err))
        return NULL;

    if (children[ROOT_CHILD_ADDRESS] && !parseAddress(def, children[ROOT_CHILD_ADDRESS], err))
        return NULL;

    if (!def->needsDefinition)
        emulatedPCIDefSetDefaults(def);
    return g_steal_pointer(&def);
}


EmulatedPCIDef *
emulatedPCIDefParseString(const char *xml,
                          gsize len,
                          GError **err)
{
    xmlDocPtr doc = emulatedPCIXMLParse(xml, len, EMULATED_PCI_XML_MAX, "device.xml", err);
    EmulatedPCIDef *def;

    if (!doc)
        return NULL;
    def = emulatedPCIDefParseNode(xmlDocGetRootElement(doc), err);
    xmlFreeDoc(doc);
    return def;
}
