/*
 * xenserver.h: how XenServer's tool stack wrote emulated PCI devices
 *
 * Pure functions between its strings and an EmulatedPCIDef. Knows no XML.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

/* The argument that stood before a device's string on QEMU's command line. */
#define XENSERVER_ARGUMENT "-pciemulation"

/* Reads NAME:VENDORID:…:INTERRUPTPIN, the twelve fields in the table's order,
 * numbers in hexadecimal without 0x. White space around it is passed over.
 * Where bit 7 of headertype is set, an address that says multifunction='on'
 * goes with it. Returns a new definition that is valid, or NULL with ERR set
 * to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED. */
EmulatedPCIDef *xenserverParseDevice(const char *text, GError **err);

/* The reverse. Newly allocated. DEF must be valid. */
char *xenserverFormatDevice(const EmulatedPCIDef *def);

/* Whether TEXT is a list of keys and values that has device_id or revision. */
gboolean xenserverIsPlatform(const char *text);

/* Reads the device that a VM's platform map asks for: "device_id=2
 * revision=1", or as xe prints it, "platform (MRW): nx: true; device_id: 0002".
 * Other keys are passed over. The numbers are decimal; leading zeros are
 * allowed, for xe has them. A key that is not there is 1. As
 * xenserverParseDevice() otherwise. */
EmulatedPCIDef *xenserverParsePlatform(const char *text, GError **err);

/* The reverse, as xe prints it. NULL with ERR set to
 * VIR_ERR_CONFIG_UNSUPPORTED if DEF is no device that the two keys can ask
 * for; the message names the field. */
char *xenserverFormatPlatform(const EmulatedPCIDef *def, GError **err);

/* Reads what a file or an operand has: one line's device or platform map, or
 * every -pciemulation of a command line. Blank lines and those that begin with
 * # have none. Appends EmulatedPCIDef to DEFS. */
gboolean xenserverParseText(const char *text, GPtrArray *defs, GError **err);
