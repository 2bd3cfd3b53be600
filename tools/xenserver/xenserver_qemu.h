/*
 * xenserver_qemu.h: the PCI devices on the command line of XenServer's QEMU
 *
 * -device xen-platform and -device xen-pvdevice as xenopsd of today writes
 * them, and -pciemulation as it did. Properties and defaults follow
 * hw/i386/xen/xen_platform.c and xen_pvdevice.c of QEMU; the properties
 * device-id, revision, class-id, subvendor_id and subsystem_id of xen-platform
 * are XenServer's own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "xenserver_device.h"

#define XENSERVER_QEMU_PLATFORM "xen-platform"
#define XENSERVER_QEMU_PVDEVICE "xen-pvdevice"

/* The id of the platform device where no other is given. */
#define XENSERVER_QEMU_PLATFORM_DEVICEID 0x0001

/**
 * xenserverQEMUPlatformBIOS:
 * @deviceid: the device id, at most 0xffff
 * @revision: the revision, at most 0xff
 *
 * Returns the device that xenopsd asks for in a VM with BIOS firmware: class
 * 0x010000, subsystem 5853:@deviceid. It has not been validated.
 */
EmulatedPCIDef *xenserverQEMUPlatformBIOS(guint32 deviceid, guint32 revision);

/**
 * xenserverQEMUPlatformUEFI:
 * @deviceid: the device id, at most 0xffff
 *
 * Returns the device that xenopsd asks for in a VM with UEFI firmware, where
 * all but the device id is QEMU's default: class 0xff8000, revision 1,
 * subsystem 5853:0001. It has not been validated.
 */
EmulatedPCIDef *xenserverQEMUPlatformUEFI(guint32 deviceid);

/**
 * xenserverQEMUVendorDevice:
 *
 * Returns the xen-pvdevice that xenopsd adds to a VM with has-vendor-device, to be freed with
 * emulatedPCIDefFree(). It has not been validated.
 */
EmulatedPCIDef *xenserverQEMUVendorDevice(void);

/**
 * xenserverIsQEMU:
 * @line: one line
 *
 * Returns whether @line looks like a command line of QEMU's: it has an
 * argument -device or -pciemulation, or names a program whose name begins
 * with "qemu" before other arguments.
 */
gboolean xenserverIsQEMU(const char *line);

/**
 * xenserverParseQEMU:
 * @line: a command line of QEMU's, as a list of processes or a log shows it
 * @name: set to "domain N" if the command line has -xen-domid N, else to
 *        NULL; newly allocated
 * @defs: every emulated device is appended, an EmulatedPCIDef
 * @err: set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Devices of QEMU's own are ignored.
 *
 * Returns FALSE on error.
 */
gboolean xenserverParseQEMU(const char *line, char **name, GPtrArray *defs, GError **err);

/**
 * xenserverFormatQEMU:
 * @def: a valid definition
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED, with a message that names the
 *       field, if neither device can have its values
 *
 * Returns the value of -device for @def, newly allocated, or NULL on error.
 */
char *xenserverFormatQEMU(const EmulatedPCIDef *def, GError **err);
