/*
 * emulatedpci_conf_validate.c: validation of the <emulatedpci> element
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf_private.h"
#include "emulatedpci_xml.h"

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


void
emulatedPCIDefReportNumber(const char *attr,
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


void
emulatedPCIDefReportField(EmulatedPCIField field,
                          const char *str,
                          GError **err)
{
    guint32 max = emulatedPCIFieldMax(field);
    guint32 min = 0;

    if (field == EMULATED_PCI_FIELD_VENDORID) {
        min = EMULATED_PCI_VENDORID_MIN;
        max = EMULATED_PCI_VENDORID_MAX;
    }
    emulatedPCIDefReportNumber(emulatedPCIFieldGetInfo(field)->name, str, min, max, err);
}


gboolean
emulatedPCIDefCheckDevicename(const char *name,
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


gboolean
emulatedPCIDefCheckDefinition(const char *name,
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


gboolean
emulatedPCIDefCheckAlias(const char *alias,
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
emulatedPCIDefCheckServer(const EmulatedPCIDef *def,
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
                               "definition", "emulatedpci", socket, "driver");
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


/* Returns the value of FIELD as the user has written it, or in canonical format; to be freed with
 * g_free(). */
static char *
fieldText(const EmulatedPCIDef *def,
          EmulatedPCIField field)
{
    if (def->text[field])
        return emulatedPCIErrorQuote(def->text[field]);
    return g_strdup_printf("0x%0*x", (int) emulatedPCIDefFieldDigits(field),
                           def->fields.value[field]);
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
            emulatedPCIDefReportField(i, text, err);
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
    const int numbers[EMULATED_PCI_ADDRESS_ATTR_LAST] = {
        [EMULATED_PCI_ADDRESS_ATTR_DOMAIN] = def->domain,
        [EMULATED_PCI_ADDRESS_ATTR_BUS] = def->bus,
        [EMULATED_PCI_ADDRESS_ATTR_SLOT] = def->slot,
        [EMULATED_PCI_ADDRESS_ATTR_FUNCTION] = def->function,
    };
    int i;

    if (!def->hasAddress)
        return TRUE;

    for (i = EMULATED_PCI_ADDRESS_ATTR_DOMAIN; i <= EMULATED_PCI_ADDRESS_ATTR_FUNCTION; i++) {
        if (numbers[i] > (int) emulatedPCIAddressNumbers[i].max) {
            g_autofree char *text = g_strdup_printf("0x%x", (unsigned int) numbers[i]);

            emulatedPCIDefReportNumber(emulatedPCIAddressAttrs[i], text, 0,
                                       emulatedPCIAddressNumbers[i].max, err);
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
    if ((*def->fields.devicename && !emulatedPCIDefCheckDevicename(def->fields.devicename, err)) ||
        (def->definition && !emulatedPCIDefCheckDefinition(def->definition, err)) ||
        (def->alias && !emulatedPCIDefCheckAlias(def->alias, err)) ||
        (def->driver && !emulatedPCIDriverValidate(def->driver, err)) ||
        (emulatedPCIDefHasServer(def) && !emulatedPCIDefCheckServer(def, err)))
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
