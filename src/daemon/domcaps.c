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

#include "qemu_launcher_path.h"

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


/* Which transports the QEMU of the document has devices for. Whoever has no
 * readable program gets what every QEMU with KVM since 6.0 has. */
static void
domcapsAppendTransports(GString *result,
                        const char *xml,
                        const ProjectionOptions *opts)
{
    /* The names with their NUL, as they are among a program's constants */
    static const struct {
        const char *transport;
        char device[16];
    } all[] = {
        { "mpqemu", "x-pci-proxy-dev" },
        { "vfio-user", "vfio-user-pci" },
    };
    g_autofree char *path = domcapsGet(xml, "path");
    g_autofree char *qemu = NULL;
    g_autoptr(GMappedFile) program = NULL;
    gboolean found = FALSE;
    gsize i;

    if (path)
        qemu = qemuLauncherPathToQEMU(opts && opts->launchDir ? opts->launchDir : LAUNCH_DIR,
                                      opts && opts->qemuDir ? opts->qemuDir : QEMU_DIR, path);
    if (path)
        program = g_mapped_file_new(qemu ? qemu : path, FALSE, NULL);

    for (i = 0; program && i < G_N_ELEMENTS(all); i++) {
        if (g_mapped_file_get_length(program) == 0 ||
            !memmem(g_mapped_file_get_contents(program), g_mapped_file_get_length(program),
                    all[i].device, strlen(all[i].device) + 1))
            continue;
        g_string_append_printf(result, "        <value>%s</value>\n", all[i].transport);
        found = TRUE;
    }
    if (!found)
        g_string_append(result, "        <value>mpqemu</value>\n");
}


ProjectionResult
domcapsExtend(const char *xml, gsize len,
              const ProjectionOptions *opts,
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
                        "      <enum name='transport'>\n");
        domcapsAppendTransports(result, doc, opts);
        g_string_append(result,
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
