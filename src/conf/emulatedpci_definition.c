/*
 * emulatedpci_definition.c: the definition of an emulated PCI device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_definition.h"
#include "emulatedpci_text.h"
#include "emulatedpci_xml.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

#define NAME_CHARS \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz" \
    "0123456789_.-"

#define CAPABILITY_TYPE "emulatedpci"

typedef enum {
    DEVICE_CHILD_NAME = 0,
    DEVICE_CHILD_PATH,
    DEVICE_CHILD_PARENT,
    DEVICE_CHILD_UUID,
    DEVICE_CHILD_DESCRIPTION,
    DEVICE_CHILD_CAPABILITY,

    DEVICE_CHILD_LAST
} DeviceChild;

static const char *const deviceChildren[DEVICE_CHILD_LAST + 1] = {
    "name", "path", "parent", "uuid", "description", "capability", NULL
};

typedef enum {
    CAPABILITY_ATTR_TYPE = 0,
    CAPABILITY_ATTR_DEVICENAME,
    CAPABILITY_ATTR_BASIS,
    CAPABILITY_ATTR_BUILT_IN,

    CAPABILITY_ATTR_LAST
} CapabilityAttr;

static const char *const capabilityAttrs[CAPABILITY_ATTR_LAST + 1] = {
    "type", "devicename", "basis", "built_in", NULL
};

static const char *const storedAttrs[] = { "autostart", NULL };
static const char *const capabilityChildren[] = { "config", NULL };
static const char *const nothing[] = { NULL };


EmulatedPCIDefinition *
emulatedPCIDefinitionNew(void)
{
    EmulatedPCIDefinition *definition = g_new0(EmulatedPCIDefinition, 1);

    definition->autostart = TRUE;
    definition->def = emulatedPCIDefNew();
    return definition;
}


static gboolean
parseAutostart(EmulatedPCIDefinition *definition,
               const char *value,
               GError **err)
{
    if (!value || strcmp(value, "yes") == 0)
        return TRUE;
    if (strcmp(value, "no") == 0) {
        definition->autostart = FALSE;
        return TRUE;
    }
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value for attribute '%1$s': 'yes' or 'no' is expected"),
                           storedAttrs[0]);
    return FALSE;
}


static gboolean
parseUUID(EmulatedPCIDefinition *definition,
          const char *text,
          GError **err)
{
    g_autofree char *quoted = NULL;

    if (emulatedPCIUUIDParse(text, definition->uuid))
        return TRUE;

    quoted = emulatedPCIErrorQuote(text);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' of <%2$s>: a UUID, 32 hexadecimal digits, "
                             "is expected"),
                           quoted, "uuid");
    return FALSE;
}


static gboolean
checkName(const char *name,
          GError **err)
{
    g_autofree char *quoted = NULL;

    if (emulatedPCIDefinitionNameIsValid(name))
        return TRUE;

    quoted = emulatedPCIErrorQuote(name);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid definition name '%1$s': '%2$s' followed by characters of A-Z "
                             "a-z 0-9 . _ - is expected, at most %3$d characters in total"),
                           quoted, EMULATED_PCI_DEFINITION_PREFIX,
                           EMULATED_PCI_DEFINITION_NAME_MAX);
    return FALSE;
}


static gboolean
parseCapability(EmulatedPCIDefinition *definition,
                xmlNodePtr node,
                char **values,
                GError **err)
{
    xmlNodePtr children[G_N_ELEMENTS(capabilityChildren)] = { NULL };

    if (!emulatedPCIXMLReadAttributes(node, capabilityAttrs, values, err) ||
        !emulatedPCIXMLReadChildren(node, capabilityChildren, children, NULL, err))
        return FALSE;

    if (g_strcmp0(values[CAPABILITY_ATTR_TYPE], CAPABILITY_TYPE) != 0) {
        g_autofree char *quoted = emulatedPCIErrorQuote(values[CAPABILITY_ATTR_TYPE] ?
                                                      values[CAPABILITY_ATTR_TYPE] : "");

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s' of <%3$s>: "
                                 "'%4$s' is expected"),
                               quoted, "type", "capability", CAPABILITY_TYPE);
        return FALSE;
    }

    definition->basis = g_steal_pointer(&values[CAPABILITY_ATTR_BASIS]);
    if (values[CAPABILITY_ATTR_DEVICENAME] &&
        !emulatedPCIDefParseDevicename(definition->def, values[CAPABILITY_ATTR_DEVICENAME], err))
        return FALSE;
    return !children[0] || emulatedPCIDefParseConfig(definition->def, children[0], err);
}


static gboolean
parseDevice(EmulatedPCIDefinition *definition,
            xmlNodePtr node,
            gboolean stored,
            GError **err)
{
    xmlNodePtr children[DEVICE_CHILD_LAST + 1] = { NULL };
    char *values[CAPABILITY_ATTR_LAST + 1] = { NULL };
    char *autostart[G_N_ELEMENTS(storedAttrs)] = { NULL };
    g_autofree char *uuid = NULL;
    gboolean ok;
    int i;

    if (node->ns || strcmp((const char *) node->name, "device") != 0) {
        g_autofree char *found = emulatedPCIXMLDescribe(node);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("unexpected element <%1$s>, expecting <%2$s>"),
                               found, "device");
        return FALSE;
    }

    ok = emulatedPCIXMLReadAttributes(node, stored ? storedAttrs : nothing, autostart, err) &&
        emulatedPCIXMLReadChildren(node, deviceChildren, children, NULL, err) &&
        parseAutostart(definition, autostart[0], err);
    g_free(autostart[0]);
    if (!ok)
        return FALSE;

    if (children[DEVICE_CHILD_NAME] &&
        (!(definition->name = emulatedPCIXMLReadText(children[DEVICE_CHILD_NAME], err)) ||
         !checkName(definition->name, err)))
        return FALSE;

    if (children[DEVICE_CHILD_UUID] &&
        (!(uuid = emulatedPCIXMLReadText(children[DEVICE_CHILD_UUID], err)) ||
         !parseUUID(definition, uuid, err)))
        return FALSE;

    if (children[DEVICE_CHILD_DESCRIPTION] &&
        !(definition->description =
          emulatedPCIXMLReadText(children[DEVICE_CHILD_DESCRIPTION], err)))
        return FALSE;

    if (!children[DEVICE_CHILD_CAPABILITY]) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("missing element <%1$s> in <%2$s>"), "capability", "device");
        return FALSE;
    }

    ok = parseCapability(definition, children[DEVICE_CHILD_CAPABILITY], values, err);
    for (i = 0; i < CAPABILITY_ATTR_LAST; i++)
        g_free(values[i]);
    return ok;
}


EmulatedPCIDefinition *
emulatedPCIDefinitionParse(const char *xml,
                           gsize len,
                           gboolean stored,
                           GError **err)
{
    g_autoptr(EmulatedPCIDefinition) definition = NULL;
    xmlDocPtr doc = emulatedPCIXMLParse(xml, len, EMULATED_PCI_DEFINITION_XML_MAX,
                                        "definition.xml", err);
    gboolean ok;

    if (!doc)
        return NULL;
    definition = emulatedPCIDefinitionNew();
    ok = parseDevice(definition, xmlDocGetRootElement(doc), stored, err);
    xmlFreeDoc(doc);
    return ok ? g_steal_pointer(&definition) : NULL;
}


/* The name is derived as libvirt derives names of node devices: all characters except for letters
 * and digits are replaced by underscores. */
static char *
deriveName(const char *devicename)
{
    char *name = g_strconcat(EMULATED_PCI_DEFINITION_PREFIX, devicename, NULL);
    char *p;

    for (p = name; *p; p++) {
        if (!g_ascii_isalnum(*p))
            *p = '_';
    }
    return name;
}


gboolean
emulatedPCIDefinitionFill(EmulatedPCIDefinition *definition,
                          const EmulatedPCIDef *basis,
                          GError **err)
{
    if (basis)
        emulatedPCIDefFill(definition->def, basis);
    else if (!emulatedPCIDefCheckRequired(definition->def, "capability", err))
        return FALSE;
    else
        emulatedPCIDefSetDefaults(definition->def);

    if (!definition->name)
        definition->name = deriveName(definition->def->fields.devicename);

    return emulatedPCIDefValidateFields(definition->def, err);
}


static void
formatElement(const char *name,
              const char *text,
              GString *buf)
{
    g_auto(GStrv) parts = g_strsplit(text, "\r", -1);
    gsize i;

    g_string_append_printf(buf, "  <%s>", name);
    for (i = 0; parts[i]; i++) {
        /* unescaped, a parser would convert it to a line feed */
        g_string_append(buf, i > 0 ? "&#13;" : "");
        emulatedPCIFormatText(parts[i], buf);
    }
    g_string_append_printf(buf, "</%s>\n", name);
}


char *
emulatedPCIDefinitionFormat(const EmulatedPCIDefinition *definition,
                            gboolean stored)
{
    GString *buf = g_string_new(NULL);

    g_string_append(buf, stored && !definition->autostart ? "<device autostart='no'>\n"
                                                          : "<device>\n");
    formatElement("name", definition->name, buf);
    formatElement("parent", "computer", buf);
    if (*definition->uuid)
        formatElement("uuid", definition->uuid, buf);
    if (definition->description)
        formatElement("description", definition->description, buf);
    g_string_append_printf(buf, "  <capability type='%s' devicename='%s'%s>\n    ",
                           CAPABILITY_TYPE, definition->def->fields.devicename,
                           definition->builtIn ? " built_in='yes'" : "");
    emulatedPCIDefFormatConfig(definition->def, buf);
    g_string_append(buf, "\n  </capability>\n</device>\n");
    return g_string_free(buf, FALSE);
}


void
emulatedPCIDefinitionFree(EmulatedPCIDefinition *definition)
{
    if (!definition)
        return;

    g_free(definition->name);
    g_free(definition->description);
    g_free(definition->basis);
    emulatedPCIDefFree(definition->def);
    g_free(definition);
}


gboolean
emulatedPCIDefinitionNameIsValid(const char *name)
{
    const gsize len = strspn(name, NAME_CHARS);

    return g_str_has_prefix(name, EMULATED_PCI_DEFINITION_PREFIX) &&
        len > strlen(EMULATED_PCI_DEFINITION_PREFIX) &&
        len <= EMULATED_PCI_DEFINITION_NAME_MAX && name[len] == '\0';
}
