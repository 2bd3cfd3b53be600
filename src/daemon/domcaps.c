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
#include <sys/mman.h>
#include <sys/stat.h>

#include "qemu_launcher_path.h"

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


/* As define would decide, of a document with a device. */
static gboolean
domcapsSupported(const char *xml, const ProjectionOptions *opts)
{
    g_autofree char *type = domcapsGet(xml, "domain");
    g_autofree char *arch = domcapsGet(xml, "arch");
    g_autofree char *machine = domcapsGet(xml, "machine");

    return projectionIsSupported(type, arch, machine, opts, NULL);
}


/* --- which transports a QEMU has devices for --- */

/* The names with their NUL, as they are among a program's constants */
static const struct {
    const char *transport;
    char device[16];
} domcapsTransports[] = {
    { "mpqemu", "x-pci-proxy-dev" },
    { "vfio-user", "vfio-user-pci" },
};

/* Reading a program takes milliseconds, and every connection is a process of its
 * own: what was found is remembered for all, in one word for a program: which file
 * it was, in the upper 60 bits, and bit N for the transport of that index. */
#define DOMCAPS_PROGRAMS 16
#define DOMCAPS_FOUND 0xfu

static guint64 *domcapsPrograms;


void
domcapsInit(void)
{
    void *shared = mmap(NULL, DOMCAPS_PROGRAMS * sizeof(guint64), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared != MAP_FAILED)
        domcapsPrograms = shared;
}


/* FNV-1a of what changes with the file. 0: it cannot be told. */
static guint64
domcapsFileKey(const char *path)
{
    guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325);
    guint64 part[5];
    struct stat sb;
    gsize i;

    if (stat(path, &sb) < 0)
        return 0;
    part[0] = sb.st_dev;
    part[1] = sb.st_ino;
    part[2] = sb.st_size;
    part[3] = sb.st_mtim.tv_sec;
    part[4] = sb.st_mtim.tv_nsec;
    for (i = 0; i < sizeof(part); i++) {
        hash ^= ((const guint8 *) part)[i];
        hash *= G_GUINT64_CONSTANT(0x100000001b3);
    }
    return hash & ~(guint64) DOMCAPS_FOUND;
}


static guint
domcapsReadProgram(const char *path)
{
    g_autoptr(GMappedFile) program = g_mapped_file_new(path, FALSE, NULL);
    guint found = 0;
    gsize i;

    if (!program || g_mapped_file_get_length(program) == 0)
        return 0;
    for (i = 0; i < G_N_ELEMENTS(domcapsTransports); i++) {
        if (memmem(g_mapped_file_get_contents(program), g_mapped_file_get_length(program),
                   domcapsTransports[i].device, strlen(domcapsTransports[i].device) + 1))
            found |= 1u << i;
    }
    return found;
}


static guint
domcapsFindTransports(const char *path)
{
    guint64 key = domcapsPrograms ? domcapsFileKey(path) : 0;
    guint64 *slot;
    guint64 known;
    guint found;

    if (key == 0)
        return domcapsReadProgram(path);

    slot = &domcapsPrograms[(key >> 32) % DOMCAPS_PROGRAMS];
    known = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if ((known & ~(guint64) DOMCAPS_FOUND) == key)
        return known & DOMCAPS_FOUND;

    found = domcapsReadProgram(path);
    __atomic_store_n(slot, key | found, __ATOMIC_RELAXED);
    return found;
}


/* Whoever has no readable program gets what every QEMU with KVM since 6.0 has. */
static void
domcapsAppendTransports(GString *result,
                        const char *xml,
                        const ProjectionOptions *opts)
{
    g_autofree char *path = domcapsGet(xml, "path");
    g_autofree char *qemu = NULL;
    guint found = 0;
    gsize i;

    if (path) {
        qemu = qemuLauncherPathToQEMU(opts && opts->launchDir ? opts->launchDir : LAUNCH_DIR,
                                      opts && opts->qemuDir ? opts->qemuDir : QEMU_DIR, path);
        found = domcapsFindTransports(qemu ? qemu : path);
    }
    for (i = 0; i < G_N_ELEMENTS(domcapsTransports); i++) {
        if (found & 1u << i || (found == 0 && i == 0))
            g_string_append_printf(result, "        <value>%s</value>\n",
                                   domcapsTransports[i].transport);
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
    GString *result;

    if (strlen(doc) != len || !strstr(doc, "<domainCapabilities>") || !end)
        return PROJECTION_UNCHANGED;

    result = g_string_new_len(doc, end + 1 - doc);
    if (domcapsSupported(doc, opts)) {
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
