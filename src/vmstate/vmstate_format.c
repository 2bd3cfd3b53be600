/*
 * vmstate_format.c: the registers of a domain's devices as bytes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_format.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

#define FORMAT_TYPE "a(ssauay)"
#define FORMAT_DEVICE "(ss@au@ay)"

/* The number of numeric fields; devicename is a separate string. */
#define FORMAT_NUMBERS (EMULATED_PCI_FIELD_LAST - 1)


/* Converts a number to or from the byte order of the serialization. */
static GVariant *
formatSwap(GVariant *variant)
{
    if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
        return g_variant_ref(variant);
    return g_variant_byteswap(variant);
}


GBytes *
vmstateFormat(GPtrArray *devices)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GVariant) variant = NULL;
    g_autoptr(GVariant) swapped = NULL;
    const guint32 version = GUINT32_TO_BE(VMSTATE_FORMAT_VERSION);
    GVariantBuilder builder;
    guint i;

    g_variant_builder_init(&builder, G_VARIANT_TYPE(FORMAT_TYPE));
    for (i = 0; i < devices->len; i++) {
        const VMStateDevice *device = g_ptr_array_index(devices, i);

        g_variant_builder_add(&builder, FORMAT_DEVICE, device->alias, device->fields.devicename,
                              g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32,
                                                        device->fields.value + 1,
                                                        FORMAT_NUMBERS, sizeof(guint32)),
                              g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, device->registers,
                                                        device->nregisters, 1));
    }
    variant = g_variant_ref_sink(g_variant_builder_end(&builder));
    swapped = formatSwap(variant);

    g_byte_array_append(bytes, (const guint8 *) VMSTATE_FORMAT_MAGIC, strlen(VMSTATE_FORMAT_MAGIC));
    g_byte_array_append(bytes, (const guint8 *) &version, sizeof(version));
    g_byte_array_append(bytes, g_variant_get_data(swapped), g_variant_get_size(swapped));
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}


/* Parses the numeric fields and the registers of a device. */
static gboolean
parseNumbers(VMStateDevice *device,
             GVariant *numbers,
             GVariant *registers,
             GError **err)
{
    const guint32 *values;
    const guint8 *bytes;
    gsize nvalues;
    gsize nbytes;
    int i;

    values = g_variant_get_fixed_array(numbers, &nvalues, sizeof(*values));
    bytes = g_variant_get_fixed_array(registers, &nbytes, sizeof(*bytes));
    if (nvalues != FORMAT_NUMBERS || nbytes > EMULATOR_STATE_MAX) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': the saved state has %2$zu numbers and %3$zu registers: %4$d and up to %5$d are allowed"),
                               device->alias, nvalues, nbytes, FORMAT_NUMBERS, EMULATOR_STATE_MAX);
        return FALSE;
    }
    memcpy(device->fields.value + 1, values, sizeof(*values) * FORMAT_NUMBERS);
    vmstateDeviceSetRegisters(device, bytes, nbytes);

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (device->fields.value[i] <= emulatedPCIFieldMax(i))
            continue;
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': invalid %2$s 0x%3$x in the saved state: 0 to 0x%4$x are allowed"),
                               device->alias, emulatedPCIFieldGetInfo(i)->name,
                               device->fields.value[i],
                               emulatedPCIFieldMax(i));
        return FALSE;
    }
    return TRUE;
}


static VMStateDevice *
parseDevice(GVariant *variant,
            GError **err)
{
    g_autoptr(VMStateDevice) device = g_new0(VMStateDevice, 1);
    g_autoptr(GVariant) numbers = NULL;
    g_autoptr(GVariant) registers = NULL;
    g_autofree char *shown = NULL;
    const char *alias;
    const char *devicename;

    g_variant_get(variant, "(&s&s@au@ay)", &alias, &devicename, &numbers, &registers);
    shown = emulatedPCIErrorQuote(alias);
    if (!vmstateDeviceAliasIsValid(alias)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("invalid alias '%1$s' of an emulated PCI device in the saved state"),
                               shown);
        return NULL;
    }
    if (!emulatedPCIDevicenameIsValid(devicename)) {
        g_autofree char *name = emulatedPCIErrorQuote(devicename);

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI device '%1$s': invalid devicename '%2$s' in the saved state"),
                               shown, name);
        return NULL;
    }
    device->alias = g_strdup(alias);
    g_strlcpy(device->fields.devicename, devicename, sizeof(device->fields.devicename));

    return parseNumbers(device, numbers, registers, err) ? g_steal_pointer(&device) : NULL;
}


static GPtrArray *
parseDevices(GVariant *variant,
             GError **err)
{
    g_autoptr(GPtrArray) devices =
        g_ptr_array_new_with_free_func((GDestroyNotify) vmstateDeviceFree);
    g_autoptr(GHashTable) aliases = g_hash_table_new(g_str_hash, g_str_equal);
    const gsize n = g_variant_n_children(variant);
    gsize i;

    if (n > VMSTATE_DEVICES_MAX) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the saved state has %1$zu emulated PCI devices: up to %2$d are allowed"),
                               n, VMSTATE_DEVICES_MAX);
        return NULL;
    }
    for (i = 0; i < n; i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(variant, i);
        VMStateDevice *device = parseDevice(child, err);

        if (!device)
            return NULL;
        g_ptr_array_add(devices, device);
        if (!g_hash_table_add(aliases, device->alias)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("the saved state has two emulated PCI devices '%1$s'"),
                                   device->alias);
            return NULL;
        }
    }
    return g_steal_pointer(&devices);
}


GPtrArray *
vmstateParse(gconstpointer data,
             gsize len,
             GError **err)
{
    const gsize magic = strlen(VMSTATE_FORMAT_MAGIC);
    g_autoptr(GVariant) variant = NULL;
    g_autoptr(GVariant) swapped = NULL;
    g_autoptr(GBytes) bytes = NULL;
    guint32 version;

    if (len < VMSTATE_FORMAT_HEADER || len > VMSTATE_FORMAT_MAX ||
        memcmp(data, VMSTATE_FORMAT_MAGIC, magic) != 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s",
                               _("the saved state is not one of emulated PCI devices"));
        return NULL;
    }
    memcpy(&version, (const guint8 *) data + magic, sizeof(version));
    version = GUINT32_FROM_BE(version);
    if (version != VMSTATE_FORMAT_VERSION) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the saved state of emulated PCI devices has version %1$u: version %2$d is required"),
                               version, VMSTATE_FORMAT_VERSION);
        return NULL;
    }

    /* A copy, which is aligned */
    bytes = g_bytes_new((const guint8 *) data + VMSTATE_FORMAT_HEADER, len - VMSTATE_FORMAT_HEADER);
    variant = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(FORMAT_TYPE), bytes, FALSE));
    if (!g_variant_is_normal_form(variant)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s",
                               _("the saved state of emulated PCI devices is damaged"));
        return NULL;
    }
    swapped = formatSwap(variant);
    return parseDevices(swapped, err);
}
