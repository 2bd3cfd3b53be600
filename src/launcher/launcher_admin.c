/*
 * launcher_admin.c: the command line of emulatedpci-launcher
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
#define N_(s) s

/* A link in a launch directory */
typedef struct {
    const char *name;
    char *path;
    char *qemu;         /* the program that the link runs, or NULL if it is not a launcher's link */
    LauncherStale state;
} LauncherLink;

typedef int (*LauncherLinkFunc)(const LauncherLink *link);


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


/* Returns the sorted names in DIR, or NULL after a message. */
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


/* Calls FUNC for each link in DIR. Returns the exit status, which is 1 if FUNC has failed for a
 * link. */
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

    /* An earlier link to the same file may have been refreshed in the meantime. */
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


/* The parsed command line */
typedef struct {
    gboolean list;
    gboolean refresh;
    char *add;
    gboolean capabilities;
    gboolean version;
} LauncherAdminOptions;


static gboolean
launcherAdminParse(LauncherAdminOptions *options,
                   int argc,
                   char **argv,
                   GError **err)
{
    const GOptionEntry entries[] = {
        { "list", 0, 0, G_OPTION_ARG_NONE, &options->list,
          N_("List the links with the QEMU that each of them runs, and its state"), NULL },
        { "refresh", 0, 0, G_OPTION_ARG_NONE, &options->refresh,
          N_("Make libvirt probe the replaced QEMU programs again"), NULL },
        { "add", 0, 0, G_OPTION_ARG_FILENAME, &options->add,
          N_("Create the link for the program QEMU, an absolute path, and print the link"),
          N_("QEMU") },
        { "print-capabilities", 0, 0, G_OPTION_ARG_NONE, &options->capabilities,
          N_("Print the supported features as JSON"), NULL },
        { "version", 0, 0, G_OPTION_ARG_NONE, &options->version,
          N_("Print the version and exit"), NULL },
        G_OPTION_ENTRY_NULL
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_translation_domain(context, PACKAGE);
    g_option_context_set_summary(context,
                                 _("Starts the emulators of a domain's PCI devices, then QEMU. libvirt runs the\n"
                                   "links in the launch directory, which are named in <emulator>."));
    g_option_context_set_description(context,
                                     _("Exit status: 0 on success, 1 on failure, 2 if the command line is invalid."));
    g_option_context_add_main_entries(context, entries, PACKAGE);
    if (!g_option_context_parse(context, &argc, &argv, err))
        return FALSE;

    if (argc > 1 || options->list + options->refresh + (options->add != NULL) +
        options->capabilities + options->version != 1) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s",
                    _("exactly one option is required"));
        return FALSE;
    }
    return TRUE;
}


static int
launcherAdminRun(const LauncherAdminOptions *options)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *home = NULL;
    g_autofree char *dir = NULL;

    if (options->version) {
        printf("%s (%s) %s\n", QEMU_LAUNCHER_PROGRAM, PACKAGE_NAME, PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    if (options->capabilities) {
        launcherAdminCapabilities();
        return EXIT_SUCCESS;
    }

    home = launcherPathsGetHome(&err);
    if (!home) {
        launcherLog("%s", err->message);
        return EXIT_FAILURE;
    }
    dir = launcherPathsGetLaunchDir(home);

    if (options->add)
        return launcherAdminAdd(dir, options->add);
    return launcherAdminForEach(dir, options->list ? launcherAdminListLink :
                                launcherAdminRefreshLink);
}


int
launcherAdmin(int argc,
              char **argv)
{
    LauncherAdminOptions options = { 0 };
    g_autoptr(GError) err = NULL;
    int status = 2;

    if (launcherAdminParse(&options, argc, argv, &err))
        status = launcherAdminRun(&options);
    else
        launcherLog(_("invalid command line: %1$s; see %2$s --help"), err->message,
                    QEMU_LAUNCHER_PROGRAM);
    g_free(options.add);
    return status;
}
