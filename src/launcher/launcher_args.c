/*
 * launcher_args.c: the emulated devices in QEMU's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_args.h"
#include "launcher_emulators.h"
#include "launcher_qemu.h"
#include "qemu_props_alias.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)


/* Returns whether argv[I] is the value of a -device option. */
static gboolean
launcherArgsIsValue(int i,
                    char *const *argv)
{
    return i >= 2 &&
        (strcmp(argv[i - 1], "-device") == 0 || strcmp(argv[i - 1], "--device") == 0);
}


/* Returns whether argv[I] is the value of a -device option for the emulated-pci driver. */
static gboolean
launcherArgsIsDevice(int i,
                     char *const *argv)
{
    return launcherArgsIsValue(i, argv) && qemuPropsIsEmulatedPCI(argv[i]);
}


gboolean
launcherArgsExpand(int argc,
                   char **argv,
                   GError **err)
{
    int i;

    for (i = 2; i < argc; i++) {
        if (!launcherArgsIsValue(i, argv) || !qemuPropsAliasIsReservation(argv[i]))
            continue;
        argv[i] = qemuPropsAliasExpand(argv[i], err);
        if (!argv[i])
            return FALSE;
    }
    return TRUE;
}


gboolean
launcherArgsHaveDevices(int argc,
                        char *const *argv)
{
    int i;

    for (i = 2; i < argc; i++) {
        if (launcherArgsIsDevice(i, argv))
            return TRUE;
    }
    return FALSE;
}


gboolean
launcherArgsParse(LauncherArgs *args,
                  int argc,
                  char *const *argv,
                  GError **err)
{
    int i;

    args->at = g_array_new(FALSE, FALSE, sizeof(int));
    args->props = g_ptr_array_new_with_free_func((GDestroyNotify) qemuPropsFree);

    for (i = 2; i < argc; i++) {
        QEMUProps *props;

        if (!launcherArgsIsDevice(i, argv))
            continue;
        if (args->at->len >= EMULATED_PCI_DEVICES_MAX) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("too many emulated PCI devices: at most %1$d are supported"),
                                   EMULATED_PCI_DEVICES_MAX);
            return FALSE;
        }
        props = qemuPropsParse(argv[i], err);
        if (!props)
            return FALSE;
        g_array_append_val(args->at, i);
        g_ptr_array_add(args->props, props);
    }
    return TRUE;
}


static char *
launcherArgsReplace(const char *arg,
                    const LauncherSocket *link,
                    GError **err)
{
    if (link->path)
        return qemuPropsReplaceDriverPath(arg, QEMU_PROGRAM_VFIO_USER, link->path, err);
    return qemuPropsReplaceDriver(arg, QEMU_PROGRAM_PROXY, link->fd, err);
}


char **
launcherArgsRewrite(const LauncherArgs *args,
                    int argc,
                    char *const *argv,
                    const char *program,
                    const LauncherSocket *sockets,
                    GError **err)
{
    g_auto(GStrv) result = g_new0(char *, argc + 1);
    guint device = 0;
    int i;

    result[0] = g_strdup(program);
    for (i = 1; i < argc; i++) {
        if (device < args->at->len && g_array_index(args->at, int, device) == i)
            result[i] = launcherArgsReplace(argv[i], &sockets[device++], err);
        else
            result[i] = g_strdup(argv[i]);
        if (!result[i])
            return NULL;
    }
    return g_steal_pointer(&result);
}


void
launcherArgsExtend(char ***argv,
                   GPtrArray *more)
{
    guint n = g_strv_length(*argv);

    *argv = g_renew(char *, *argv, n + more->len + 1);
    while (more->len > 0)
        (*argv)[n++] = g_ptr_array_steal_index(more, 0);
    (*argv)[n] = NULL;
}


void
launcherArgsClear(LauncherArgs *args)
{
    g_clear_pointer(&args->at, g_array_unref);
    g_clear_pointer(&args->props, g_ptr_array_unref);
}
