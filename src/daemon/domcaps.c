/*
 * domcaps.c: <emulatedpci> in libvirt's domain capabilities
 *
 * libvirt formats the document itself and always the same way, with two
 * spaces of indent a level, so that its lines can be taken at their word.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "domcaps.h"

#include <string.h>

#define DOMCAPS_DEVICES_END "\n  </devices>\n"

/* The text of the element of that NAME right below the root, or NULL. */
static char *
domcapsGet(const char *xml, const char *name)
{
    g_autofree char *start = g_strdup_printf("\n  <%s>", name);
    const char *text = strstr(xml, start);
    const char *end;

    if (!text)
        return NULL;

    text += strlen(start);
    end = strchr(text, '<');
    return end ? g_strndup(text, end - text) : NULL;
}


/* x-pci-proxy-dev is in QEMU where the host's KVM is, and the launcher stands
 * for x86's QEMU; a machine type without PCI has no place for a device. */
static gboolean
domcapsSupported(const char *xml)
{
    g_autofree char *domain = domcapsGet(xml, "domain");
    g_autofree char *arch = domcapsGet(xml, "arch");
    g_autofree char *machine = domcapsGet(xml, "machine");

    if (!domain || (strcmp(domain, "kvm") != 0 && strcmp(domain, "qemu") != 0))
        return FALSE;
    if (!arch || (strcmp(arch, "x86_64") != 0 && strcmp(arch, "i686") != 0))
        return FALSE;
    return machine && strcmp(machine, "isapc") != 0 && !g_str_has_prefix(machine, "microvm");
}


ProjectionResult
domcapsExtend(const char *xml, gsize len,
              const ProjectionOptions *opts G_GNUC_UNUSED,
              char **out, gsize *outlen,
              GError **err G_GNUC_UNUSED)
{
    g_autofree char *doc = g_strndup(xml, len);
    char *end = strstr(doc, DOMCAPS_DEVICES_END);
    GString *result;

    if (strlen(doc) != len || !strstr(doc, "<domainCapabilities>") || !end)
        return PROJECTION_UNCHANGED;

    result = g_string_new_len(doc, end + 1 - doc);
    if (domcapsSupported(doc)) {
        g_string_append(result,
                        "    <emulatedpci supported='yes'>\n"
                        "      <enum name='transport'>\n"
                        "        <value>mpqemu</value>\n"
                        "      </enum>\n"
                        "    </emulatedpci>\n");
    } else {
        g_string_append(result, "    <emulatedpci supported='no'/>\n");
    }
    g_string_append(result, end + 1);

    *outlen = result->len;
    *out = g_string_free(result, FALSE);
    return PROJECTION_CHANGED;
}
