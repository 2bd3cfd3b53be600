/*
 * xenserver_device.h: emulated PCI devices as strings
 *
 * XenServer's tool stack passed a string for each device to QEMU, after the argument -pciemulation.
 * The functions convert such a string to an EmulatedPCIDef, and back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

/* The vendor id that the Xen project has reserved for its devices. */
#define XENSERVER_VENDORID 0x5853

/* The argument that stood before a device's string on QEMU's command line. */
#define XENSERVER_ARGUMENT "-pciemulation"

/**
 * xenserverParseDevice:
 * @text: NAME:VENDORID:DEVICEID:…:INTERRUPTPIN, the twelve fields in the order
 *        of EmulatedPCIField, with numbers in hexadecimal without 0x; white
 *        space around the string is ignored
 * @err: set to VIR_ERR_XML_ERROR if @text is malformed, or to
 *       VIR_ERR_CONFIG_UNSUPPORTED if no device can have these values
 *
 * If bit 7 of headertype is set, the definition also gets an address with
 * multifunction='on', which such a device requires.
 *
 * Returns a new definition that is valid, or NULL on error.
 */
EmulatedPCIDef *xenserverParseDevice(const char *text, GError **err);

/**
 * xenserverFormatDevice:
 * @def: a valid definition
 *
 * Returns the string for @def, newly allocated.
 */
char *xenserverFormatDevice(const EmulatedPCIDef *def);

/**
 * xenserverDeviceNew:
 * @name: the devicename
 * @deviceid: the device id, at most 0xffff
 * @revision: the revision, at most 0xff
 * @classcode: the class code, at most 0xffffff
 *
 * Returns a new definition with vendor and subsystem vendor 0x5853, subsystem
 * id @deviceid and interrupt pin INTA. It has not been validated.
 */
EmulatedPCIDef *xenserverDeviceNew(const char *name,
                                   guint32 deviceid,
                                   guint32 revision,
                                   guint32 classcode);

/**
 * xenserverParseHex:
 * @text: digits in hexadecimal, without 0x
 * @max: the largest number allowed
 * @value: set to the number
 *
 * Returns FALSE if @text is anything else, leaving @value undefined.
 */
gboolean xenserverParseHex(const char *text, guint32 max, guint32 *value);

/**
 * xenserverFindDifference:
 * @a: a definition
 * @b: another one
 *
 * Returns the first of the eleven numbers in which @a and @b differ, or
 * EMULATED_PCI_FIELD_LAST if there is none.
 */
EmulatedPCIField xenserverFindDifference(const EmulatedPCIDef *a, const EmulatedPCIDef *b);
