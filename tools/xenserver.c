/*
 * xenserver.c: how XenServer's tool stack wrote emulated PCI devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* More hexadecimal digits than any field has, and no overflow. */
#define XENSERVER_DIGITS_MAX 8

#define XENSERVER_VENDORID 0x5853

/* What the two platform keys are if they are not there. */
#define XENSERVER_PLATFORM_DEFAULT 1

typedef enum {
    XENSERVER_KEY_DEVICE_ID = 0,
    XENSERVER_KEY_REVISION,

    XENSERVER_KEY_LAST
} XenserverKey;

static const struct {
    const char *name;
    EmulatedPCIField field;
} keys[XENSERVER_KEY_LAST] = {
    [XENSERVER_KEY_DEVICE_ID] = { "device_id", EMULATED_PCI_FIELD_DEVICEID },
    [XENSERVER_KEY_REVISION] = { "revision", EMULATED_PCI_FIELD_REVISION },
};

static const char space[] = " \t\r\n\v\f";


static gboolean
xenserverParseHex(EmulatedPCIField field, const char *text, guint32 *value)
{
    const gsize len = strspn(text, "0123456789abcdefABCDEF");

    if (len == 0 || len > XENSERVER_DIGITS_MAX || text[len])
        return FALSE;
    *value = g_ascii_strtoull(text, NULL, 16);
    return *value <= emulatedPCIFieldMax(field);
}


static void
xenserverSet(EmulatedPCIDef *def, EmulatedPCIField field, guint32 value)
{
    def->value[field] = value;
    def->given[field] = TRUE;
}


static void
xenserverSetName(EmulatedPCIDef *def, const char *name)
{
    def->devicename = g_strdup(name);
    def->given[EMULATED_PCI_FIELD_DEVICENAME] = TRUE;
}


/* A multifunction device's address has to say so too. */
static void
xenserverSetAddress(EmulatedPCIDef *def)
{
    if (!(def->value[EMULATED_PCI_FIELD_HEADERTYPE] & EMULATED_PCI_HEADERTYPE_MULTIFUNCTION))
        return;
    def->hasAddress = TRUE;
    def->multifunction = 1;
}


static char *
xenserverFieldNames(void)
{
    const char *names[EMULATED_PCI_FIELD_LAST + 1] = { NULL };
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
        names[i] = emulatedPCIFieldGetInfo(i)->name;
    return g_strjoinv(":", (char **) names);
}


EmulatedPCIDef *
xenserverParseDevice(const char *text, GError **err)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefNew();
    g_autofree char *stripped = g_strstrip(g_strdup(text));
    g_autofree char *whole = emulatedPCIErrorQuote(stripped);
    g_auto(GStrv) words = g_strsplit(stripped, ":", -1);
    const guint count = g_strv_length(words);
    int i;

    if (count != EMULATED_PCI_FIELD_LAST) {
        g_autofree char *names = xenserverFieldNames();

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("'%1$s' has %2$u fields; a device has %3$d: %4$s"),
                               whole, count, EMULATED_PCI_FIELD_LAST, names);
        return NULL;
    }

    xenserverSetName(def, words[EMULATED_PCI_FIELD_DEVICENAME]);
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        guint32 value;

        if (!xenserverParseHex(i, words[i], &value)) {
            g_autofree char *quoted = emulatedPCIErrorQuote(words[i]);

            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("invalid value '%1$s' for field %2$d, '%3$s', of '%4$s': "
                                     "a hexadecimal number without 0x from 0 to %5$x is expected"),
                                   quoted, i + 1, emulatedPCIFieldGetInfo(i)->name, whole,
                                   emulatedPCIFieldMax(i));
            return NULL;
        }
        xenserverSet(def, i, value);
    }

    xenserverSetAddress(def);
    if (!emulatedPCIDefValidate(def, err))
        return NULL;
    return g_steal_pointer(&def);
}


char *
xenserverFormatDevice(const EmulatedPCIDef *def)
{
    GString *out = g_string_new(def->devicename);
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        g_string_append_printf(out, ":%0*x", (int) emulatedPCIFieldGetInfo(i)->bits / 4,
                               def->value[i]);
    return g_string_free(out, FALSE);
}


/* The value of KEY in TEXT, newly allocated, or NULL. Keys and values are
 * joined by ":" or "=", pairs are separated by ";", "," or (after "=") white
 * space; "platform (MRW):" may stand before them. */
static char *
xenserverPlatformGet(const char *text, const char *key)
{
    const gsize len = strlen(key);
    const char *p;

    for (p = strstr(text, key); p; p = strstr(p + 1, key)) {
        const char *value = p + len;

        if (p > text && !strchr(";,: \t", p[-1]))
            continue;
        value += strspn(value, space);
        if (*value != ':' && *value != '=')
            continue;
        value++;
        value += strspn(value, " \t");
        return g_strndup(value, strcspn(value, ";, \t\r\n"));
    }
    return NULL;
}


gboolean
xenserverIsPlatform(const char *text)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *value = xenserverPlatformGet(text, keys[i].name);

        if (value)
            return TRUE;
    }
    return FALSE;
}


static gboolean
xenserverPlatformNumber(XenserverKey key, const char *text, guint32 *value, GError **err)
{
    const guint32 max = emulatedPCIFieldMax(keys[key].field);
    g_autofree char *found = xenserverPlatformGet(text, keys[key].name);
    g_autofree char *quoted = NULL;

    *value = XENSERVER_PLATFORM_DEFAULT;
    if (!found)
        return TRUE;
    if (*found && strlen(found) <= XENSERVER_DIGITS_MAX &&
        !found[strspn(found, "0123456789")]) {
        *value = g_ascii_strtoull(found, NULL, 10);
        if (*value <= max)
            return TRUE;
    }
    quoted = emulatedPCIErrorQuote(found);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for the platform key '%2$s': "
                             "a decimal number from 0 to %3$u is expected"),
                           quoted, keys[key].name, max);
    return FALSE;
}


/* The device that the platform keys of these values ask for. */
static EmulatedPCIDef *
xenserverPlatformDevice(guint32 deviceid, guint32 revision)
{
    EmulatedPCIDef *def = emulatedPCIDefNew();

    xenserverSetName(def, "xen-platform");
    xenserverSet(def, EMULATED_PCI_FIELD_VENDORID, XENSERVER_VENDORID);
    xenserverSet(def, EMULATED_PCI_FIELD_DEVICEID, deviceid);
    xenserverSet(def, EMULATED_PCI_FIELD_REVISION, revision);
    xenserverSet(def, EMULATED_PCI_FIELD_CLASSCODE, 0xff8000);
    xenserverSet(def, EMULATED_PCI_FIELD_INTERRUPTPIN, 1);
    emulatedPCIDefSetDefaults(def);
    return def;
}


EmulatedPCIDef *
xenserverParsePlatform(const char *text, GError **err)
{
    g_autoptr(EmulatedPCIDef) def = NULL;
    guint32 value[XENSERVER_KEY_LAST];
    int i;

    for (i = 0; i < XENSERVER_KEY_LAST; i++) {
        if (!xenserverPlatformNumber(i, text, &value[i], err))
            return NULL;
    }
    def = xenserverPlatformDevice(value[XENSERVER_KEY_DEVICE_ID], value[XENSERVER_KEY_REVISION]);
    if (!emulatedPCIDefValidate(def, err))
        return NULL;
    return g_steal_pointer(&def);
}


char *
xenserverFormatPlatform(const EmulatedPCIDef *def, GError **err)
{
    const guint32 deviceid = def->value[EMULATED_PCI_FIELD_DEVICEID];
    const guint32 revision = def->value[EMULATED_PCI_FIELD_REVISION];
    g_autoptr(EmulatedPCIDef) could = xenserverPlatformDevice(deviceid, revision);
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (def->value[i] == could->value[i])
            continue;
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the platform keys cannot ask for '%1$s': its %2$s is 0x%3$x, "
                                 "and that of their device 0x%4$x"),
                               def->devicename, emulatedPCIFieldGetInfo(i)->name, def->value[i],
                               could->value[i]);
        return NULL;
    }
    return g_strdup_printf("%s: %04u; %s: %u", keys[XENSERVER_KEY_DEVICE_ID].name, deviceid,
                           keys[XENSERVER_KEY_REVISION].name, revision);
}


/* The devices behind every -pciemulation in LINE. */
static gboolean
xenserverParseArguments(const char *line, GPtrArray *defs, GError **err)
{
    const char *p = line;

    while ((p = strstr(p, XENSERVER_ARGUMENT))) {
        g_autofree char *word = NULL;
        EmulatedPCIDef *def;
        gsize len;

        p += strlen(XENSERVER_ARGUMENT);
        p += strspn(p, " \t'\"");
        len = strcspn(p, " \t\r\n'\"");
        word = g_strndup(p, len);
        p += len;
        def = xenserverParseDevice(word, err);
        if (!def)
            return FALSE;
        g_ptr_array_add(defs, def);
    }
    return TRUE;
}


gboolean
xenserverParseText(const char *text, GPtrArray *defs, GError **err)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gsize i;

    for (i = 0; lines[i]; i++) {
        const char *line = lines[i] + strspn(lines[i], space);
        EmulatedPCIDef *def;

        if (*line == '\0' || *line == '#')
            continue;
        if (strstr(line, XENSERVER_ARGUMENT)) {
            if (!xenserverParseArguments(line, defs, err))
                return FALSE;
            continue;
        }
        def = xenserverIsPlatform(line) ? xenserverParsePlatform(line, err)
                                        : xenserverParseDevice(line, err);
        if (!def)
            return FALSE;
        g_ptr_array_add(defs, def);
    }
    return TRUE;
}
