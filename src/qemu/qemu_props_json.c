/*
 * qemu_props_json.c: the JSON format of -device for the emulated-pci device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_private.h"

#include "gettext.h"
#include <json.h>
#include <string.h>

#define _(s) gettext(s)

/* QEMU supports 1024 levels; the properties of a device require three. */
#define QEMU_PROPS_JSON_DEPTH 32

/* Properties of vfio-user-pci (its -device vfio-user-pci,help). */
static const char *const overrides[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_VENDORID] = "x-pci-vendor-id",
    [EMULATED_PCI_FIELD_DEVICEID] = "x-pci-device-id",
    [EMULATED_PCI_FIELD_CLASSCODE] = "x-pci-class-code",
    [EMULATED_PCI_FIELD_SUBVENDORID] = "x-pci-sub-vendor-id",
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = "x-pci-sub-device-id",
};


/**
 * qemuPropsEscapeJSON:
 * @arg: a JSON document
 *
 * Writes every non-ASCII character of @arg as a JSON escape (RFC 8259, section 7): json-c 0.18
 * in strict mode takes the bytes of such a character for control characters and refuses them.
 * JSON allows non-ASCII characters only in strings, where the escape means the same; elsewhere
 * both are refused. A character that follows a backslash is copied, because the pair is an
 * invalid escape, and must stay one.
 *
 * Returns: the same document in ASCII, owned by the caller, or NULL if @arg is not UTF-8
 */
static char *
qemuPropsEscapeJSON(const char *arg)
{
    GString *result;
    gboolean backslash = FALSE;

    if (!g_utf8_validate(arg, -1, NULL))
        return NULL;

    result = g_string_sized_new(strlen(arg));
    for (; *arg; arg = g_utf8_next_char(arg)) {
        const gunichar c = g_utf8_get_char(arg);

        if (c < 0x80)
            g_string_append_c(result, c);
        else if (backslash)
            g_string_append_unichar(result, c);
        else if (c < 0x10000)
            g_string_append_printf(result, "\\u%04x", c);
        else
            g_string_append_printf(result, "\\u%04x\\u%04x",
                                   0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
        backslash = c == '\\' && !backslash;
    }
    return g_string_free(result, FALSE);
}


JSONObject *
qemuPropsReadJSON(const char *arg)
{
    g_autofree char *ascii = NULL;
    struct json_tokener *tokener;
    g_autoptr(JSONObject) object = NULL;
    size_t end;

    if (strlen(arg) > QEMU_PROPS_LENGTH_MAX)
        return NULL;
    ascii = qemuPropsEscapeJSON(arg);
    if (!ascii)
        return NULL;

    tokener = json_tokener_new_ex(QEMU_PROPS_JSON_DEPTH);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    object = json_tokener_parse_ex(tokener, ascii, strlen(ascii));
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);

    if (!json_object_is_type(object, json_type_object) ||
        ascii[end + strspn(ascii + end, " \t\r\n")] != '\0')
        return NULL;
    return g_steal_pointer(&object);
}


const char *
qemuPropsGetString(JSONObject *object)
{
    const char *str;

    if (!json_object_is_type(object, json_type_string))
        return NULL;
    str = json_object_get_string(object);
    return strlen(str) == json_object_get_string_len(object) ? str : NULL;
}


const char *
qemuPropsGetStringProperty(JSONObject *object,
                           const char *key)
{
    JSONObject *value;

    if (!json_object_object_get_ex(object, key, &value))
        return NULL;
    return qemuPropsGetString(value);
}


const char *
qemuPropsGetDriver(JSONObject *object)
{
    return qemuPropsGetStringProperty(object, QEMU_PROPS_DRIVER);
}


/* Sets a string property, or the pid. The value must have the type that qemuPropsFormatJSON()
 * writes. */
static gboolean
qemuPropsSetTextFromJSON(QEMUProps *props,
                         const char *key,
                         JSONObject *value,
                         GError **err)
{
    const gboolean isNumber = emulatedPCIDriverAttrFromString(key) == EMULATED_PCI_DRIVER_PID;
    const char *str = isNumber && json_object_is_type(value, json_type_int) ?
        json_object_get_string(value) : qemuPropsGetString(value);
    g_autofree char *shown = NULL;

    if (!str || (isNumber && !json_object_is_type(value, json_type_int))) {
        shown = qemuPropsShow(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
        if (isNumber)
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("invalid value '%1$s' for property '%2$s': must be a number from %3$d to %4$d"),
                                   shown, key, 1, EMULATED_PCI_DRIVER_PID_MAX);
        else
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("invalid value '%1$s' for property '%2$s': must be a string"),
                                   shown, key);
        return FALSE;
    }
    if (qemuPropsIsDrivers(key))
        return qemuPropsSetDriver(props, key, str, err);
    return qemuPropsSetString(props, key, str, err);
}


static gboolean
qemuPropsSetFromJSON(QEMUProps *props,
                     const char *key,
                     JSONObject *value,
                     GError **err)
{
    int field = emulatedPCIFieldFromString(key);
    int64_t number;

    if (field <= EMULATED_PCI_FIELD_DEVICENAME)
        return qemuPropsSetTextFromJSON(props, key, value, err);

    /* json-c clamps numbers that exceed 64 bits; the result is out of range, too. */
    number = json_object_get_int64(value);
    if (!json_object_is_type(value, json_type_int) || number < 0 ||
        number > emulatedPCIFieldMax(field)) {
        qemuPropsReportNumber(field, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
                              err);
        return FALSE;
    }
    props->fields.value[field] = number;
    return TRUE;
}


QEMUProps *
qemuPropsParseJSON(const char *arg,
                   GError **err)
{
    g_autoptr(JSONObject) object = qemuPropsReadJSON(arg);
    g_autoptr(QEMUProps) props = g_new0(QEMUProps, 1);
    gboolean seen[EMULATED_PCI_FIELD_LAST] = { FALSE };

    if (!object || g_strcmp0(qemuPropsGetDriver(object), QEMU_EMULATED_PCI_DRIVER) != 0) {
        qemuPropsReportDriver(err);
        return NULL;
    }

    json_object_object_foreach(object, key, value) {
        int field = emulatedPCIFieldFromString(key);

        if (!qemuPropsIsOurs(key))
            continue;
        if (!qemuPropsSetFromJSON(props, key, value, err))
            return NULL;
        if (field >= 0)
            seen[field] = TRUE;
    }

    if (!qemuPropsCheckComplete(props, seen, err))
        return NULL;
    return g_steal_pointer(&props);
}


char *
qemuPropsJSONToString(JSONObject *object)
{
    return g_strdup(json_object_to_json_string_ext(object,
                                                   JSON_C_TO_STRING_PLAIN |
                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
}


/* Adds the properties with which vfio-user-pci overrides the values of the server, if the device
 * OBJECT has a server. */
static void
qemuPropsAddOverrides(JSONObject *result,
                      JSONObject *object)
{
    JSONObject *value;
    int i;

    if (!json_object_object_get_ex(object, QEMU_PROPS_SOCKET, &value))
        return;
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (overrides[i] && json_object_object_get_ex(object, emulatedPCIFieldGetInfo(i)->name, &value))
            json_object_object_add(result, overrides[i], json_object_get(value));
    }
}


char *
qemuPropsReplaceJSON(const char *arg,
                     const char *driver,
                     const char *link,
                     JSONObject *linkValue,
                     GError **err)
{
    g_autoptr(JSONObject) object = qemuPropsReadJSON(arg);
    g_autoptr(JSONObject) result = json_object_new_object();

    if (!object) {
        qemuPropsReportDriver(err);
        return NULL;
    }

    json_object_object_foreach(object, key, value) {
        if (strcmp(key, link) == 0 && !qemuPropsIsOurs(key)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("property '%1$s' is not supported for driver '%2$s'"),
                                   key, QEMU_EMULATED_PCI_DRIVER);
            return NULL;
        }
        if (strcmp(key, QEMU_PROPS_DRIVER) == 0) {
            json_object_object_add(result, key, json_object_new_string(driver));
            json_object_object_add(result, link, json_object_get(linkValue));
            qemuPropsAddOverrides(result, object);
        } else if (!qemuPropsIsOurs(key)) {
            json_object_object_add(result, key, json_object_get(value));
        }
    }

    return qemuPropsJSONToString(result);
}


/* A QEMUPropsDriverFunc that adds the property to the JSON object OPAQUE. */
static void
qemuPropsAddDriverJSON(const char *name,
                       const char *value,
                       gboolean isNumber,
                       void *opaque)
{
    json_object_object_add(opaque, name, isNumber ?
                           json_object_new_int64(g_ascii_strtoll(value, NULL, 10)) :
                           json_object_new_string(value));
}


char *
qemuPropsFormatJSON(const QEMUProps *props)
{
    g_autoptr(JSONObject) object = json_object_new_object();
    int i;

    json_object_object_add(object, QEMU_PROPS_DRIVER,
                           json_object_new_string(QEMU_EMULATED_PCI_DRIVER));
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (!qemuPropsHasField(props, i))
            continue;
        json_object_object_add(object, emulatedPCIFieldGetInfo(i)->name,
                               i == EMULATED_PCI_FIELD_DEVICENAME ?
                               json_object_new_string(props->fields.devicename) :
                               json_object_new_int64(props->fields.value[i]));
    }
    if (props->definition)
        json_object_object_add(object, QEMU_EMULATED_PCI_DEFINITION,
                               json_object_new_string(props->definition));
    if (props->driver)
        qemuPropsForEachDriverProperty(props->driver, qemuPropsAddDriverJSON, object);
    return qemuPropsJSONToString(object);
}
