/*
 * qemu_props.c: properties of QEMU's emulated-pci device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_private.h"

#include "gettext.h"
#include <json.h>
#include <string.h>

#define _(s) gettext(s)

/* The maximum length of a value in a message, in bytes */
#define QEMU_PROPS_SHOW_MAX 64


void
qemuPropsFree(QEMUProps *props)
{
    if (!props)
        return;
    g_free(props->definition);
    emulatedPCIDriverFree(props->driver);
    g_free(props);
}


gboolean
qemuPropsHasField(const QEMUProps *props,
                  EmulatedPCIField field)
{
    return field == EMULATED_PCI_FIELD_DEVICENAME || !props->driver || !props->driver->socket ||
        props->given[field];
}


int
qemuPropsGetArgNumber(const char *key)
{
    const char *digits = key + strlen(QEMU_EMULATED_PCI_ARG);
    guint32 number;

    if (!g_str_has_prefix(key, QEMU_EMULATED_PCI_ARG) || *digits == '\0' ||
        digits[strspn(digits, "0123456789")] != '\0' ||
        (digits[0] == '0' && digits[1] != '\0'))
        return -1;

    if (emulatedPCINumberParse(digits, EMULATED_PCI_DRIVER_ARGS_MAX,
                               &number) != EMULATED_PCI_NUMBER_OK)
        return EMULATED_PCI_DRIVER_ARGS_MAX;
    return number;
}


gboolean
qemuPropsIsDrivers(const char *key)
{
    return emulatedPCIDriverAttrFromString(key) >= 0 || qemuPropsGetArgNumber(key) >= 0;
}


gboolean
qemuPropsIsOurs(const char *key)
{
    return emulatedPCIFieldFromString(key) >= 0 ||
        strcmp(key, QEMU_EMULATED_PCI_DEFINITION) == 0 || qemuPropsIsDrivers(key);
}


gboolean
qemuPropsSetDriver(QEMUProps *props,
                   const char *key,
                   const char *value,
                   GError **err)
{
    const int attr = emulatedPCIDriverAttrFromString(key);

    if (!props->driver)
        props->driver = emulatedPCIDriverNew();
    if (attr >= 0)
        return emulatedPCIDriverSet(props->driver, attr, value, err);
    return emulatedPCIDriverSetArg(props->driver, qemuPropsGetArgNumber(key), value, err);
}


void
qemuPropsReportDriver(GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("cannot parse -device argument for driver '%1$s'"),
                           QEMU_EMULATED_PCI_DRIVER);
}


char *
qemuPropsShow(const char *value)
{
    GString *result = g_string_new(NULL);

    for (; *value && result->len < QEMU_PROPS_SHOW_MAX; value++) {
        if (g_ascii_isprint(*value))
            g_string_append_c(result, *value);
        else
            g_string_append_printf(result, "\\x%02x", (unsigned char) *value);
    }
    if (*value)
        g_string_append(result, "...");
    return g_string_free(result, FALSE);
}


gboolean
qemuPropsSetString(QEMUProps *props,
                   const char *key,
                   const char *value,
                   GError **err)
{
    g_autofree char *shown = qemuPropsShow(value);

    if (strcmp(key, QEMU_EMULATED_PCI_DEFINITION) == 0) {
        if (!emulatedPCINameIsValid(value, QEMU_EMULATED_PCI_DEFINITION_MAX)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("invalid value '%1$s' for property '%2$s': must be 1 to %3$d characters of [A-Za-z0-9_.-]"),
                                   shown, key, QEMU_EMULATED_PCI_DEFINITION_MAX);
            return FALSE;
        }
        props->definition = g_strdup(value);
        return TRUE;
    }

    if (!emulatedPCIDevicenameIsValid(value)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("invalid value '%1$s' for property '%2$s': must be 1 to %3$d characters of [A-Za-z0-9._-]"),
                               shown, key, EMULATED_PCI_DEVICENAME_MAX);
        return FALSE;
    }
    g_strlcpy(props->fields.devicename, value, sizeof(props->fields.devicename));
    return TRUE;
}


void
qemuPropsReportNumber(EmulatedPCIField field,
                      const char *value,
                      GError **err)
{
    g_autofree char *shown = qemuPropsShow(value);

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("invalid value '%1$s' for property '%2$s': must be a number from 0 to %3$u"),
                           shown, emulatedPCIFieldGetInfo(field)->name,
                           emulatedPCIFieldMax(field));
}


gboolean
qemuPropsSetSeen(gboolean *seen,
                 const char *key,
                 GError **err)
{
    if (*seen) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("property '%1$s' is specified more than once"), key);
        return FALSE;
    }
    *seen = TRUE;
    return TRUE;
}


gboolean
qemuPropsCheckComplete(QEMUProps *props,
                       const gboolean *seen,
                       GError **err)
{
    const gboolean isServer = props->driver && props->driver->socket;
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (isServer && seen[i] && i != EMULATED_PCI_FIELD_DEVICENAME &&
            !emulatedPCIFieldGetInfo(i)->override) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("property '%1$s' cannot be given for a device of driver '%2$s' with a property '%3$s': QEMU cannot override it"),
                                   emulatedPCIFieldGetInfo(i)->name, QEMU_EMULATED_PCI_DRIVER,
                                   QEMU_PROPS_SOCKET);
            return FALSE;
        }
        if (seen[i] || (isServer && i != EMULATED_PCI_FIELD_DEVICENAME))
            continue;
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("missing property '%1$s': driver '%2$s' requires it"),
                               emulatedPCIFieldGetInfo(i)->name, QEMU_EMULATED_PCI_DRIVER);
        return FALSE;
    }
    memcpy(props->given, seen, sizeof(props->given));
    return !props->driver || emulatedPCIDriverValidate(props->driver, err);
}


void
qemuPropsForEachDriverProperty(const EmulatedPCIDriver *driver,
                               QEMUPropsDriverFunc func,
                               void *opaque)
{
    int i;

    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        g_autofree char *value = emulatedPCIDriverGet(driver, i);

        if (value)
            func(emulatedPCIDriverAttrToString(i), value, i == EMULATED_PCI_DRIVER_PID, opaque);
    }
    for (i = 0; driver->args[i]; i++) {
        g_autofree char *name = g_strdup_printf(QEMU_EMULATED_PCI_ARG "%d", i);

        func(name, driver->args[i], FALSE, opaque);
    }
}


static gboolean
qemuPropsIsJSON(const char *arg)
{
    return arg[0] == '{';
}


gboolean
qemuPropsIsEmulatedPCI(const char *arg)
{
    g_autoptr(GPtrArray) pairs = NULL;

    /* Most arguments do not contain the name of the driver, and need not be parsed. */
    if (!strstr(arg, QEMU_EMULATED_PCI_DRIVER))
        return FALSE;

    if (qemuPropsIsJSON(arg)) {
        g_autoptr(JSONObject) object = qemuPropsReadJSON(arg);

        return object && g_strcmp0(qemuPropsGetDriver(object), QEMU_EMULATED_PCI_DRIVER) == 0;
    }

    pairs = qemuPropsReadPairs(arg);
    return qemuPropsPairsAreOurs(pairs);
}


QEMUProps *
qemuPropsParse(const char *arg,
               GError **err)
{
    if (qemuPropsIsJSON(arg))
        return qemuPropsParseJSON(arg, err);
    return qemuPropsParseKeyValue(arg, err);
}


char *
qemuPropsGetId(const char *arg)
{
    g_autoptr(JSONObject) object = qemuPropsIsJSON(arg) ? qemuPropsReadJSON(arg) : NULL;
    JSONObject *id;

    if (!object || !json_object_object_get_ex(object, "id", &id))
        return NULL;
    return g_strdup(qemuPropsGetString(id));
}


char *
qemuPropsReplaceDriver(const char *arg,
                       const char *driver,
                       int fd,
                       GError **err)
{
    g_autofree char *number = g_strdup_printf("%d", fd);
    g_autoptr(JSONObject) value = NULL;

    if (!qemuPropsIsJSON(arg))
        return qemuPropsReplaceKeyValue(arg, driver, number, err);

    value = json_object_new_string(number);
    return qemuPropsReplaceJSON(arg, driver, QEMU_PROPS_FD, value, err);
}


char *
qemuPropsReplaceDriverPath(const char *arg,
                           const char *driver,
                           const char *path,
                           GError **err)
{
    g_autoptr(JSONObject) value = NULL;

    if (!qemuPropsIsJSON(arg)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("a -device argument for driver '%1$s' must be in JSON format to be replaced by '%2$s'"),
                               QEMU_EMULATED_PCI_DRIVER, driver);
        return NULL;
    }

    value = json_object_new_object();
    json_object_object_add(value, "type", json_object_new_string("unix"));
    json_object_object_add(value, "path", json_object_new_string(path));
    return qemuPropsReplaceJSON(arg, driver, QEMU_PROPS_SOCKET, value, err);
}


char *
qemuPropsFormat(const QEMUProps *props,
                QEMUPropsForm form)
{
    if (form == QEMU_PROPS_FORM_JSON)
        return qemuPropsFormatJSON(props);
    return qemuPropsFormatKeyValue(props);
}
