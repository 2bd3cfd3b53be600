/*
 * emulatedpci_conf.c: the <emulatedpci> element
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf.h"
#include "emulatedpci_xml.h"

#include <libxml/parser.h>
#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* The bits of headertype that an endpoint can have */
#define HEADERTYPE_SINGLE 0x00U
#define HEADERTYPE_MULTIFUNCTION ((guint32) EMULATED_PCI_HEADERTYPE_MULTIFUNCTION)

#define ALNUM_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz" \
    "0123456789"
#define ALIAS_CHARS ALNUM_CHARS "_-"

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
    ADDRESS_ATTR_TYPE = 0,
    ADDRESS_ATTR_DOMAIN,
    ADDRESS_ATTR_BUS,
    ADDRESS_ATTR_SLOT,
    ADDRESS_ATTR_FUNCTION,
    ADDRESS_ATTR_MULTIFUNCTION,

    ADDRESS_ATTR_LAST
} AddressAttr;

static const char *const addressAttrs[ADDRESS_ATTR_LAST + 1] = {
    "type", "domain", "bus", "slot", "function", "multifunction", NULL
};

/* Digits that libvirt prints, and the largest value. */
static const struct {
    unsigned int digits;
    guint32 max;
} addressNumbers[ADDRESS_ATTR_LAST] = {
    [ADDRESS_ATTR_DOMAIN] = { 4, EMULATED_PCI_ADDRESS_DOMAIN_MAX },
    [ADDRESS_ATTR_BUS] = { 2, EMULATED_PCI_ADDRESS_BUS_MAX },
    [ADDRESS_ATTR_SLOT] = { 2, EMULATED_PCI_ADDRESS_SLOT_MAX },
    [ADDRESS_ATTR_FUNCTION] = { 1, EMULATED_PCI_ADDRESS_FUNCTION_MAX },
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


/* The error for STR, which is no number that attribute ATTR may have. */
static void
reportNumber(const char *attr,
             const char *str,
             guint32 min,
             guint32 max,
             GError **err)
{
    g_autofree char *quoted = emulatedPCIErrorQuote(str);

    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for attribute '%2$s': "
                             "a decimal or 0x-hexadecimal number from 0x%3$x to 0x%4$x is expected"),
                           quoted, attr, min, max);
}


static unsigned int
fieldDigits(EmulatedPCIField field)
{
    return emulatedPCIFieldGetInfo(field)->bits / 4;
}


static void
reportField(EmulatedPCIField field,
            const char *str,
            GError **err)
{
    guint32 max = emulatedPCIFieldMax(field);
    guint32 min = 0;

    if (field == EMULATED_PCI_FIELD_VENDORID) {
        min = EMULATED_PCI_VENDORID_MIN;
        max = EMULATED_PCI_VENDORID_MAX;
    }
    reportNumber(emulatedPCIFieldGetInfo(field)->name, str, min, max, err);
}


/* --- judgements that Parse and Validate share */

static gboolean
checkDevicename(const char *name,
                GError **err)
{
    g_autofree char *quoted = NULL;

    if (emulatedPCIDevicenameIsValid(name))
        return TRUE;

    quoted = emulatedPCIErrorQuote(name);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for attribute '%2$s': "
                             "%3$d to %4$d characters of A-Z a-z 0-9 . _ - are expected"),
                           quoted, "devicename", 1, EMULATED_PCI_DEVICENAME_MAX);
    return FALSE;
}


static gboolean
checkDefinition(const char *name,
                GError **err)
{
    g_autofree char *quoted = NULL;

    if (emulatedPCINameIsValid(name, EMULATED_PCI_DEFINITION_MAX))
        return TRUE;

    quoted = emulatedPCIErrorQuote(name);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for attribute '%2$s': "
                             "%3$d to %4$d characters of A-Z a-z 0-9 . _ - are expected"),
                           quoted, "definition", 1, EMULATED_PCI_DEFINITION_MAX);
    return FALSE;
}


static gboolean
checkAlias(const char *alias,
           GError **err)
{
    size_t len = strspn(alias, ALIAS_CHARS);
    g_autofree char *quoted = NULL;

    if (g_str_has_prefix(alias, EMULATED_PCI_ALIAS_PREFIX) &&
        len > strlen(EMULATED_PCI_ALIAS_PREFIX) &&
        len <= EMULATED_PCI_ALIAS_MAX && alias[len] == '\0')
        return TRUE;

    quoted = emulatedPCIErrorQuote(alias);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for the name of <alias>: '%2$s' followed by "
                             "characters of A-Z a-z 0-9 _ - is expected, at most %3$d characters "
                             "in total"),
                           quoted, EMULATED_PCI_ALIAS_PREFIX, EMULATED_PCI_ALIAS_MAX);
    return FALSE;
}


gboolean
emulatedPCIDefParseConfig(EmulatedPCIDef *def,
                          xmlNodePtr node,
                          GError **err)
{
    /* The fields but devicename, which is an attribute of the parent. */
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
            reportField(i, text, err);
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
    if (!checkDevicename(name, err))
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
    return checkAlias(def->alias, err);
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
    int *const numbers[ADDRESS_ATTR_LAST] = {
        [ADDRESS_ATTR_DOMAIN] = &def->domain,
        [ADDRESS_ATTR_BUS] = &def->bus,
        [ADDRESS_ATTR_SLOT] = &def->slot,
        [ADDRESS_ATTR_FUNCTION] = &def->function,
    };
    const char *type = values[ADDRESS_ATTR_TYPE];
    const char *multi = values[ADDRESS_ATTR_MULTIFUNCTION];
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

    for (i = ADDRESS_ATTR_DOMAIN; i <= ADDRESS_ATTR_FUNCTION; i++) {
        guint32 number;

        if (!values[i])
            continue;
        if (emulatedPCINumberParse(values[i], addressNumbers[i].max,
                                   &number) != EMULATED_PCI_NUMBER_OK) {
            reportNumber(addressAttrs[i], values[i], 0, addressNumbers[i].max, err);
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
    char *values[ADDRESS_ATTR_LAST + 1] = { NULL };
    xmlNodePtr zpci[2] = { NULL };
    const xmlAttr *type = xmlHasNsProp(node, BAD_CAST addressAttrs[ADDRESS_ATTR_TYPE], NULL);
    gboolean ok;
    int i;

    /* Other types have other attributes: their names are not what is wrong. */
    if (type && type->children && type->children->type == XML_TEXT_NODE && !type->children->next &&
        !checkAddressType((const char *) type->children->content, err))
        return FALSE;

    ok = emulatedPCIXMLReadAttributes(node, addressAttrs, values, err) &&
        emulatedPCIXMLReadChildren(node, addressChildren, zpci, NULL, err) &&
        parseAddressValues(def, values, zpci[0], err);

    for (i = 0; i < ADDRESS_ATTR_LAST; i++)
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


EmulatedPCIDef *
emulatedPCIDefNew(void)
{
    EmulatedPCIDef *def = g_new0(EmulatedPCIDef, 1);

    def->index = -1;
    def->domain = -1;
    def->bus = -1;
    def->slot = -1;
    def->function = -1;
    def->multifunction = -1;
    return def;
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


void
emulatedPCIDefFill(EmulatedPCIDef *def,
                   const EmulatedPCIDef *from)
{
    int i;

    if (!def->given[EMULATED_PCI_FIELD_DEVICENAME]) {
        g_strlcpy(def->fields.devicename, from->fields.devicename,
                  sizeof(def->fields.devicename));
        def->given[EMULATED_PCI_FIELD_DEVICENAME] = TRUE;
    }

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (def->given[i])
            continue;
        def->fields.value[i] = from->fields.value[i];

        /* A plain header leaves it to the address whether bit 7 is set. */
        if (i == EMULATED_PCI_FIELD_HEADERTYPE && from->fields.value[i] == 0)
            continue;
        def->given[i] = TRUE;
    }

    def->needsDefinition = FALSE;
    emulatedPCIDefSetDefaults(def);
}


void
emulatedPCIDefSetDefaults(EmulatedPCIDef *def)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        if (def->given[i])
            continue;
        if (emulatedPCIDefHasServer(def)) {
            def->fields.value[i] = 0;
            continue;
        }
        def->fields.value[i] = info->defcopy >= 0 ? def->fields.value[info->defcopy] : info->defval;
        if (i == EMULATED_PCI_FIELD_HEADERTYPE && def->multifunction == 1)
            def->fields.value[i] |= HEADERTYPE_MULTIFUNCTION;
    }
}


/* --- devices of a server */

gboolean
emulatedPCIDefHasServer(const EmulatedPCIDef *def)
{
    return def->driver && def->driver->socket;
}


static gboolean
hasNumbers(const EmulatedPCIDef *def)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (def->given[i])
            return TRUE;
    }
    return FALSE;
}


/* Returns whether QEMU can do to the device of a server what is given. */
static gboolean
checkServer(const EmulatedPCIDef *def,
            GError **err)
{
    const char *socket = emulatedPCIDriverAttrToString(EMULATED_PCI_DRIVER_SOCKET);
    g_autoptr(GString) allowed = g_string_new(NULL);
    int wrong = -1;
    int i;

    if (def->definition) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("attribute '%1$s' of <%2$s> cannot be combined with '%3$s' of "
                                 "<%4$s>: the server defines the device"),
                               rootAttrs[ROOT_ATTR_DEFINITION], "emulatedpci", socket, "driver");
        return FALSE;
    }

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

        if (info->override)
            g_string_append_printf(allowed, "%s%s", allowed->len ? ", " : "", info->name);
        else if (def->given[i] && wrong < 0)
            wrong = i;
    }
    if (wrong < 0)
        return TRUE;

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("attribute '%1$s' of <%2$s> cannot be given for the device of a server "
                             "('%3$s' of <%4$s>), because QEMU cannot override it: %5$s are allowed"),
                           emulatedPCIFieldGetInfo(wrong)->name, "config", socket, "driver",
                           allowed->str);
    return FALSE;
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

    if (def->definition && !checkDefinition(def->definition, err))
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
    if (emulatedPCIDefHasServer(def) ? !checkServer(def, err) :
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


static void
formatAttribute(const char *name,
                const char *value,
                GString *buf)
{
    g_string_append_printf(buf, " %s='", name);
    emulatedPCIFormatText(value, buf);
    g_string_append_c(buf, '\'');
}


/* Appends " NAME='0xVALUE'" with DIGITS digits. (Not by printf(): a domain has
 * many of these, and may be formatted thousands of times a second.) */
static void
formatNumber(const char *name,
             guint32 value,
             unsigned int digits,
             GString *buf)
{
    g_string_append_c(buf, ' ');
    g_string_append(buf, name);
    g_string_append(buf, "='0x");
    while (digits-- > 0)
        g_string_append_c(buf, "0123456789abcdef"[value >> (digits * 4) & 0xf]);
    g_string_append_c(buf, '\'');
}


static void
formatBreak(const char *indent,
            const char *newline,
            unsigned int depth,
            GString *buf)
{
    if (*newline)
        g_string_append_printf(buf, "%s%s%*s", newline, indent, (int) depth * 2, "");
}


static void
formatDriver(const EmulatedPCIDriver *driver,
             const char *indent,
             const char *newline,
             GString *buf)
{
    int i;

    formatBreak(indent, newline, 1, buf);
    g_string_append(buf, "<driver");
    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        g_autofree char *value = emulatedPCIDriverGet(driver, i);

        if (value)
            formatAttribute(emulatedPCIDriverAttrToString(i), value, buf);
    }
    if (!driver->args[0]) {
        g_string_append(buf, "/>");
        return;
    }

    g_string_append_c(buf, '>');
    for (i = 0; driver->args[i]; i++) {
        formatBreak(indent, newline, 2, buf);
        g_string_append(buf, "<arg");
        formatAttribute("value", driver->args[i], buf);
        g_string_append(buf, "/>");
    }
    formatBreak(indent, newline, 1, buf);
    g_string_append(buf, "</driver>");
}


void
emulatedPCIDefFormatConfig(const EmulatedPCIDef *def,
                           GString *buf)
{
    int i;

    g_string_append(buf, "<config");
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (!def->given[i] && (def->needsDefinition || emulatedPCIDefHasServer(def)))
            continue;
        formatNumber(emulatedPCIFieldGetInfo(i)->name, def->fields.value[i], fieldDigits(i), buf);
    }
    g_string_append(buf, "/>");
}


void
emulatedPCIDefFormat(const EmulatedPCIDef *def,
                     const char *indent,
                     const char *newline,
                     GString *buf)
{
    g_string_append(buf, "<emulatedpci");
    if (*def->fields.devicename)
        formatAttribute("devicename", def->fields.devicename, buf);
    if (def->index >= 0)
        g_string_append_printf(buf, " index='%d'", def->index);
    if (def->definition)
        formatAttribute("definition", def->definition, buf);
    g_string_append_c(buf, '>');

    if (!emulatedPCIDefHasServer(def) || hasNumbers(def)) {
        formatBreak(indent, newline, 1, buf);
        emulatedPCIDefFormatConfig(def, buf);
    }

    if (def->driver)
        formatDriver(def->driver, indent, newline, buf);
    if (def->alias) {
        formatBreak(indent, newline, 1, buf);
        emulatedPCIDefFormatAlias(def, buf);
    }
    if (def->hasAddress) {
        formatBreak(indent, newline, 1, buf);
        emulatedPCIDefFormatAddress(def, buf);
    }

    formatBreak(indent, newline, 0, buf);
    g_string_append(buf, "</emulatedpci>");
}


void
emulatedPCIDefFormatAlias(const EmulatedPCIDef *def,
                          GString *buf)
{
    if (!def->alias)
        return;

    g_string_append(buf, "<alias");
    formatAttribute("name", def->alias, buf);
    g_string_append(buf, "/>");
}


void
emulatedPCIDefFormatAddress(const EmulatedPCIDef *def,
                            GString *buf)
{
    const int numbers[ADDRESS_ATTR_LAST] = {
        [ADDRESS_ATTR_DOMAIN] = MAX(def->domain, 0),
        [ADDRESS_ATTR_BUS] = MAX(def->bus, 0),
        [ADDRESS_ATTR_SLOT] = MAX(def->slot, 0),
        [ADDRESS_ATTR_FUNCTION] = MAX(def->function, 0),
    };
    int i;

    if (!def->hasAddress)
        return;

    g_string_append(buf, "<address type='pci'");
    if (numbers[ADDRESS_ATTR_DOMAIN] || numbers[ADDRESS_ATTR_BUS] || numbers[ADDRESS_ATTR_SLOT]) {
        for (i = ADDRESS_ATTR_DOMAIN; i <= ADDRESS_ATTR_FUNCTION; i++) {
            formatNumber(addressAttrs[i], numbers[i], addressNumbers[i].digits, buf);
        }
    }
    if (def->multifunction >= 0)
        formatAttribute("multifunction", def->multifunction ? "on" : "off", buf);
    g_string_append(buf, "/>");
}


void
emulatedPCIDefFree(EmulatedPCIDef *def)
{
    int i;

    if (!def)
        return;

    g_free(def->alias);
    g_free(def->definition);
    emulatedPCIDriverFree(def->driver);
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
        g_free(def->text[i]);
    g_free(def);
}


/* Returns FIELD as the user wrote it, or else as we would. The caller frees the result. */
static char *
fieldText(const EmulatedPCIDef *def,
          EmulatedPCIField field)
{
    if (def->text[field])
        return emulatedPCIErrorQuote(def->text[field]);
    return g_strdup_printf("0x%0*x", (int) fieldDigits(field), def->fields.value[field]);
}


gboolean
emulatedPCIDefValidateFields(const EmulatedPCIDef *def,
                             GError **err)
{
    const guint32 vendor = def->fields.value[EMULATED_PCI_FIELD_VENDORID];
    const guint32 headertype = def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE];
    g_autofree char *text = NULL;
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (def->fields.value[i] > emulatedPCIFieldMax(i)) {
            text = fieldText(def, i);
            reportField(i, text, err);
            return FALSE;
        }
    }

    if (!emulatedPCIVendorIDIsValid(vendor) &&
        (def->given[EMULATED_PCI_FIELD_VENDORID] ||
         (!def->needsDefinition && !emulatedPCIDefHasServer(def)))) {
        text = fieldText(def, EMULATED_PCI_FIELD_VENDORID);
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("unsupported value '%1$s' for attribute '%2$s': guests interpret "
                                 "it as an empty slot; 0x%3$04x to 0x%4$04x is allowed"),
                               text, "vendorid", EMULATED_PCI_VENDORID_MIN, EMULATED_PCI_VENDORID_MAX);
        return FALSE;
    }

    if (headertype & ~HEADERTYPE_MULTIFUNCTION) {
        text = fieldText(def, EMULATED_PCI_FIELD_HEADERTYPE);
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("unsupported value '%1$s' for attribute '%2$s': the layout bits "
                                 "(6-0) of an endpoint must be 0; 0x%3$02x and 0x%4$02x are allowed"),
                               text, "headertype", HEADERTYPE_SINGLE, HEADERTYPE_MULTIFUNCTION);
        return FALSE;
    }
    return TRUE;
}


static gboolean
validateAddress(const EmulatedPCIDef *def,
                GError **err)
{
    const int numbers[ADDRESS_ATTR_LAST] = {
        [ADDRESS_ATTR_DOMAIN] = def->domain,
        [ADDRESS_ATTR_BUS] = def->bus,
        [ADDRESS_ATTR_SLOT] = def->slot,
        [ADDRESS_ATTR_FUNCTION] = def->function,
    };
    int i;

    if (!def->hasAddress)
        return TRUE;

    for (i = ADDRESS_ATTR_DOMAIN; i <= ADDRESS_ATTR_FUNCTION; i++) {
        if (numbers[i] > (int) addressNumbers[i].max) {
            g_autofree char *text = g_strdup_printf("0x%x", (unsigned int) numbers[i]);

            reportNumber(addressAttrs[i], text, 0, addressNumbers[i].max, err);
            return FALSE;
        }
    }
    return TRUE;
}


gboolean
emulatedPCIDefValidate(const EmulatedPCIDef *def,
                       GError **err)
{
    const gboolean multifunction = def->hasAddress && def->multifunction == 1;
    const gboolean bit = (def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] &
                          HEADERTYPE_MULTIFUNCTION) != 0;
    g_autofree char *text = NULL;

    if (!*def->fields.devicename && !def->needsDefinition) {
        emulatedPCIXMLReportMissing("devicename", "emulatedpci", err);
        return FALSE;
    }
    if ((*def->fields.devicename && !checkDevicename(def->fields.devicename, err)) ||
        (def->definition && !checkDefinition(def->definition, err)) ||
        (def->alias && !checkAlias(def->alias, err)) ||
        (def->driver && !emulatedPCIDriverValidate(def->driver, err)) ||
        (emulatedPCIDefHasServer(def) && !checkServer(def, err)))
        return FALSE;

    if (def->index > EMULATED_PCI_INDEX_MAX) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$d' for attribute '%2$s': "
                                 "a number from %3$d to %4$d is expected"),
                               def->index, "index", 0, EMULATED_PCI_INDEX_MAX);
        return FALSE;
    }

    if (!emulatedPCIDefValidateFields(def, err) || !validateAddress(def, err))
        return FALSE;

    if (bit == multifunction || emulatedPCIDefHasServer(def) ||
        (def->needsDefinition && !def->given[EMULATED_PCI_FIELD_HEADERTYPE]))
        return TRUE;

    text = fieldText(def, EMULATED_PCI_FIELD_HEADERTYPE);
    if (bit) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("unsupported value '%1$s' for attribute '%2$s': bit 7 requires "
                                 "multifunction='on' in the <address>; 0x%3$02x is allowed"),
                               text, "headertype", HEADERTYPE_SINGLE);
    } else {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("unsupported value '%1$s' for attribute '%2$s': bit 7 is clear, "
                                 "but the <address> has multifunction='on'; 0x%3$02x is allowed"),
                               text, "headertype", HEADERTYPE_MULTIFUNCTION);
    }
    return FALSE;
}


gint64
emulatedPCIAddressGetSlot(int domain,
                          int bus,
                          int slot)
{
    return ((gint64) MAX(domain, 0) << 16) | (MAX(bus, 0) << 8) | MAX(slot, 0);
}


gboolean
emulatedPCIDefEqualFields(const EmulatedPCIDef *a,
                          const EmulatedPCIDef *b)
{
    const gboolean server = emulatedPCIDefHasServer(a);
    int i;

    if (strcmp(a->fields.devicename, b->fields.devicename) != 0 ||
        server != emulatedPCIDefHasServer(b) ||
        (server && strcmp(a->driver->socket, b->driver->socket) != 0))
        return FALSE;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (a->fields.value[i] != b->fields.value[i] || (server && a->given[i] != b->given[i]))
            return FALSE;
    }
    return TRUE;
}
