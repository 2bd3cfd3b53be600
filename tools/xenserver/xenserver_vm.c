/*
 * xenserver_vm.c: the PCI devices that XenServer's tool stack gives to a VM
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_vm.h"
#include "xenserver_qemu.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* The values of a platform device without the keys, in the decimal format */
#define XENSERVER_DECIMAL_DEFAULT 1
#define XENSERVER_DECIMAL_CLASSCODE 0xff8000

/* The revision that xenopsd gives to a platform device with device_id. */
#define XENSERVER_REVISION 2

/* The maximum number of digits, which is more than a value of the two keys has */
#define XENSERVER_DECIMAL_DIGITS_MAX 8

static const char keyDeviceID[] = "device_id";
static const char keyRevision[] = "revision";
static const char keyDeviceModel[] = "device-model";

static const char *const firmwares[XENSERVER_FIRMWARE_LAST] = { "unknown", "bios", "uefi" };
static const char *const formats[XENSERVER_PLATFORM_LAST] = { "current", "decimal" };


XenserverFirmware
xenserverFirmwareFromString(const char *text)
{
    int i;

    for (i = XENSERVER_FIRMWARE_BIOS; i < XENSERVER_FIRMWARE_LAST; i++) {
        if (strcmp(firmwares[i], text) == 0)
            return i;
    }
    return XENSERVER_FIRMWARE_UNKNOWN;
}


int
xenserverPlatformFormatFromString(const char *text)
{
    int i;

    for (i = 0; i < XENSERVER_PLATFORM_LAST; i++) {
        if (strcmp(formats[i], text) == 0)
            return i;
    }
    return -1;
}


XenserverVM *
xenserverVMNew(void)
{
    XenserverVM *vm = g_new0(XenserverVM, 1);

    vm->hvm = TRUE;
    vm->defs = g_ptr_array_new_with_free_func((GDestroyNotify) emulatedPCIDefFree);
    return vm;
}


void
xenserverVMFree(XenserverVM *vm)
{
    if (!vm)
        return;
    g_free(vm->name);
    g_free(vm->uuid);
    g_free(vm->platform);
    g_ptr_array_unref(vm->defs);
    g_free(vm);
}


gboolean
xenserverVMIs(const XenserverVM *vm, const char *text)
{
    return g_strcmp0(vm->name, text) == 0 || g_strcmp0(vm->uuid, text) == 0;
}


/* --- the platform map */

/* Returns the start of the pairs in TEXT, after the name of the parameter if there is one. */
static char **
xenserverPlatformSplit(const char *text)
{
    const char *start = text + strspn(text, " \t");

    if (g_str_has_prefix(start, "platform")) {
        const char *colon = strchr(start, ':');
        const char *paren = strchr(start, '(');

        if (paren && colon && paren < colon)
            start = colon + 1;
    }
    if (strstr(start, ": "))
        return g_strsplit(start, ";", -1);
    return g_strsplit_set(start, ";, \t", -1);
}


/* Splits PAIR into its key and value, which point into it. Returns FALSE if it is none. */
static gboolean
xenserverPlatformPair(char *pair, char **key, char **value)
{
    char *sep;

    *key = g_strstrip(pair);
    sep = *key + strcspn(*key, ":=");
    if (!*sep || sep == *key ||
        strspn(*key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") <
        (gsize) (sep - *key))
        return FALSE;
    if (*sep == ':' && sep[1] && sep[1] != ' ')
        return FALSE;
    *sep = '\0';
    *value = g_strstrip(sep + 1);
    return TRUE;
}


gboolean
xenserverIsPlatform(const char *text)
{
    g_auto(GStrv) pairs = xenserverPlatformSplit(text);
    guint found = 0;
    gsize i;

    for (i = 0; pairs[i]; i++) {
        char *key;
        char *value;

        if (!*g_strstrip(pairs[i]))
            continue;
        if (!xenserverPlatformPair(pairs[i], &key, &value))
            return FALSE;
        found++;
    }
    return found > 0;
}


gboolean
xenserverPlatformGet(const char *text, const char *key, char **value, GError **err)
{
    g_auto(GStrv) pairs = xenserverPlatformSplit(text);
    g_autofree char *found = NULL;
    gsize i;

    for (i = 0; pairs[i]; i++) {
        char *k;
        char *v;

        if (!xenserverPlatformPair(pairs[i], &k, &v) || strcmp(k, key) != 0)
            continue;
        if (found) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("the platform key '%1$s' is given more than once"), key);
            return FALSE;
        }
        found = g_strdup(v);
    }
    *value = g_steal_pointer(&found);
    return TRUE;
}


/* --- the platform device */

static gboolean
xenserverParseDecimal(const char *text, guint32 max, guint32 *value)
{
    if (!*text || strlen(text) > XENSERVER_DECIMAL_DIGITS_MAX ||
        text[strspn(text, "0123456789")])
        return FALSE;
    *value = g_ascii_strtoull(text, NULL, 10);
    return *value <= max;
}


/* Parses the number of @key in the platform map of @vm. If the key is missing, @value is not
 * changed and @given is FALSE. */
static gboolean
xenserverPlatformNumber(const XenserverVM *vm,
                        const char *key,
                        XenserverPlatformFormat format,
                        guint32 max,
                        guint32 *value,
                        gboolean *given,
                        GError **err)
{
    g_autofree char *text = NULL;
    g_autofree char *quoted = NULL;

    *given = FALSE;
    if (!xenserverPlatformGet(vm->platform, key, &text, err))
        return FALSE;
    if (!text)
        return TRUE;

    *given = TRUE;
    if (format == XENSERVER_PLATFORM_DECIMAL ? xenserverParseDecimal(text, max, value)
                                             : xenserverParseHex(text, max, value))
        return TRUE;

    quoted = emulatedPCIErrorQuote(text);
    if (format == XENSERVER_PLATFORM_DECIMAL)
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for the platform key '%2$s': "
                                 "a decimal number from 0 to %3$u is expected"),
                               quoted, key, max);
    else
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for the platform key '%2$s': "
                                 "a hexadecimal number without 0x from 0 to %3$x is expected"),
                               quoted, key, max);
    return FALSE;
}


/* Returns the platform device as described in the design page of 2015 */
static EmulatedPCIDef *
xenserverPlatformDecimal(const XenserverVM *vm, GError **err)
{
    guint32 deviceid = XENSERVER_DECIMAL_DEFAULT;
    guint32 revision = XENSERVER_DECIMAL_DEFAULT;
    gboolean given;

    if (!xenserverPlatformNumber(vm, keyDeviceID, XENSERVER_PLATFORM_DECIMAL,
                                 emulatedPCIFieldMax(EMULATED_PCI_FIELD_DEVICEID),
                                 &deviceid, &given, err) ||
        !xenserverPlatformNumber(vm, keyRevision, XENSERVER_PLATFORM_DECIMAL,
                                 emulatedPCIFieldMax(EMULATED_PCI_FIELD_REVISION),
                                 &revision, &given, err))
        return NULL;
    return xenserverDeviceNew(XENSERVER_QEMU_PLATFORM, deviceid, revision,
                              XENSERVER_DECIMAL_CLASSCODE);
}


/* Sets *FIRMWARE to SAID, which SOURCE contains. Returns FALSE if it contradicts the known
 * value. */
static gboolean
xenserverAgree(XenserverFirmware *firmware,
               XenserverFirmware said,
               const char *source,
               GError **err)
{
    if (said == XENSERVER_FIRMWARE_UNKNOWN || *firmware == said)
        return TRUE;
    if (*firmware == XENSERVER_FIRMWARE_UNKNOWN) {
        *firmware = said;
        return TRUE;
    }
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("firmware '%2$s' of %1$s contradicts '%3$s'"),
                           source, firmwares[said], firmwares[*firmware]);
    return FALSE;
}


/* Determines the firmware of VM from its boot parameters, its device model and OPTIONS. */
static gboolean
xenserverFindFirmware(const XenserverVM *vm,
                      const XenserverOptions *options,
                      XenserverFirmware *firmware,
                      GError **err)
{
    g_autofree char *model = NULL;
    XenserverFirmware said = XENSERVER_FIRMWARE_UNKNOWN;

    *firmware = vm->firmware;
    if (!xenserverPlatformGet(vm->platform, keyDeviceModel, &model, err))
        return FALSE;
    if (model)
        said = strcmp(model, "qemu-upstream-uefi") == 0 ? XENSERVER_FIRMWARE_UEFI
                                                        : XENSERVER_FIRMWARE_BIOS;
    if (!xenserverAgree(firmware, said, _("the platform key 'device-model'"), err) ||
        !xenserverAgree(firmware, options->firmware, "--firmware", err))
        return FALSE;

    if (*firmware == XENSERVER_FIRMWARE_UNKNOWN) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("the firmware is unknown, and the platform device depends on it: "
                                 "--firmware=bios or --firmware=uefi is required"));
        return FALSE;
    }
    return TRUE;
}


/* Returns the platform device of the current xenopsd */
static EmulatedPCIDef *
xenserverPlatformCurrent(const XenserverVM *vm, const XenserverOptions *options, GError **err)
{
    XenserverFirmware firmware;
    guint32 deviceid = XENSERVER_QEMU_PLATFORM_DEVICEID;
    gboolean given;

    if (!xenserverPlatformNumber(vm, keyDeviceID, XENSERVER_PLATFORM_CURRENT,
                                 emulatedPCIFieldMax(EMULATED_PCI_FIELD_DEVICEID),
                                 &deviceid, &given, err) ||
        !xenserverFindFirmware(vm, options, &firmware, err))
        return NULL;

    if (firmware == XENSERVER_FIRMWARE_UEFI)
        return xenserverQEMUPlatformUEFI(deviceid);
    if (given)
        return xenserverQEMUPlatformBIOS(deviceid, XENSERVER_REVISION);
    if (options->revision == 0) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("missing platform key '%1$s': the revision depends on the release "
                                 "that first started the VM; --revision=1 or --revision=2 is "
                                 "required"),
                               keyDeviceID);
        return NULL;
    }
    return xenserverQEMUPlatformBIOS(deviceid, options->revision);
}


gboolean
xenserverVMAddDevices(XenserverVM *vm, const XenserverOptions *options, GError **err)
{
    EmulatedPCIDef *def;

    if (!vm->hvm)
        return TRUE;
    if (!vm->platform) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("missing parameter 'platform': 'xe vm-list params=all' prints it"));
        return FALSE;
    }

    def = options->format == XENSERVER_PLATFORM_DECIMAL ?
        xenserverPlatformDecimal(vm, err) : xenserverPlatformCurrent(vm, options, err);
    if (!def)
        return FALSE;
    g_ptr_array_add(vm->defs, def);
    if (vm->vendorDevice)
        g_ptr_array_add(vm->defs, xenserverQEMUVendorDevice());
    return emulatedPCIDefValidate(def, err);
}


/* --- and back */

char *
xenserverFormatPlatform(const EmulatedPCIDef *def, XenserverPlatformFormat format, GError **err)
{
    const gboolean decimal = format == XENSERVER_PLATFORM_DECIMAL;
    const guint32 deviceid = def->fields.value[EMULATED_PCI_FIELD_DEVICEID];
    const guint32 revision = def->fields.value[EMULATED_PCI_FIELD_REVISION];
    g_autoptr(EmulatedPCIDef) uefi = xenserverQEMUPlatformUEFI(deviceid);
    g_autoptr(EmulatedPCIDef) could = decimal ?
        xenserverDeviceNew(XENSERVER_QEMU_PLATFORM, deviceid, revision,
                           XENSERVER_DECIMAL_CLASSCODE) :
        xenserverQEMUPlatformBIOS(deviceid, XENSERVER_REVISION);
    const EmulatedPCIField field = xenserverFindDifference(def, could);

    if (field != EMULATED_PCI_FIELD_LAST &&
        (decimal || xenserverFindDifference(def, uefi) != EMULATED_PCI_FIELD_LAST)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("a platform map cannot describe '%1$s': its %2$s is 0x%3$x, but "
                                 "the platform device has 0x%4$x"),
                               def->fields.devicename, emulatedPCIFieldGetInfo(field)->name,
                               def->fields.value[field], could->fields.value[field]);
        return NULL;
    }
    if (decimal)
        return g_strdup_printf("%s: %04u; %s: %u", keyDeviceID, deviceid, keyRevision, revision);
    return g_strdup_printf("%s: %04x", keyDeviceID, deviceid);
}
