/*
 * emulatedpci_uuid.c: UUIDs in libvirt's format
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_uuid.h"

#include <string.h>

#define UUID_SPACES " \t\r\n"


gboolean
emulatedPCIUUIDParseBytes(const char *text,
                          guint8 bytes[EMULATED_PCI_UUID_SIZE])
{
    guint8 parsed[EMULATED_PCI_UUID_SIZE];
    gsize i;

    text += strspn(text, UUID_SPACES);
    for (i = 0; i < EMULATED_PCI_UUID_SIZE; i++) {
        text += strspn(text, "- ");
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return FALSE;
        parsed[i] = (guint8) (g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        text += 2;
    }
    text += strspn(text, UUID_SPACES);
    if (*text != '\0')
        return FALSE;

    memcpy(bytes, parsed, sizeof(parsed));
    return TRUE;
}


void
emulatedPCIUUIDFormat(const guint8 bytes[EMULATED_PCI_UUID_SIZE],
                      char uuid[EMULATED_PCI_UUID_LEN + 1])
{
    gsize i;

    for (i = 0; i < EMULATED_PCI_UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *uuid++ = '-';
        g_snprintf(uuid, 3, "%02x", bytes[i]);
        uuid += 2;
    }
}


gboolean
emulatedPCIUUIDParse(const char *text,
                     char uuid[EMULATED_PCI_UUID_LEN + 1])
{
    guint8 bytes[EMULATED_PCI_UUID_SIZE];

    if (!emulatedPCIUUIDParseBytes(text, bytes))
        return FALSE;

    emulatedPCIUUIDFormat(bytes, uuid);
    return TRUE;
}
