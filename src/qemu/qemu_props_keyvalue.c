/*
 * qemu_props_keyvalue.c: the key=value format of -device for the emulated-pci device
 *
 * The format is QEMU's option syntax (qemu-options and util/qemu-option.c in QEMU): pairs are
 * separated by commas, a comma in a value is written twice, a first word without '=' is the driver,
 * and any other word without '=' is a switch.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_private.h"

#include "gettext.h"
#include <string.h>

#define _(s) gettext(s)

/* One pair of the key=value format */
typedef struct {
    char *key;
    char *value;        /* without doubled commas; NULL for a bare word */
    char *raw;          /* the pair as the user has written it */
} QEMUPropsPair;


static void
qemuPropsPairFree(QEMUPropsPair *pair)
{
    g_free(pair->key);
    g_free(pair->value);
    g_free(pair->raw);
    g_free(pair);
}


/* Parses the next pair at *ARG, and moves *ARG after it and its comma. */
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
        /* QEMU accepts doubled commas in the name of the driver, too, but no driver has such a
         * name. */
        pair->key = g_strndup(start, p - start);
    }

    pair->raw = g_strndup(start, p - start);
    *arg = *p ? p + 1 : p;
    return pair;
}


GPtrArray *
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


gboolean
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


QEMUProps *
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
        /* The properties of the emulator are checked by emulatedPCIDriverSet(). */
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


char *
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


char *
qemuPropsFormatKeyValue(const QEMUProps *props)
{
    GString *result = g_string_new(QEMU_EMULATED_PCI_DRIVER);
    int i;

    /* Neither a devicename nor a definition can contain a comma. */
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
