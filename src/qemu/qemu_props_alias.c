/*
 * qemu_props_alias.c: the device's properties as part of its alias
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_alias.h"
#include "qemu_props_json.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

#define ALIAS_NAME_TAG "_A"
#define ALIAS_VALUE_TAG "_E"

/* The driver that libvirt gives to the controller. */
#define ALIAS_DRIVER "lsi"



static void
aliasAppend(GString *alias,
            const char *value)
{
    for (; *value; value++) {
        if (g_ascii_isalnum(*value) || *value == '-')
            g_string_append_c(alias, *value);
        else
            g_string_append_printf(alias, "_%02x", (guchar) *value);
    }
}


static void
aliasAppendPair(GString *alias,
                const char *name,
                const char *value)
{
    g_string_append(alias, ALIAS_NAME_TAG);
    aliasAppend(alias, name);
    g_string_append(alias, ALIAS_VALUE_TAG);
    aliasAppend(alias, value);
}


/* A QEMUPropsDriverFunc. */
static void
aliasAppendDriverPair(const char *name,
                      const char *value,
                      gboolean isNumber G_GNUC_UNUSED,
                      void *opaque)
{
    aliasAppendPair(opaque, name, value);
}


char *
qemuPropsAliasFormat(const char *name,
                     const QEMUProps *props,
                     GError **err)
{
    g_autoptr(GString) alias = g_string_new(name);
    int i;

    if (qemuPropsAliasIsMarked(name)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("alias '%1$s' contains '%2$s', which is reserved"), name,
                               QEMU_PROPS_ALIAS_MARKER);
        return NULL;
    }

    g_string_append(alias, QEMU_PROPS_ALIAS_MARKER);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        g_string_append_printf(alias, "%0*x", (int) emulatedPCIFieldGetInfo(i)->bits / 4,
                               props->fields.value[i]);
    g_string_append_c(alias, '-');
    aliasAppend(alias, props->fields.devicename);
    if (props->definition)
        aliasAppendPair(alias, QEMU_EMULATED_PCI_DEFINITION, props->definition);
    if (props->driver)
        qemuPropsForEachDriverProperty(props->driver, aliasAppendDriverPair, alias);

    if (alias->len > QEMU_PROPS_ALIAS_MAX) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the device's <driver> is too long for a device of a running "
                                 "domain: all its properties may have %1$d bytes"),
                               QEMU_PROPS_ALIAS_MAX);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&alias), FALSE);
}


gboolean
qemuPropsAliasIsMarked(const char *alias)
{
    return strstr(alias, QEMU_PROPS_ALIAS_MARKER) != NULL;
}


char *
qemuPropsAliasGetName(const char *alias)
{
    const char *marker = strstr(alias, QEMU_PROPS_ALIAS_MARKER);

    return marker ? g_strndup(alias, marker - alias) : g_strdup(alias);
}


/* Parses a value up to its end or to the next tag, and moves *POS there. */
static char *
aliasReadValue(const char **pos)
{
    GString *value = g_string_new(NULL);
    const char *p = *pos;

    for (; *p; p++) {
        if (*p != '_') {
            g_string_append_c(value, *p);
        } else if (g_ascii_isxdigit(p[1]) && !g_ascii_isupper(p[1]) && g_ascii_isxdigit(p[2])) {
            g_string_append_c(value, g_ascii_xdigit_value(p[1]) << 4 | g_ascii_xdigit_value(p[2]));
            p += 2;
        } else {
            break;
        }
    }
    *pos = p;
    return g_string_free(value, FALSE);
}


/* Parses the digits of the fields, and moves *POS after them. */
static gboolean
aliasReadNumbers(const char **pos,
                 QEMUPropsOverride *props)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);
        char number[sizeof("4294967295")];
        guint32 value = 0;
        guint j;

        for (j = 0; j < info->bits / 4; j++, (*pos)++) {
            if (!g_ascii_isxdigit(**pos))
                return FALSE;
            value = value << 4 | g_ascii_xdigit_value(**pos);
        }
        g_snprintf(number, sizeof(number), "%u", value);
        if (!qemuPropsOverrideRead(props, info->name, "unsigned", number))
            return FALSE;
    }
    return TRUE;
}


static gboolean
aliasReadAll(const char *pos,
             QEMUPropsOverride *props)
{
    g_autofree char *devicename = NULL;

    if (!qemuPropsOverrideRead(props, "driver", "string", QEMU_EMULATED_PCI_DRIVER) ||
        !aliasReadNumbers(&pos, props) || *pos++ != '-')
        return FALSE;
    devicename = aliasReadValue(&pos);
    if (!qemuPropsOverrideRead(props, emulatedPCIFieldGetInfo(EMULATED_PCI_FIELD_DEVICENAME)->name,
                               "string", devicename))
        return FALSE;

    while (g_str_has_prefix(pos, ALIAS_NAME_TAG)) {
        g_autofree char *name = NULL;
        g_autofree char *value = NULL;

        pos += strlen(ALIAS_NAME_TAG);
        name = aliasReadValue(&pos);
        if (!g_str_has_prefix(pos, ALIAS_VALUE_TAG))
            return FALSE;
        pos += strlen(ALIAS_VALUE_TAG);
        value = aliasReadValue(&pos);
        if (!qemuPropsOverrideRead(props, name,
                                   emulatedPCIDriverAttrFromString(name) == EMULATED_PCI_DRIVER_PID ?
                                   "unsigned" : "string", value))
            return FALSE;
    }
    return *pos == '\0' && qemuPropsOverrideIsComplete(props);
}


/* Returns PROPS in the format for qemuPropsAliasFormat(), without copying strings. */
static QEMUProps
aliasGetProps(const QEMUPropsOverride *override)
{
    QEMUProps props = {
        .fields = override->fields,
        .definition = *override->definition ? (char *) override->definition : NULL,
        .driver = override->driver,
    };

    return props;
}


gboolean
qemuPropsAliasRead(const char *alias,
                   QEMUPropsOverride *override)
{
    const char *marker = strstr(alias, QEMU_PROPS_ALIAS_MARKER);
    g_autofree char *name = NULL;
    g_autofree char *again = NULL;
    QEMUProps props;

    memset(override, 0, sizeof(*override));
    if (!marker || strlen(alias) > QEMU_PROPS_ALIAS_MAX ||
        !aliasReadAll(marker + strlen(QEMU_PROPS_ALIAS_MARKER), override))
        return FALSE;

    name = qemuPropsAliasGetName(alias);
    props = aliasGetProps(override);
    again = qemuPropsAliasFormat(name, &props, NULL);
    return g_strcmp0(again, alias) == 0;
}


gboolean
qemuPropsAliasIsReservation(const char *arg)
{
    g_autoptr(JSONObject) object = NULL;
    const char *id;

    if (!qemuPropsAliasIsMarked(arg))
        return FALSE;
    /* In key=value format, for a QEMU before 6.2, the driver is the first word. */
    if (*arg != '{')
        return g_str_has_prefix(arg, ALIAS_DRIVER ",");
    object = qemuPropsReadJSON(arg);
    id = object ? qemuPropsGetStringProperty(object, "id") : NULL;
    return id && qemuPropsAliasIsMarked(id) &&
        g_strcmp0(qemuPropsGetStringProperty(object, "driver"), ALIAS_DRIVER) == 0;
}


char *
qemuPropsAliasExpand(const char *arg,
                     GError **err)
{
    g_autoptr(JSONObject) object = *arg == '{' ? qemuPropsReadJSON(arg) : NULL;
    g_autoptr(JSONObject) result = NULL;
    g_autofree char *text = NULL;
    QEMUPropsOverride override = { 0 };
    const char *id = object ? qemuPropsGetStringProperty(object, "id") : NULL;
    QEMUProps props;

    if (!id || !qemuPropsAliasRead(id, &override)) {
        qemuPropsOverrideClear(&override);
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot read the fields of an emulated PCI device in -device '%1$.200s'"),
                               arg);
        return NULL;
    }
    props = aliasGetProps(&override);
    text = qemuPropsFormat(&props, QEMU_PROPS_FORM_JSON);
    qemuPropsOverrideClear(&override);

    result = qemuPropsReadJSON(text);
    json_object_object_foreach(object, key, value) {
        if (strcmp(key, "driver") != 0)
            json_object_object_add(result, key, json_object_get(value));
    }
    return qemuPropsJSONToString(result);
}
