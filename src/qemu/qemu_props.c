/*
 * qemu_props.c: properties of QEMU's emulated-pci device
 *
 * The key=value format is QEMU's option syntax (qemu-options and util/qemu-option.c in QEMU): pairs
 * are separated by commas, a comma in a value is written twice, a first word without '=' is the
 * driver, and any other word without '=' is a switch.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props.h"
#include "qemu_props_json.h"

#include "gettext.h"
#include <json.h>
#include <string.h>

#define _(s) gettext(s)

/* QEMU nests 1024 levels deep; a device's properties need three. */
#define QEMU_PROPS_JSON_DEPTH 32

#define QEMU_PROPS_DRIVER "driver"
#define QEMU_PROPS_FD "fd"
#define QEMU_PROPS_SOCKET "socket"

/* The maximum length of a value in a message, in bytes */
#define QEMU_PROPS_SHOW_MAX 64

/* Properties of vfio-user-pci (its -device vfio-user-pci,help). */
static const char *const overrides[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_VENDORID] = "x-pci-vendor-id",
    [EMULATED_PCI_FIELD_DEVICEID] = "x-pci-device-id",
    [EMULATED_PCI_FIELD_CLASSCODE] = "x-pci-class-code",
    [EMULATED_PCI_FIELD_SUBVENDORID] = "x-pci-sub-vendor-id",
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = "x-pci-sub-device-id",
};

/* One pair of the key=value form. */
typedef struct {
    char *key;
    char *value;        /* without doubled commas; NULL for a bare word */
    char *raw;          /* as it was written */
} QEMUPropsPair;


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


static gboolean
qemuPropsIsDrivers(const char *key)
{
    return emulatedPCIDriverAttrFromString(key) >= 0 || qemuPropsGetArgNumber(key) >= 0;
}


static gboolean
qemuPropsIsOurs(const char *key)
{
    return emulatedPCIFieldFromString(key) >= 0 ||
        strcmp(key, QEMU_EMULATED_PCI_DEFINITION) == 0 || qemuPropsIsDrivers(key);
}


/* Sets one of the emulator's properties from its text. */
static gboolean
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


static void
qemuPropsReportDriver(GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("cannot parse -device argument for driver '%1$s'"),
                           QEMU_EMULATED_PCI_DRIVER);
}


/* Returns VALUE for a message: readable, and not endless. */
static char *
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


/* Sets the string property KEY. */
static gboolean
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


static void
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


static gboolean
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


/* Judges PROPS, of which those fields are given that were SEEN. */
static gboolean
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


/* JSON */

static gboolean
qemuPropsIsJSON(const char *arg)
{
    return arg[0] == '{';
}


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


/* Returns the string that OBJECT is, or NULL; one with a NUL in it is none. */
static const char *
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


static const char *
qemuPropsGetDriver(JSONObject *object)
{
    return qemuPropsGetStringProperty(object, QEMU_PROPS_DRIVER);
}


/* Sets a string property, or the pid, that must have the one type that it
 * has in our own -device arguments. */
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

    /* json-c clamps what does not fit into 64 bits: out of range as well. */
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


static QEMUProps *
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


/* Adds the properties with which vfio-user-pci overrides what the server of the device
 * OBJECT says of itself, if it has a server. */
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


/* LINK is what stands between QEMU and the device, and its value. */
static char *
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


static char *
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


/* key=value */

static void
qemuPropsPairFree(QEMUPropsPair *pair)
{
    g_free(pair->key);
    g_free(pair->value);
    g_free(pair->raw);
    g_free(pair);
}


/* Takes the next pair from *ARG, which moves behind it and its comma. */
static QEMUPropsPair *
qemuPropsNextPair(const char **arg)
{
    QEMUPropsPair *pair = g_new0(QEMUPropsPair, 1);
    const char *start = *arg;
    const char *p = start + strcspn(start, "=,");

    if (*p == '=') {
        GString *value = g_string_new(NULL);

        pair->key = g_strndup(start, p - start);
        for (p++; *p && (*p != ',' || p[1] == ','); p++) {
            g_string_append_c(value, *p);
            if (*p == ',')
                p++;
        }
        pair->value = g_string_free(value, FALSE);
    } else {
        /* In the driver's place QEMU takes doubled commas too, but no driver
         * of that name exists. */
        pair->key = g_strndup(start, p - start);
    }

    pair->raw = g_strndup(start, p - start);
    *arg = *p ? p + 1 : p;
    return pair;
}


/* Returns the pairs of ARG; a first word without '=' becomes driver=word. */
static GPtrArray *
qemuPropsReadPairs(const char *arg)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func((GDestroyNotify) qemuPropsPairFree);

    if (strlen(arg) > QEMU_PROPS_LENGTH_MAX)
        return NULL;

    while (*arg) {
        QEMUPropsPair *pair = qemuPropsNextPair(&arg);

        if (pairs->len == 0 && !pair->value) {
            pair->value = pair->key;
            pair->key = g_strdup(QEMU_PROPS_DRIVER);
        }
        g_ptr_array_add(pairs, pair);
    }
    return g_steal_pointer(&pairs);
}


/* Returns whether the driver is emulated-pci; QEMU uses the last one of several. */
static gboolean
qemuPropsPairsAreOurs(GPtrArray *pairs)
{
    guint i;

    for (i = pairs ? pairs->len : 0; i > 0; i--) {
        const QEMUPropsPair *pair = g_ptr_array_index(pairs, i - 1);

        if (strcmp(pair->key, QEMU_PROPS_DRIVER) == 0)
            return g_strcmp0(pair->value, QEMU_EMULATED_PCI_DRIVER) == 0;
    }
    return FALSE;
}


static gboolean
qemuPropsSetFromPair(QEMUProps *props,
                     const QEMUPropsPair *pair,
                     GError **err)
{
    int field = emulatedPCIFieldFromString(pair->key);
    const char *value = pair->value ? pair->value : "";

    if (qemuPropsIsDrivers(pair->key))
        return qemuPropsSetDriver(props, pair->key, value, err);

    if (field <= EMULATED_PCI_FIELD_DEVICENAME)
        return qemuPropsSetString(props, pair->key, value, err);

    if (emulatedPCIFieldParseNumber(field, value, &props->fields.value[field]) !=
        EMULATED_PCI_NUMBER_OK) {
        qemuPropsReportNumber(field, value, err);
        return FALSE;
    }
    return TRUE;
}


static QEMUProps *
qemuPropsParseKeyValue(const char *arg,
                       GError **err)
{
    g_autoptr(GPtrArray) pairs = qemuPropsReadPairs(arg);
    g_autoptr(QEMUProps) props = g_new0(QEMUProps, 1);
    gboolean seen[EMULATED_PCI_FIELD_LAST + 1] = { FALSE };
    guint i;

    if (!qemuPropsPairsAreOurs(pairs)) {
        qemuPropsReportDriver(err);
        return NULL;
    }

    for (i = 0; i < pairs->len; i++) {
        const QEMUPropsPair *pair = g_ptr_array_index(pairs, i);
        int field = emulatedPCIFieldFromString(pair->key);

        if (!qemuPropsIsOurs(pair->key))
            continue;
        /* The emulator's take care of that themselves. */
        if (!qemuPropsIsDrivers(pair->key) &&
            !qemuPropsSetSeen(&seen[field < 0 ? EMULATED_PCI_FIELD_LAST : field], pair->key, err))
            return NULL;
        if (!qemuPropsSetFromPair(props, pair, err))
            return NULL;
    }

    if (!qemuPropsCheckComplete(props, seen, err))
        return NULL;
    return g_steal_pointer(&props);
}


static char *
qemuPropsReplaceKeyValue(const char *arg,
                         const char *driver,
                         const char *fd,
                         GError **err)
{
    g_autoptr(GPtrArray) pairs = qemuPropsReadPairs(arg);
    g_autoptr(GString) result = g_string_new(NULL);
    guint i;

    if (!pairs) {
        qemuPropsReportDriver(err);
        return NULL;
    }

    /* The driver is written first, where it does not require a key, so that a following word
     * without a key keeps its meaning. */
    g_string_printf(result, "%s,%s=%s", driver, QEMU_PROPS_FD, fd);
    for (i = 0; i < pairs->len; i++) {
        const QEMUPropsPair *pair = g_ptr_array_index(pairs, i);

        if (strcmp(pair->key, QEMU_PROPS_FD) == 0) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("property '%1$s' is not supported for driver '%2$s'"),
                                   pair->key, QEMU_EMULATED_PCI_DRIVER);
            return NULL;
        }
        if (strcmp(pair->key, QEMU_PROPS_DRIVER) != 0 && !qemuPropsIsOurs(pair->key))
            g_string_append_printf(result, ",%s", pair->raw);
    }

    return g_string_free(g_steal_pointer(&result), FALSE);
}


/* A QEMUPropsDriverFunc that appends ,NAME=VALUE to the string OPAQUE, with the commas in VALUE
 * doubled. */
static void
qemuPropsAppendDriverPair(const char *name,
                          const char *value,
                          gboolean isNumber G_GNUC_UNUSED,
                          void *opaque)
{
    GString *result = opaque;

    g_string_append_printf(result, ",%s=", name);
    for (; *value; value++) {
        g_string_append_c(result, *value);
        if (*value == ',')
            g_string_append_c(result, ',');
    }
}


static char *
qemuPropsFormatKeyValue(const QEMUProps *props)
{
    GString *result = g_string_new(QEMU_EMULATED_PCI_DRIVER);
    int i;

    /* Neither a devicename nor a definition can hold a comma. */
    g_string_append_printf(result, ",%s=%s",
                           emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                           props->fields.devicename);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (qemuPropsHasField(props, i))
            g_string_append_printf(result, ",%s=%u", emulatedPCIFieldGetInfo(i)->name,
                                   props->fields.value[i]);
    }
    if (props->definition)
        g_string_append_printf(result, ",%s=%s", QEMU_EMULATED_PCI_DEFINITION, props->definition);
    if (props->driver)
        qemuPropsForEachDriverProperty(props->driver, qemuPropsAppendDriverPair, result);
    return g_string_free(result, FALSE);
}


/* both forms */

gboolean
qemuPropsIsEmulatedPCI(const char *arg)
{
    g_autoptr(GPtrArray) pairs = NULL;

    /* Most arguments never mention us and cost no more than this. */
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
