/*
 * xenserver_vm.h: the PCI devices that XenServer's tool stack gives to a VM
 *
 * The parameters of a VM, which can have different sources, and the devices that result from them.
 * The rules are those of xenopsd of xapi-project/xen-api (functions xen_platform_of in
 * xenops_server_xen.ml, xen_platform and pv_device in device.ml) and, for the decimal format, of
 * the design page "Specifying Emulated PCI Devices" of 2015.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "xenserver_device.h"

typedef enum {
    XENSERVER_FIRMWARE_UNKNOWN = 0,
    XENSERVER_FIRMWARE_BIOS,
    XENSERVER_FIRMWARE_UEFI,

    XENSERVER_FIRMWARE_LAST
} XenserverFirmware;

/* The format and the meaning of the numbers in the platform map */
typedef enum {
    XENSERVER_PLATFORM_CURRENT = 0,     /* hexadecimal, as xenopsd reads them */
    XENSERVER_PLATFORM_DECIMAL,         /* the design page of 2015 */

    XENSERVER_PLATFORM_LAST
} XenserverPlatformFormat;

/* The user's options for the input */
typedef struct {
    XenserverPlatformFormat format;
    XenserverFirmware firmware;         /* UNKNOWN: determined from the input */
    int revision;                       /* of a platform device without device_id; 0: not given */
    const char *vm;                     /* name or uuid of the only VM wanted, or NULL */
} XenserverOptions;

typedef struct {
    char *name;                 /* or NULL */
    char *uuid;                 /* or NULL */
    gboolean hvm;               /* only such a VM has a QEMU with these devices */
    gboolean vendorDevice;      /* has-vendor-device */
    char *platform;             /* the map, "key: value; key: value", or NULL: unknown */
    XenserverFirmware firmware;
    GPtrArray *defs;            /* EmulatedPCIDef */
} XenserverVM;

/**
 * xenserverFirmwareFromString:
 * @text: "bios" or "uefi"
 *
 * Returns the firmware, or XENSERVER_FIRMWARE_UNKNOWN for any other text.
 */
XenserverFirmware xenserverFirmwareFromString(const char *text);

/**
 * xenserverPlatformFormatFromString:
 * @text: "current" or "decimal"
 *
 * Returns the format, or -1 for any other text.
 */
int xenserverPlatformFormatFromString(const char *text);

/**
 * xenserverVMNew:
 *
 * Returns a VM without a name, parameters or devices, which is assumed to be a virtual machine
 * with QEMU (member hvm). To be freed with xenserverVMFree(). Never NULL.
 */
XenserverVM *xenserverVMNew(void);

/**
 * xenserverVMFree:
 * @vm: the VM, or NULL
 *
 * Frees the VM and its devices.
 */
void xenserverVMFree(XenserverVM *vm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XenserverVM, xenserverVMFree)

/**
 * xenserverVMIs:
 * @vm: the VM
 * @text: a name or UUID
 *
 * Returns TRUE if the VM has this name or UUID.
 */
gboolean xenserverVMIs(const XenserverVM *vm, const char *text);

/**
 * xenserverIsPlatform:
 * @text: one line
 *
 * Returns whether @text looks like a platform map: pairs "key: value"
 * separated by semicolons, or "key=value" separated by semicolons, commas or
 * white space, "platform (MRW):" before them being allowed.
 */
gboolean xenserverIsPlatform(const char *text);

/**
 * xenserverPlatformGet:
 * @text: a platform map
 * @key: the name of a key
 * @value: set to the value, newly allocated, or to NULL if the key is not there
 * @err: set to VIR_ERR_XML_ERROR if the key is there twice
 *
 * Returns FALSE on error.
 */
gboolean xenserverPlatformGet(const char *text, const char *key, char **value, GError **err);

/**
 * xenserverVMAddDevices:
 * @vm: the VM, with its parameters; the devices are appended to its defs
 * @options: what the user says about the input
 * @err: set to VIR_ERR_XML_ERROR if a parameter is malformed, missing or
 *       contradicts another, or to VIR_ERR_CONFIG_UNSUPPORTED if no device can
 *       have the values
 *
 * Adds the platform device, which every VM of this kind has, and the
 * xen-pvdevice of a VM with has-vendor-device.
 *
 * Returns FALSE on error.
 */
gboolean xenserverVMAddDevices(XenserverVM *vm, const XenserverOptions *options, GError **err);

/**
 * xenserverFormatPlatform:
 * @def: a valid definition
 * @format: how to write the map
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED, with a message that names the
 *       field, if no platform map asks for @def
 *
 * Returns the part of a platform map that asks for @def, as xe prints it,
 * newly allocated, or NULL on error.
 */
char *xenserverFormatPlatform(const EmulatedPCIDef *def,
                              XenserverPlatformFormat format,
                              GError **err);
