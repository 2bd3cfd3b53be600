/*
 * launch_link.c: the link to the launcher for a QEMU program
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launch_link.h"
#include "emulatedpci_error.h"
#include "qemu_launcher_path.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define _(s) gettext(s)

/* Linux's limit of symbolic links in one path */
#define LAUNCH_LINK_FOLLOW_MAX 40

/* The maximum number of entries in the launch directory: created and installed links */
#define LAUNCH_DIR_ENTRIES_MAX (LAUNCH_LINKS_MAX + 16)


/* Returns whether ST belongs to root or to this process, and nobody else can write to it. */
static gboolean
launchLinkIsOurs(const struct stat *st)
{
    return (st->st_uid == 0 || st->st_uid == geteuid()) &&
        (S_ISLNK(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) == 0);
}


/* Inserts the target of the symbolic link at PATH before REST. A relative target begins in PATH's
 * directory. */
static gboolean
launchLinkFollow(GString *path, GString *rest, GError **err)
{
    g_autofree char *target = g_file_read_link(path->str, err);

    if (!target)
        return FALSE;
    g_string_prepend(rest, "/");
    g_string_prepend(rest, target);
    if (target[0] == '/')
        g_string_truncate(path, 0);
    else
        g_string_truncate(path, strrchr(path->str, '/') - path->str);
    return TRUE;
}


/* Moves the first component of REST to PATH. Returns FALSE if there is none. */
static gboolean
launchLinkStep(GString *path, GString *rest)
{
    const gsize slashes = strspn(rest->str, "/");
    const gsize len = strcspn(rest->str + slashes, "/");
    g_autofree char *name = g_strndup(rest->str + slashes, len);

    g_string_erase(rest, 0, slashes + len);
    if (len == 0)
        return FALSE;
    if (strcmp(name, "..") == 0)
        g_string_truncate(path, path->len > 0 ? strrchr(path->str, '/') - path->str : 0);
    else if (strcmp(name, ".") != 0)
        g_string_append_printf(path, "/%s", name);
    return TRUE;
}


gboolean
launchLinkIsTrusted(const char *path, GError **err)
{
    g_autoptr(GString) at = g_string_new(NULL);
    g_autoptr(GString) rest = g_string_new(path);
    struct stat st = { 0 };
    int followed = 0;

    do {
        if (lstat(at->len > 0 ? at->str : "/", &st) < 0) {
            emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot access '%1$s': %2$s"),
                                   at->str, g_strerror(errno));
            return FALSE;
        }
        if (!launchLinkIsOurs(&st)) {
            emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                                   _("users other than root can change '%1$s'"),
                                   at->len > 0 ? at->str : "/");
            return FALSE;
        }
        if (S_ISLNK(st.st_mode)) {
            if (++followed > LAUNCH_LINK_FOLLOW_MAX) {
                emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot access '%1$s': %2$s"),
                                       path, g_strerror(ELOOP));
                return FALSE;
            }
            if (!launchLinkFollow(at, rest, err))
                return FALSE;
        }
    } while (launchLinkStep(at, rest));

    if (S_ISREG(st.st_mode) && st.st_mode & S_IXOTH)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_DENIED,
                           _("'%1$s' is not a program that every user can run"), path);
    return FALSE;
}


/* Returns whether one more link can be created in DIR. */
static gboolean
launchLinkHasRoom(const char *dir)
{
    g_autoptr(GDir) handle = g_dir_open(dir, 0, NULL);
    guint count = 0;

    while (handle && g_dir_read_name(handle))
        count++;
    return count < LAUNCH_DIR_ENTRIES_MAX;
}


gboolean
launchLinkMake(const char *launchDir,
               const char *qemuDir,
               const char *qemu,
               GError **err)
{
    const char *dir = launchDir ? launchDir : LAUNCH_DIR;
    const char *base = strrchr(qemu, '/');
    g_autofree char *path = qemuLauncherPathFromQEMU(launchDir, qemuDir, qemu);
    g_autofree char *quoted = emulatedPCIErrorQuote(qemu);

    if (!path || !base || (!strstr(base, "qemu") && !strstr(base, "kvm"))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' is not the absolute path of a program whose name contains "
                                 "'qemu' or 'kvm'"), quoted);
        return FALSE;
    }
    if (access(path, F_OK) == 0)
        return TRUE;
    if (!launchLinkIsTrusted(qemu, err))
        return FALSE;
    if (!launchLinkHasRoom(dir)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("too many launchers: at most %1$d are supported"), LAUNCH_LINKS_MAX);
        return FALSE;
    }
    if (symlink("../" QEMU_LAUNCHER_PROGRAM, path) == 0 || errno == EEXIST)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create '%1$s': %2$s"),
                           path, g_strerror(errno));
    return FALSE;
}


void
launchLinkReport(const char *qemu, const char *launcher, const char *reason, GError **err)
{
    g_autofree char *quoted = g_shell_quote(qemu);

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("QEMU '%1$s' has no launcher '%2$s', and it cannot be created: %3$s; "
                             "to create it, run as root: %4$s --add %5$s"),
                           qemu, launcher, reason, PKGLIBEXEC_DIR "/" QEMU_LAUNCHER_PROGRAM, quoted);
}
