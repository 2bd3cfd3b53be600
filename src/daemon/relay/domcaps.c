/*
 * domcaps.c: <emulatedpci> in libvirt's domain capabilities
 *
 * libvirt itself formats the document, always with two spaces of indentation for each level.
 * Therefore lines can be compared.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "domcaps.h"

#include "qemu_launcher_path.h"
#include "qemu_programs.h"

#include <string.h>

#define DOMCAPS_DEVICES_END "\n  </devices>\n"

char *
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


/* The values that decide whether the device is supported */
typedef struct {
    char *type;
    char *arch;
    char *machine;
    char *program;              /* the QEMU, not its launcher */
} Domcaps;


static void
domcapsRead(Domcaps *caps, const char *xml, const ProjectionOptions *opts)
{
    g_autofree char *path = domcapsGet(xml, "path");

    caps->type = domcapsGet(xml, "domain");
    caps->arch = domcapsGet(xml, "arch");
    caps->machine = domcapsGet(xml, "machine");
    if (path)
        caps->program = qemuLauncherPathToQEMU(opts ? opts->launchDir : NULL,
                                               opts ? opts->qemuDir : NULL, path);
    if (!caps->program)
        caps->program = g_steal_pointer(&path);
}


static void
domcapsClear(Domcaps *caps)
{
    g_free(caps->type);
    g_free(caps->arch);
    g_free(caps->machine);
    g_free(caps->program);
}


/* Returns whether this QEMU supports emulators of this version. A program that cannot be read is
 * assumed to support what QEMU supports with KVM since 6.0. */
static gboolean
domcapsHasTransport(const Domcaps *caps, EmulatedPCIVersion version, const ProjectionOptions *opts)
{
    QEMUProgram qemu;

    if (!caps->program || !qemuProgramsGet(caps->program, &qemu, NULL))
        return version == EMULATED_PCI_VERSION_MPQEMU;
    if (version == EMULATED_PCI_VERSION_MPQEMU ? !qemu.proxy : !qemu.vfioUser)
        return FALSE;
    return projectionCheckProgram(caps->type, caps->arch, caps->machine, caps->program, version,
                                  opts, NULL);
}


static void
domcapsAppendTransports(GString *result, const Domcaps *caps, const ProjectionOptions *opts)
{
    int version;

    for (version = EMULATED_PCI_VERSION_NONE + 1; version < EMULATED_PCI_VERSION_LAST; version++) {
        if (domcapsHasTransport(caps, version, opts))
            g_string_append_printf(result, "        <value>%s</value>\n",
                                   emulatedPCIVersionToString(version));
    }
}


ProjectionResult
domcapsExtend(const char *xml, gsize len,
              const ProjectionOptions *opts,
              char **out, gsize *outlen,
              GError **err G_GNUC_UNUSED)
{
    g_autofree char *doc = g_strndup(xml, len);
    char *end = strstr(doc, DOMCAPS_DEVICES_END);
    Domcaps caps = { NULL, NULL, NULL, NULL };
    GString *result;

    if (strlen(doc) != len || !strstr(doc, "<domainCapabilities>") || !end)
        return PROJECTION_UNCHANGED;

    result = g_string_new_len(doc, end + 1 - doc);
    domcapsRead(&caps, doc, opts);
    if (projectionIsSupported(caps.type, caps.arch, caps.machine, opts, NULL) &&
        projectionCheckProgram(caps.type, caps.arch, caps.machine, caps.program,
                               EMULATED_PCI_VERSION_NONE, opts, NULL)) {
        g_string_append(result,
                        "    <emulatedpci supported='yes'>\n"
                        "      <enum name='transport'>\n");
        domcapsAppendTransports(result, &caps, opts);
        /* whether registers are saved and migrated with the guest */
        g_string_append_printf(result,
                               "      </enum>\n"
                               "      <enum name='migratable'>\n"
                               "        <value>%s</value>\n"
                               "      </enum>\n"
                               "    </emulatedpci>\n",
                               domcapsHasTransport(&caps, EMULATED_PCI_VERSION_VFIO_USER, opts) ?
                               "yes" : "no");
    } else {
        g_string_append(result, "    <emulatedpci supported='no'/>\n");
    }
    g_string_append(result, end + 1);
    domcapsClear(&caps);

    *outlen = result->len;
    *out = g_string_free(result, FALSE);
    return PROJECTION_CHANGED;
}
