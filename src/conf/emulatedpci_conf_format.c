/*
 * emulatedpci_conf_format.c: formatter of the <emulatedpci> element
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf_private.h"


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
        formatNumber(emulatedPCIFieldGetInfo(i)->name, def->fields.value[i],
                     emulatedPCIDefFieldDigits(i), buf);
    }
    g_string_append(buf, "/>");
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
    const int numbers[EMULATED_PCI_ADDRESS_ATTR_LAST] = {
        [EMULATED_PCI_ADDRESS_ATTR_DOMAIN] = MAX(def->domain, 0),
        [EMULATED_PCI_ADDRESS_ATTR_BUS] = MAX(def->bus, 0),
        [EMULATED_PCI_ADDRESS_ATTR_SLOT] = MAX(def->slot, 0),
        [EMULATED_PCI_ADDRESS_ATTR_FUNCTION] = MAX(def->function, 0),
    };
    int i;

    if (!def->hasAddress)
        return;

    g_string_append(buf, "<address type='pci'");
    if (numbers[EMULATED_PCI_ADDRESS_ATTR_DOMAIN] || numbers[EMULATED_PCI_ADDRESS_ATTR_BUS] ||
        numbers[EMULATED_PCI_ADDRESS_ATTR_SLOT]) {
        for (i = EMULATED_PCI_ADDRESS_ATTR_DOMAIN; i <= EMULATED_PCI_ADDRESS_ATTR_FUNCTION; i++) {
            formatNumber(emulatedPCIAddressAttrs[i], numbers[i],
                         emulatedPCIAddressNumbers[i].digits, buf);
        }
    }
    if (def->multifunction >= 0)
        formatAttribute("multifunction", def->multifunction ? "on" : "off", buf);
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
