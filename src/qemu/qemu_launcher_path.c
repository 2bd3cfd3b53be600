/*
 * qemu_launcher_path.c: the launcher's link for each QEMU program
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_launcher_path.h"

#include "gettext.h"

#include <glib.h>
#include <string.h>

#define _(s) gettext(s)

#define QEMU_PLAIN_PREFIX "qemu-system-"

/* The beginning of libvirt's message, which a path and a reason follow */
#define LAUNCHER_MISSING "Cannot check QEMU binary "


/* Returns whether NAME is qemu-system-ARCH. */
static gboolean
qemuLauncherNameIsPlain(const char *name)
{
    const char *arch = name + strlen(QEMU_PLAIN_PREFIX);

    if (!g_str_has_prefix(name, QEMU_PLAIN_PREFIX) || *arch == '\0')
        return FALSE;

    for (; *arch; arch++) {
        if (!g_ascii_isalnum(*arch) && *arch != '_')
            return FALSE;
    }
    return TRUE;
}


/* Returns the name of FILE in DIR, or NULL if it is not in DIR itself. */
static const char *
qemuLauncherNameInDir(const char *dir,
                      const char *file)
{
    size_t len = strlen(dir);

    while (len > 0 && dir[len - 1] == '/')
        len--;
    if (strncmp(file, dir, len) != 0 || file[len] != '/')
        return NULL;

    file += len + 1;
    return strchr(file, '/') ? NULL : file;
}


/* Returns DIR/NAME, without additional slashes. */
static char *
qemuLauncherPathJoin(const char *dir,
                     const char *name)
{
    size_t len = strlen(dir);

    while (len > 0 && dir[len - 1] == '/')
        len--;
    return g_strdup_printf("%.*s/%s", (int) len, dir, name);
}


static void
qemuLauncherEscapeByte(GString *name,
                       char byte)
{
    g_string_append_printf(name, "\\x%02x", (unsigned char) byte);
}


static char *
qemuLauncherEscape(const char *path)
{
    GString *name = g_string_new(NULL);
    const char *p;

    for (p = path + 1; *p; p++) {
        if (*p == '/')
            g_string_append_c(name, '-');
        else if (g_ascii_isalnum(*p) || *p == ':' || *p == '_' || (*p == '.' && p > path + 1))
            g_string_append_c(name, *p);
        else
            qemuLauncherEscapeByte(name, *p);
    }

    if (qemuLauncherNameIsPlain(name->str) || strcmp(name->str, QEMU_LAUNCHER_PROGRAM) == 0) {
        g_autofree char *rest = g_strdup(name->str + 1);

        g_string_truncate(name, 0);
        qemuLauncherEscapeByte(name, path[1]);
        g_string_append(name, rest);
    }

    return g_string_free(name, FALSE);
}


/* Returns the path of which NAME can be the escaped form, or NULL if a backslash is not followed
 * by xNN. This accepts more than escaping writes. */
static char *
qemuLauncherUnescape(const char *name)
{
    GString *path = g_string_new("/");

    for (; *name; name++) {
        if (*name == '-') {
            g_string_append_c(path, '/');
        } else if (*name != '\\') {
            g_string_append_c(path, *name);
        } else if (name[1] == 'x' && g_ascii_isxdigit(name[2]) && g_ascii_isxdigit(name[3])) {
            g_string_append_c(path, (char) (g_ascii_xdigit_value(name[2]) * 16 +
                                            g_ascii_xdigit_value(name[3])));
            name += 3;
        } else {
            g_string_free(path, TRUE);
            return NULL;
        }
    }
    return g_string_free(path, FALSE);
}


char *
qemuLauncherNameFromQEMU(const char *qemuDir,
                         const char *qemu)
{
    g_autofree char *name = NULL;
    const char *plain;

    if (qemu[0] != '/' || qemu[strlen(qemu) - 1] == '/')
        return NULL;

    plain = qemuLauncherNameInDir(qemuDir ? qemuDir : QEMU_DIR, qemu);
    if (plain && qemuLauncherNameIsPlain(plain))
        name = g_strdup(plain);
    else
        name = qemuLauncherEscape(qemu);

    if (strlen(name) > QEMU_LAUNCHER_NAME_MAX)
        return NULL;
    return g_steal_pointer(&name);
}


char *
qemuLauncherNameToQEMU(const char *qemuDir,
                       const char *name)
{
    g_autofree char *qemu = NULL;
    g_autofree char *again = NULL;

    if (strchr(name, '/'))
        return NULL;

    if (qemuLauncherNameIsPlain(name))
        qemu = qemuLauncherPathJoin(qemuDir ? qemuDir : QEMU_DIR, name);
    else
        qemu = qemuLauncherUnescape(name);
    if (!qemu)
        return NULL;

    /* Only the name that escaping writes is that of a launcher. */
    again = qemuLauncherNameFromQEMU(qemuDir, qemu);
    if (!again || strcmp(again, name) != 0)
        return NULL;
    return g_steal_pointer(&qemu);
}


char *
qemuLauncherPathFromQEMU(const char *launchDir,
                         const char *qemuDir,
                         const char *qemu)
{
    g_autofree char *name = qemuLauncherNameFromQEMU(qemuDir, qemu);

    if (!name)
        return NULL;
    return qemuLauncherPathJoin(launchDir ? launchDir : LAUNCH_DIR, name);
}


char *
qemuLauncherPathToQEMU(const char *launchDir,
                       const char *qemuDir,
                       const char *path)
{
    const char *name = qemuLauncherNameInDir(launchDir ? launchDir : LAUNCH_DIR, path);

    if (!name)
        return NULL;
    return qemuLauncherNameToQEMU(qemuDir, name);
}


/* Returns the length of the launcher's path at TEXT, whose directory has DIRLEN bytes. A ':' or '.'
 * at its end belongs to the sentence. */
static gsize
qemuLauncherPathSpan(const char *text,
                     gsize dirLen)
{
    gsize len = dirLen + strspn(text + dirLen, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                               "0123456789:_.-\\");

    while (len > dirLen && strchr(":.", text[len - 1]))
        len--;
    return len;
}


char *
qemuLauncherExplainMissing(const char *launchDir,
                           const char *text)
{
    g_autofree char *before = g_strconcat(LAUNCHER_MISSING, launchDir ? launchDir : LAUNCH_DIR, "/", NULL);
    const char *at = strstr(text, before);
    g_autofree char *sentence = NULL;
    g_autofree char *path = NULL;
    gsize len;

    if (!at)
        return NULL;
    len = qemuLauncherPathSpan(at + strlen(LAUNCHER_MISSING), strlen(before) - strlen(LAUNCHER_MISSING));
    path = g_strndup(at + strlen(LAUNCHER_MISSING), len);
    sentence = g_strdup_printf(_("a domain with emulated PCI devices requires '%1$s', "
                                 "the launcher of libvirt-emulatedpci"),
                               path);
    return g_strdup_printf("%.*s%s%s", (int) (at - text), text, sentence,
                           at + strlen(LAUNCHER_MISSING) + len);
}


char *
qemuLauncherReplacePaths(const char *launchDir,
                         const char *qemuDir,
                         const char *text)
{
    g_autofree char *dir = g_strconcat(launchDir ? launchDir : LAUNCH_DIR, "/", NULL);
    const gsize dirLen = strlen(dir);
    g_autoptr(GString) result = g_string_new(NULL);
    const char *rest = text;
    const char *at;
    gboolean found = FALSE;

    while ((at = strstr(rest, dir))) {
        const gsize len = qemuLauncherPathSpan(at, dirLen);
        g_autofree char *path = g_strndup(at, len);
        g_autofree char *qemu = qemuLauncherPathToQEMU(launchDir, qemuDir, path);

        g_string_append_len(result, rest, at - rest);
        g_string_append(result, qemu ? qemu : path);
        found |= qemu != NULL;
        rest = at + len;
    }
    if (!found)
        return NULL;
    g_string_append(result, rest);
    return g_string_free(g_steal_pointer(&result), FALSE);
}
