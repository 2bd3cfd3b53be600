/*
 * emulatedpci_uuid.h: UUIDs in libvirt's format
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

#define EMULATED_PCI_UUID_SIZE 16
#define EMULATED_PCI_UUID_LEN 36

/**
 * emulatedPCIUUIDParseBytes:
 * @text: 32 hexadecimal digits; "-" and spaces between the bytes, and white space before and
 *        after the digits, are ignored
 * @bytes: set to the UUID
 *
 * Parses a UUID as virUUIDParse() in libvirt's src/util/viruuid.c.
 *
 * Returns FALSE if @text is not a UUID.
 */
gboolean emulatedPCIUUIDParseBytes(const char *text, guint8 bytes[EMULATED_PCI_UUID_SIZE]);

/**
 * emulatedPCIUUIDFormat:
 * @bytes: a UUID
 * @uuid: set to the UUID in libvirt's format, with a terminating NUL
 *
 * Formats a UUID as virUUIDFormat() in libvirt's src/util/viruuid.c.
 */
void emulatedPCIUUIDFormat(const guint8 bytes[EMULATED_PCI_UUID_SIZE],
                           char uuid[EMULATED_PCI_UUID_LEN + 1]);

/**
 * emulatedPCIUUIDParse:
 * @text: a UUID, as for emulatedPCIUUIDParseBytes()
 * @uuid: set to the UUID in libvirt's format
 *
 * Returns FALSE if @text is not a UUID.
 */
gboolean emulatedPCIUUIDParse(const char *text, char uuid[EMULATED_PCI_UUID_LEN + 1]);
