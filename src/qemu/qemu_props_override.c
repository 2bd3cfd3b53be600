/*
 * qemu_props_override.c: the device's properties as libvirt's override
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_override.h"

#include "emulatedpci_text.h"

#include <string.h>

#define TYPE_STRING "string"
#define TYPE_UNSIGNED "unsigned"

/* The bits of QEMUPropsOverride.seen after those of the fields */
#define SEEN_DRIVER (1U << EMULATED_PCI_FIELD_LAST)
#define SEEN_DEFINITION (1U << (EMULATED_PCI_FIELD_LAST + 1))
#define SEEN_ALL_FIELDS ((1U << EMULATED_PCI_FIELD_LAST) - 1)

G_STATIC_ASSERT(EMULATED_PCI_FIELD_LAST + 2 <= 32);


/* Sets BIT. Returns FALSE if it was already set. */
static gboolean
seeOnce(QEMUPropsOverride *props,
        guint32 bit)
{
    if (props->seen & bit)
        return FALSE;

    props->seen |= bit;
    return TRUE;
}


/* Parses a number, only in the format that Format writes, so that formatting it has the same
 * result. */
static gboolean
readNumber(EmulatedPCIField field,
           const char *str,
           guint32 *value)
{
    if (str[strspn(str, "0123456789")] != '\0')
        return FALSE;
    return emulatedPCIFieldParseNumber(field, str, value) == EMULATED_PCI_NUMBER_OK;
}


/* Parses a property of the emulator. Returns whether NAME is one; they must be in the order in
 * which they are written. */
static gboolean
readDriver(QEMUPropsOverride *props,
           const char *name,
           gboolean isString,
           const char *type,
           const char *value)
{
    const int attr = emulatedPCIDriverAttrFromString(name);
    const int number = qemuPropsGetArgNumber(name);

    if (attr < 0 && number < 0)
        return FALSE;
    if (attr == EMULATED_PCI_DRIVER_PID &&
        (strcmp(type, TYPE_UNSIGNED) != 0 || value[strspn(value, "0123456789")] != '\0'))
        return FALSE;
    if (attr != EMULATED_PCI_DRIVER_PID && !isString)
        return FALSE;

    if (!props->driver)
        props->driver = emulatedPCIDriverNew();
    if (attr >= 0)
        return emulatedPCIDriverSet(props->driver, attr, value, NULL);
    return number == (int) emulatedPCIDriverCountArgs(props->driver) &&
        emulatedPCIDriverSetArg(props->driver, number, value, NULL);
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
            readNumber(field, value, &props->fields.value[field]) &&
            seeOnce(props, 1U << field);
    }

    if (field < 0 && readDriver(props, name, isString, type, value))
        return TRUE;

    if (!isString)
        return FALSE;

    if (field == EMULATED_PCI_FIELD_DEVICENAME) {
        return emulatedPCIDevicenameIsValid(value) &&
            g_strlcpy(props->fields.devicename, value, sizeof(props->fields.devicename)) > 0 &&
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
qemuPropsOverrideHasField(const QEMUPropsOverride *props,
                          EmulatedPCIField field)
{
    return (props->seen & (1U << field)) != 0;
}


/* The same for the device of a server. */
static gboolean
isCompleteServer(const QEMUPropsOverride *props)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (qemuPropsOverrideHasField(props, i) && !emulatedPCIFieldGetInfo(i)->override)
            return FALSE;
    }
    return (props->seen & SEEN_DRIVER) && !(props->seen & SEEN_DEFINITION) &&
        qemuPropsOverrideHasField(props, EMULATED_PCI_FIELD_DEVICENAME) &&
        emulatedPCIDriverValidate(props->driver, NULL);
}


gboolean
qemuPropsOverrideIsComplete(const QEMUPropsOverride *props)
{
    if (props->driver && props->driver->socket)
        return isCompleteServer(props);
    return (props->seen & ~SEEN_DEFINITION) == (SEEN_DRIVER | SEEN_ALL_FIELDS) &&
        (!props->driver || emulatedPCIDriverValidate(props->driver, NULL));
}


void
qemuPropsOverrideClear(QEMUPropsOverride *props)
{
    g_clear_pointer(&props->driver, emulatedPCIDriverFree);
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
    emulatedPCIFormatText(value, buf);
    g_string_append(buf, "'/>");
}


/* Returns NUMBER in decimal, at the end of BUF. This and not printf(): lowering writes many of
 * them. */
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


/* The arguments of formatProperty() that are the same for all properties */
typedef struct {
    const char *prefix;
    const char *lineBreak;
    GString *buf;
} FormatPlace;


/* A QEMUPropsDriverFunc. */
static void
formatDriverProperty(const char *name,
                     const char *value,
                     gboolean isNumber,
                     void *opaque)
{
    const FormatPlace *place = opaque;

    formatProperty(name, isNumber ? TYPE_UNSIGNED : TYPE_STRING, value, place->prefix,
                   place->lineBreak, place->buf);
}


void
qemuPropsOverrideFormat(const QEMUProps *props,
                        const char *prefix,
                        const char *lineBreak,
                        GString *buf)
{
    int i;

    formatProperty("driver", TYPE_STRING, QEMU_EMULATED_PCI_DRIVER, prefix, lineBreak, buf);
    formatProperty(emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                   TYPE_STRING, props->fields.devicename, prefix, lineBreak, buf);

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        char number[sizeof("4294967295")];

        if (!qemuPropsHasField(props, i))
            continue;
        formatProperty(emulatedPCIFieldGetInfo(i)->name, TYPE_UNSIGNED,
                       formatNumber(props->fields.value[i], number, sizeof(number)),
                       prefix, lineBreak, buf);
    }

    if (props->definition)
        formatProperty(QEMU_EMULATED_PCI_DEFINITION, TYPE_STRING, props->definition,
                       prefix, lineBreak, buf);
    if (props->driver) {
        FormatPlace place = { prefix, lineBreak, buf };

        qemuPropsForEachDriverProperty(props->driver, formatDriverProperty, &place);
    }
}
