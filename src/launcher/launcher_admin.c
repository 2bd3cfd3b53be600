/*
 * launcher_admin.c: the program under its own name, for the administrator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_admin.h"
#include "launcher_emulators.h"
#include "launcher_log.h"
#include "launcher_paths.h"
#include "launcher_stale.h"
#include "qemu_launcher_path.h"

#include "gettext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

/* One link of a launch directory, and what it stands for. */
typedef struct {
    const char *name;
    char *path;
    char *qemu;         /* NULL: NAME is no launcher's */
    LauncherStale state;
} LauncherLink;

typedef int (*LauncherLinkFunc)(const LauncherLink *link);

static const char *const usage =
    "emulatedpci-launcher --list\n"
    "emulatedpci-launcher --refresh\n"
    "emulatedpci-launcher --add QEMU\n"
    "emulatedpci-launcher --print-capabilities | --help | --version\n";


static void
launcherAdminHelp(void)
{
    printf("%s\n%s\n%s\n%s\n%s\n", _("Usage:"), usage,
           _("Starts QEMU for libvirt, and the emulators of its PCI devices before. A domain's\n"
             "<emulator> names a link in the launch directory. See emulatedpci-launcher(8).\n"),
           _("  --list     list the links with the QEMU that each runs, and its state\n"
             "  --refresh  make libvirt notice the QEMUs that were replaced\n"
             "  --add      create the link for the program QEMU, an absolute path, and print it\n"),
           _("Exit status: 0 on success, 1 on failure, 2 if the command line is invalid."));
}


static void
launcherAdminCapabilities(void)
{
    printf("{\"type\":\"emulatedpci-launcher\",\"version\":\"%s\",\"device-forms\":[\"json\",\"keyvalue\"],"
           "\"devices\":[\"x-pci-proxy-dev\",\"vfio-user-pci\"],\"max-devices\":%d}\n",
           PACKAGE_VERSION, EMULATED_PCI_DEVICES_MAX);
}


static int
launcherAdminCompareNames(gconstpointer a,
                          gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* The names in DIR, sorted; NULL after a message. */
static GPtrArray *
launcherAdminReadDir(const char *dir)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) err = NULL;
    g_autoptr(GDir) handle = g_dir_open(dir, 0, &err);
    const char *name;

    if (!handle) {
        launcherLog("%s", err->message);
        return NULL;
    }
    while ((name = g_dir_read_name(handle)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, launcherAdminCompareNames);
    return g_steal_pointer(&names);
}


/* Calls FUNC for every link of DIR. Returns the exit status: 1 if one of
 * them returns that. */
static int
launcherAdminForEach(const char *dir,
                     LauncherLinkFunc func)
{
    g_autoptr(GPtrArray) names = launcherAdminReadDir(dir);
    int status = EXIT_SUCCESS;
    guint i;

    if (!names)
        return EXIT_FAILURE;

    for (i = 0; i < names->len; i++) {
        LauncherLink link = { .name = g_ptr_array_index(names, i) };

        link.path = g_build_filename(dir, link.name, NULL);
        link.qemu = qemuLauncherNameToQEMU(NULL, link.name);
        link.state = link.qemu ? launcherStaleCheck(link.path, link.qemu) : LAUNCHER_STALE_ERROR;
        if (func(&link) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
        g_free(link.path);
        g_free(link.qemu);
    }
    return status;
}


static int
launcherAdminListLink(const LauncherLink *link)
{
    const char *state;

    switch (link->state) {
    case LAUNCHER_STALE_NO:
        state = _("current");
        break;

    case LAUNCHER_STALE_YES:
        state = _("replaced: run emulatedpci-launcher --refresh");
        break;

    case LAUNCHER_STALE_NO_QEMU:
        state = _("not installed");
        break;

    case LAUNCHER_STALE_ERROR:
    default:
        state = link->qemu ? g_strerror(errno) : _("not a launcher's name");
        break;
    }

    printf("%s\t%s\t%s\n", link->name, link->qemu ? link->qemu : "-", state);
    return link->state == LAUNCHER_STALE_ERROR ? EXIT_FAILURE : EXIT_SUCCESS;
}


static int
launcherAdminRefreshLink(const LauncherLink *link)
{
    if (link->state != LAUNCHER_STALE_YES)
        return EXIT_SUCCESS;

    /* An earlier link to the same file may have renewed it meanwhile. */
    if (launcherStaleCheck(link->path, link->qemu) != LAUNCHER_STALE_YES)
        return EXIT_SUCCESS;

    if (!launcherStaleRefresh(link->path, TRUE)) {
        launcherLog(_("cannot refresh '%1$s': %2$s"), link->path, g_strerror(errno));
        return EXIT_FAILURE;
    }
    printf(_("'%1$s' was replaced: libvirt will probe it again\n"), link->qemu);
    return EXIT_SUCCESS;
}


static int
launcherAdminAdd(const char *dir,
                 const char *qemu)
{
    static const char target[] = "../" QEMU_LAUNCHER_PROGRAM;
    g_autofree char *path = qemuLauncherPathFromQEMU(dir, NULL, qemu);
    g_autofree char *there = NULL;

    if (!path) {
        launcherLog(_("invalid QEMU path '%1$s': the absolute path of a program is required, "
                      "of at most %2$d bytes when it is escaped"), qemu, QEMU_LAUNCHER_NAME_MAX);
        return EXIT_FAILURE;
    }
    if (access(qemu, X_OK) < 0) {
        launcherLog(_("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(errno));
        return EXIT_FAILURE;
    }

    if (symlink(target, path) < 0) {
        const int saved = errno;

        there = g_file_read_link(path, NULL);
        if (g_strcmp0(there, target) != 0) {
            launcherLog(_("cannot create the link '%1$s': %2$s"), path, g_strerror(saved));
            return EXIT_FAILURE;
        }
    }
    printf("%s\n", path);
    return EXIT_SUCCESS;
}


int
launcherAdmin(int argc,
              char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    const int operands = strcmp(command, "--add") == 0 ? 1 : 0;
    g_autoptr(GError) err = NULL;
    g_autofree char *home = NULL;
    g_autofree char *dir = NULL;

    if (argc == 2 && strcmp(command, "--help") == 0) {
        launcherAdminHelp();
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(command, "--version") == 0) {
        printf("%s (%s) %s\n", QEMU_LAUNCHER_PROGRAM, PACKAGE_NAME, PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(command, "--print-capabilities") == 0) {
        launcherAdminCapabilities();
        return EXIT_SUCCESS;
    }

    if ((strcmp(command, "--list") != 0 && strcmp(command, "--refresh") != 0 && operands == 0) ||
        argc != 2 + operands) {
        launcherLog(_("invalid command line; see %1$s --help"), QEMU_LAUNCHER_PROGRAM);
        return 2;
    }

    home = launcherPathsGetHome(&err);
    if (!home) {
        launcherLog("%s", err->message);
        return EXIT_FAILURE;
    }
    dir = launcherPathsGetLaunchDir(home);

    if (operands > 0)
        return launcherAdminAdd(dir, argv[2]);
    return launcherAdminForEach(dir, strcmp(command, "--list") == 0 ?
                                launcherAdminListLink : launcherAdminRefreshLink);
}
