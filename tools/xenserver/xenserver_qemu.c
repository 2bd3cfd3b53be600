/*
 * xenserver_qemu.c: the PCI devices on the command line of XenServer's QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_qemu.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* QEMU's defaults for both devices. */
#define XENSERVER_QEMU_REVISION 1
#define XENSERVER_QEMU_PLATFORM_CLASSCODE 0xff8000
#define XENSERVER_QEMU_PLATFORM_BIOS_CLASSCODE 0x010000
#define XENSERVER_QEMU_PVDEVICE_CLASSCODE 0x088000
#define XENSERVER_QEMU_PVDEVICE_COMMAND 0x0002
#define XENSERVER_QEMU_PVDEVICE_DEVICEID 0xc000

/* A property that is a field of the device. */
typedef struct {
    const char *name;
    EmulatedPCIField field;
    unsigned int shift;     /* class-id has no programming interface */
} XenserverProperty;

static const XenserverProperty platformProperties[] = {
    { "device-id", EMULATED_PCI_FIELD_DEVICEID, 0 },
    { "revision", EMULATED_PCI_FIELD_REVISION, 0 },
    { "class-id", EMULATED_PCI_FIELD_CLASSCODE, 8 },
    { "subvendor_id", EMULATED_PCI_FIELD_SUBVENDORID, 0 },
    { "subsystem_id", EMULATED_PCI_FIELD_SUBSYSTEMID, 0 },
    { NULL, 0, 0 },
};

static const XenserverProperty pvdeviceProperties[] = {
    { "vendor-id", EMULATED_PCI_FIELD_VENDORID, 0 },
    { "device-id", EMULATED_PCI_FIELD_DEVICEID, 0 },
    { "revision", EMULATED_PCI_FIELD_REVISION, 0 },
    { NULL, 0, 0 },
};

/* Properties that do not change what the device is. */
static const char *const ignoredProperties[] = { "addr", "bus", "id", "size" };


EmulatedPCIDef *
xenserverQEMUPlatformBIOS(guint32 deviceid, guint32 revision)
{
    return xenserverDeviceNew(XENSERVER_QEMU_PLATFORM, deviceid, revision,
                              XENSERVER_QEMU_PLATFORM_BIOS_CLASSCODE);
}


EmulatedPCIDef *
xenserverQEMUPlatformUEFI(guint32 deviceid)
{
    EmulatedPCIDef *def = xenserverDeviceNew(XENSERVER_QEMU_PLATFORM, deviceid,
                                             XENSERVER_QEMU_REVISION,
                                             XENSERVER_QEMU_PLATFORM_CLASSCODE);

    def->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID] = XENSERVER_QEMU_PLATFORM_DEVICEID;
    return def;
}


EmulatedPCIDef *
xenserverQEMUVendorDevice(void)
{
    EmulatedPCIDef *def = xenserverDeviceNew(XENSERVER_QEMU_PVDEVICE,
                                             XENSERVER_QEMU_PVDEVICE_DEVICEID,
                                             XENSERVER_QEMU_REVISION,
                                             XENSERVER_QEMU_PVDEVICE_CLASSCODE);

    def->fields.value[EMULATED_PCI_FIELD_COMMAND] = XENSERVER_QEMU_PVDEVICE_COMMAND;
    return def;
}


/* --- reading */

/* Parses @text as QEMU does, but refuses octal numbers, which are probably unintended. */
static gboolean
xenserverQEMUNumber(const char *text, guint32 max, guint32 *value)
{
    guint64 number;

    if (g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X"))
        return xenserverParseHex(text + 2, max, value);
    if ((text[0] == '0' && text[1]) ||
        !g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL))
        return FALSE;
    *value = (guint32) number;
    return TRUE;
}


static char *
xenserverPropertyNames(const XenserverProperty *properties)
{
    g_autoptr(GString) names = g_string_new(NULL);
    gsize i;

    for (i = 0; properties[i].name; i++)
        g_string_append_printf(names, "%s, ", properties[i].name);
    for (i = 0; i < G_N_ELEMENTS(ignoredProperties); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", ignoredProperties[i]);
    return g_string_free(g_steal_pointer(&names), FALSE);
}


/* Sets the field of DEF for the property NAME=TEXT of DRIVER. */
static gboolean
xenserverQEMUSet(EmulatedPCIDef *def,
                 const char *driver,
                 const XenserverProperty *properties,
                 const char *name,
                 const char *text,
                 GError **err)
{
    g_autofree char *names = NULL;
    g_autofree char *quoted = NULL;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(ignoredProperties); i++) {
        if (strcmp(ignoredProperties[i], name) == 0)
            return TRUE;
    }

    for (i = 0; properties[i].name; i++) {
        const XenserverProperty *property = &properties[i];
        const guint32 max = emulatedPCIFieldMax(property->field) >> property->shift;
        guint32 value;

        if (strcmp(property->name, name) != 0)
            continue;
        if (xenserverQEMUNumber(text, max, &value)) {
            def->fields.value[property->field] = value << property->shift;
            return TRUE;
        }
        quoted = emulatedPCIErrorQuote(text);
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for property '%2$s' of '%3$s': a decimal "
                                 "number, or a hexadecimal number with 0x, from 0 to 0x%4$x is "
                                 "expected"), quoted, name, driver, max);
        return FALSE;
    }

    names = xenserverPropertyNames(properties);
    quoted = emulatedPCIErrorQuote(name);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("unsupported property '%1$s' of '%2$s': %3$s are supported"),
                           quoted, driver, names);
    return FALSE;
}


/* Reads WORDS, the value of -device without the driver, into DEF. */
static gboolean
xenserverQEMUSetAll(EmulatedPCIDef *def,
                    const char *driver,
                    char **words,
                    const XenserverProperty *properties,
                    GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    gsize i;

    for (i = 0; words[i]; i++) {
        char *value = strchr(words[i], '=');
        g_autofree char *quoted = NULL;

        if (value)
            *value++ = '\0';
        if (value && g_hash_table_add(seen, words[i])) {
            if (!xenserverQEMUSet(def, driver, properties, words[i], value, err))
                return FALSE;
            continue;
        }
        quoted = emulatedPCIErrorQuote(words[i]);
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               value ? _("property '%1$s' of '%2$s' is given more than once")
                                     : _("property '%1$s' of '%2$s' has no value"),
                               quoted, driver);
        return FALSE;
    }

    if (properties == pvdeviceProperties) {
        if (!g_hash_table_contains(seen, "device-id")) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("property '%1$s' of '%2$s' is missing"), "device-id", driver);
            return FALSE;
        }
        def->fields.value[EMULATED_PCI_FIELD_SUBVENDORID] = def->fields.value[EMULATED_PCI_FIELD_VENDORID];
        def->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID] = def->fields.value[EMULATED_PCI_FIELD_DEVICEID];
    }
    return TRUE;
}


/* Appends the device that @value, an argument of -device, describes, unless it is another device
 * of QEMU. */
static gboolean
xenserverQEMUDevice(const char *value, GPtrArray *defs, GError **err)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    g_autoptr(EmulatedPCIDef) def = NULL;
    const XenserverProperty *properties;
    const char *driver = words[0] ? words[0] : "";

    if (g_str_has_prefix(driver, "driver="))
        driver += strlen("driver=");
    if (strcmp(driver, XENSERVER_QEMU_PLATFORM) == 0) {
        def = xenserverQEMUPlatformUEFI(XENSERVER_QEMU_PLATFORM_DEVICEID);
        properties = platformProperties;
    } else if (strcmp(driver, XENSERVER_QEMU_PVDEVICE) == 0) {
        def = xenserverQEMUVendorDevice();
        properties = pvdeviceProperties;
    } else {
        return TRUE;
    }

    if (!xenserverQEMUSetAll(def, driver, words + 1, properties, err) ||
        !emulatedPCIDefValidate(def, err))
        return FALSE;
    g_ptr_array_add(defs, g_steal_pointer(&def));
    return TRUE;
}


/* Returns the arguments of LINE, without quotation marks around them. */
static char **
xenserverQEMUSplit(const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t\r\n", -1);
    g_autoptr(GPtrArray) result = g_ptr_array_new();
    gsize i;

    for (i = 0; words[i]; i++) {
        char *word = words[i];
        gsize len;

        word += strspn(word, "'\"");
        len = strlen(word);
        while (len > 0 && strchr("'\"", word[len - 1]))
            len--;
        if (len > 0)
            g_ptr_array_add(result, g_strndup(word, len));
    }
    g_ptr_array_add(result, NULL);
    return (char **) g_ptr_array_free(g_steal_pointer(&result), FALSE);
}


gboolean
xenserverIsQEMU(const char *line)
{
    g_auto(GStrv) words = xenserverQEMUSplit(line);
    gboolean program = FALSE;
    gsize i;

    for (i = 0; words[i]; i++) {
        const char *base = strrchr(words[i], '/');

        if (strcmp(words[i], "-device") == 0 || strcmp(words[i], XENSERVER_ARGUMENT) == 0 ||
            (program && words[i][0] == '-'))
            return TRUE;
        program |= g_str_has_prefix(base ? base + 1 : words[i], "qemu");
    }
    return FALSE;
}


gboolean
xenserverParseQEMU(const char *line, char **name, GPtrArray *defs, GError **err)
{
    g_auto(GStrv) words = xenserverQEMUSplit(line);
    g_autofree char *found = NULL;
    gsize i;

    for (i = 0; words[i]; i++) {
        const char *value = words[i + 1];
        EmulatedPCIDef *def;

        if (strcmp(words[i], XENSERVER_ARGUMENT) == 0) {
            def = xenserverParseDevice(value ? value : "", err);
            if (!def)
                return FALSE;
            g_ptr_array_add(defs, def);
        } else if (strcmp(words[i], "-device") == 0) {
            if (!xenserverQEMUDevice(value ? value : "", defs, err))
                return FALSE;
        } else if (strcmp(words[i], "-xen-domid") == 0 && value && !found) {
            found = g_strdup_printf("domain %s", value);
        } else {
            continue;
        }
        if (value)
            i++;
    }
    *name = g_steal_pointer(&found);
    return TRUE;
}


/* --- and back */

/* Returns whether DEF is a xen-pvdevice of any ids and revision. */
static gboolean
xenserverIsPVDevice(const EmulatedPCIDef *def)
{
    g_autoptr(EmulatedPCIDef) could = xenserverQEMUVendorDevice();

    could->fields.value[EMULATED_PCI_FIELD_VENDORID] =
        def->fields.value[EMULATED_PCI_FIELD_VENDORID];
    could->fields.value[EMULATED_PCI_FIELD_SUBVENDORID] =
        def->fields.value[EMULATED_PCI_FIELD_VENDORID];
    could->fields.value[EMULATED_PCI_FIELD_DEVICEID] =
        def->fields.value[EMULATED_PCI_FIELD_DEVICEID];
    could->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID] =
        def->fields.value[EMULATED_PCI_FIELD_DEVICEID];
    could->fields.value[EMULATED_PCI_FIELD_REVISION] =
        def->fields.value[EMULATED_PCI_FIELD_REVISION];
    return xenserverFindDifference(def, could) == EMULATED_PCI_FIELD_LAST;
}


/* Returns the xen-platform device with the properties that DEF gives it. */
static EmulatedPCIDef *
xenserverPlatformLike(const EmulatedPCIDef *def)
{
    EmulatedPCIDef *could =
        xenserverQEMUPlatformUEFI(def->fields.value[EMULATED_PCI_FIELD_DEVICEID]);
    gsize i;

    for (i = 0; platformProperties[i].name; i++) {
        const EmulatedPCIField field = platformProperties[i].field;
        const unsigned int shift = platformProperties[i].shift;

        could->fields.value[field] = def->fields.value[field] >> shift << shift;
    }
    return could;
}


char *
xenserverFormatQEMU(const EmulatedPCIDef *def, GError **err)
{
    const guint32 deviceid = def->fields.value[EMULATED_PCI_FIELD_DEVICEID];
    const guint32 revision = def->fields.value[EMULATED_PCI_FIELD_REVISION];
    g_autoptr(EmulatedPCIDef) uefi = xenserverQEMUPlatformUEFI(deviceid);
    g_autoptr(EmulatedPCIDef) could = xenserverPlatformLike(def);
    const EmulatedPCIField field = xenserverFindDifference(def, could);

    if (xenserverIsPVDevice(def))
        return g_strdup_printf("%s,vendor-id=0x%04x,device-id=0x%04x,revision=0x%x",
                               XENSERVER_QEMU_PVDEVICE,
                               def->fields.value[EMULATED_PCI_FIELD_VENDORID], deviceid, revision);

    if (field != EMULATED_PCI_FIELD_LAST) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' cannot be exported as '%2$s': its %3$s is 0x%4$x, but "
                                 "that device has 0x%5$x"), def->fields.devicename,
                               XENSERVER_QEMU_PLATFORM,
                               emulatedPCIFieldGetInfo(field)->name, def->fields.value[field],
                               could->fields.value[field]);
        return NULL;
    }

    if (xenserverFindDifference(def, uefi) == EMULATED_PCI_FIELD_LAST)
        return g_strdup_printf("%s,device-id=0x%04x", XENSERVER_QEMU_PLATFORM, deviceid);
    return g_strdup_printf("%s,device-id=0x%04x,revision=0x%x,class-id=0x%04x,"
                           "subvendor_id=0x%04x,subsystem_id=0x%04x",
                           XENSERVER_QEMU_PLATFORM, deviceid, revision,
                           def->fields.value[EMULATED_PCI_FIELD_CLASSCODE] >> 8,
                           def->fields.value[EMULATED_PCI_FIELD_SUBVENDORID],
                           def->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID]);
}
