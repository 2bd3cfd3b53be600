/*
 * xenserver_device.c: emulated PCI devices as strings
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_device.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* The maximum number of hexadecimal digits: no field has more, and a guint32 can contain them. */
#define XENSERVER_DIGITS_MAX 8


gboolean
xenserverParseHex(const char *text, guint32 max, guint32 *value)
{
    const gsize len = strspn(text, "0123456789abcdefABCDEF");

    if (len == 0 || len > XENSERVER_DIGITS_MAX || text[len])
        return FALSE;
    *value = g_ascii_strtoull(text, NULL, 16);
    return *value <= max;
}


static void
xenserverSet(EmulatedPCIDef *def, EmulatedPCIField field, guint32 value)
{
    def->fields.value[field] = value;
    def->given[field] = TRUE;
}


static void
xenserverSetName(EmulatedPCIDef *def, const char *name)
{
    g_strlcpy(def->fields.devicename, name, sizeof(def->fields.devicename));
    def->given[EMULATED_PCI_FIELD_DEVICENAME] = TRUE;
}


/* The address of a multifunction device requires multifunction='on'. */
static void
xenserverSetAddress(EmulatedPCIDef *def)
{
    if (!(def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] & EMULATED_PCI_HEADERTYPE_MULTIFUNCTION))
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
                               _("'%1$s' has %2$u fields, but a device requires %3$d: %4$s"),
                               whole, count, EMULATED_PCI_FIELD_LAST, names);
        return NULL;
    }

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        guint32 value;

        if (!xenserverParseHex(words[i], emulatedPCIFieldMax(i), &value)) {
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
    if (!emulatedPCIDefParseDevicename(def, words[EMULATED_PCI_FIELD_DEVICENAME], err) ||
        !emulatedPCIDefValidate(def, err))
        return NULL;
    return g_steal_pointer(&def);
}


char *
xenserverFormatDevice(const EmulatedPCIDef *def)
{
    GString *out = g_string_new(def->fields.devicename);
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        g_string_append_printf(out, ":%0*x", (int) emulatedPCIFieldGetInfo(i)->bits / 4,
                               def->fields.value[i]);
    return g_string_free(out, FALSE);
}


EmulatedPCIDef *
xenserverDeviceNew(const char *name, guint32 deviceid, guint32 revision, guint32 classcode)
{
    EmulatedPCIDef *def = emulatedPCIDefNew();
    int i;

    xenserverSetName(def, name);
    xenserverSet(def, EMULATED_PCI_FIELD_VENDORID, XENSERVER_VENDORID);
    xenserverSet(def, EMULATED_PCI_FIELD_DEVICEID, deviceid);
    xenserverSet(def, EMULATED_PCI_FIELD_REVISION, revision);
    xenserverSet(def, EMULATED_PCI_FIELD_CLASSCODE, classcode);
    xenserverSet(def, EMULATED_PCI_FIELD_INTERRUPTPIN, 1);
    emulatedPCIDefSetDefaults(def);

    /* Mark all fields as given, so that they are not replaced by defaults. */
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
        def->given[i] = TRUE;
    return def;
}


EmulatedPCIField
xenserverFindDifference(const EmulatedPCIDef *a, const EmulatedPCIDef *b)
{
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (a->fields.value[i] != b->fields.value[i])
            break;
    }
    return i;
}
