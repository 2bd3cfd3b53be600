/*
 * qemu_props_override.c: the device's properties as libvirt's override
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_override.h"

#include <string.h>

#define TYPE_STRING "string"
#define TYPE_UNSIGNED "unsigned"

/* Bits of QEMUPropsOverride.seen; the fields have those below. */
#define SEEN_DRIVER (1U << EMULATED_PCI_FIELD_LAST)
#define SEEN_DEFINITION (1U << (EMULATED_PCI_FIELD_LAST + 1))
#define SEEN_ALL_FIELDS ((1U << EMULATED_PCI_FIELD_LAST) - 1)

G_STATIC_ASSERT(EMULATED_PCI_FIELD_LAST + 2 <= 32);


/* Sets BIT; FALSE if it was set. */
static gboolean
seeOnce(QEMUPropsOverride *props,
        guint32 bit)
{
    if (props->seen & bit)
        return FALSE;

    props->seen |= bit;
    return TRUE;
}


/* Of the ways to write a number only the one that Format uses, so that
 * formatting gives the same again. */
static gboolean
readNumber(EmulatedPCIField field,
           const char *str,
           guint32 *value)
{
    if (str[strspn(str, "0123456789")] != '\0')
        return FALSE;
    return emulatedPCIFieldParseNumber(field, str, value) == EMULATED_PCI_NUMBER_OK;
}


gboolean
qemuPropsOverrideRead(QEMUPropsOverride *props,
                      const char *name,
                      const char *type,
                      const char *value)
{
    const gboolean isString = strcmp(type, TYPE_STRING) == 0;
    int field = emulatedPCIFieldFromString(name);

    if (field > EMULATED_PCI_FIELD_DEVICENAME) {
        return strcmp(type, TYPE_UNSIGNED) == 0 &&
            readNumber(field, value, &props->value[field]) &&
            seeOnce(props, 1U << field);
    }

    if (!isString)
        return FALSE;

    if (field == EMULATED_PCI_FIELD_DEVICENAME) {
        return emulatedPCIDevicenameIsValid(value) &&
            g_strlcpy(props->devicename, value, sizeof(props->devicename)) > 0 &&
            seeOnce(props, 1U << field);
    }

    if (strcmp(name, "driver") == 0)
        return strcmp(value, QEMU_EMULATED_PCI_DRIVER) == 0 && seeOnce(props, SEEN_DRIVER);

    if (strcmp(name, QEMU_EMULATED_PCI_DEFINITION) == 0) {
        return *value != '\0' &&
            g_strlcpy(props->definition, value, sizeof(props->definition)) <
            sizeof(props->definition) &&
            seeOnce(props, SEEN_DEFINITION);
    }

    return FALSE;
}


gboolean
qemuPropsOverrideIsComplete(const QEMUPropsOverride *props)
{
    return (props->seen & ~SEEN_DEFINITION) == (SEEN_DRIVER | SEEN_ALL_FIELDS);
}


static void
formatProperty(const char *name,
               const char *type,
               const char *value,
               const char *prefix,
               const char *lineBreak,
               GString *buf)
{
    g_string_append(buf, lineBreak);
    g_string_append_c(buf, '<');
    g_string_append(buf, prefix);
    g_string_append(buf, "property name='");
    g_string_append(buf, name);
    g_string_append(buf, "' type='");
    g_string_append(buf, type);
    g_string_append(buf, "' value='");
    g_string_append(buf, value);
    g_string_append(buf, "'/>");
}


/* NUMBER in decimal, at the end of BUF. This and not printf(): lowering
 * writes many of them. */
static const char *
formatNumber(guint32 number,
             char *buf,
             gsize size)
{
    char *p = buf + size;

    *--p = '\0';
    do {
        *--p = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return p;
}


void
qemuPropsOverrideFormat(const char *devicename,
                        const guint32 *value,
                        const char *definition,
                        const char *prefix,
                        const char *lineBreak,
                        GString *buf)
{
    int i;

    formatProperty("driver", TYPE_STRING, QEMU_EMULATED_PCI_DRIVER, prefix, lineBreak, buf);
    formatProperty(emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                   TYPE_STRING, devicename, prefix, lineBreak, buf);

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        char number[sizeof("4294967295")];

        formatProperty(emulatedPCIFieldGetInfo(i)->name, TYPE_UNSIGNED,
                       formatNumber(value[i], number, sizeof(number)),
                       prefix, lineBreak, buf);
    }

    if (definition)
        formatProperty(QEMU_EMULATED_PCI_DEFINITION, TYPE_STRING, definition, prefix, lineBreak, buf);
}
