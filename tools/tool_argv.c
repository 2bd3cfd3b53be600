/*
 * tool_argv.c: QEMU's command line, in libvirt's format and for users
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_argv.h"

#include "emulatedpci_error.h"
#include "launcher_args.h"
#include "launcher_emulators.h"
#include "qemu_launcher_path.h"

#include <string.h>


/* Returns whether the word is NAME=VALUE, which libvirt writes before the program. */
static gboolean
toolArgvIsEnvironment(const char *arg)
{
    gsize len = strspn(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && arg[len] == '=';
}


char **
toolArgvParse(const char *native, GError **err)
{
    g_auto(GStrv) words = NULL;
    gsize i = 0;

    if (!g_shell_parse_argv(native, NULL, &words, err))
        return NULL;
    while (words[i] && toolArgvIsEnvironment(words[i]))
        i++;
    return g_strdupv(words + i);
}


void
toolArgvAppendQuoted(GString *out, const char *arg)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/_.,:=+-@%";
    g_autofree char *quoted = NULL;

    if (*arg && !arg[strspn(arg, plain)]) {
        g_string_append(out, arg);
        return;
    }
    quoted = g_shell_quote(arg);
    g_string_append(out, quoted);
}


char **
toolArgvLaunched(char **argv, const char *launchDir, const char *qemuDir, GError **err)
{
    g_autofree char *qemu = qemuLauncherPathToQEMU(launchDir, qemuDir, argv[0]);
    const int argc = g_strv_length(argv);
    g_auto(LauncherArgs) args = { NULL, NULL };
    g_autoptr(GPtrArray) groups = NULL;
    LauncherSocket *sockets;
    char **result;
    guint i;
    guint j;

    /* the <emulator> is not a launcher: QEMU gets libvirt's arguments */
    if (!qemu)
        return g_strdupv(argv);

    if (!launcherArgsParse(&args, argc, argv, err) ||
        !(groups = launcherEmulatorsGroup((QEMUProps *const *) args.props->pdata, args.props->len, err)))
        return NULL;

    /* The QEMU and the directory of the domain are only known when it starts. */
    sockets = launcherSocketNew(args.props->len);
    for (i = 0; i < groups->len; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(groups, i);

        for (j = 0; j < group->devices->len; j++) {
            const gsize device = g_array_index(group->devices, gsize, j);

            if (group->driver && group->driver->socket)
                sockets[device].path = g_strdup(group->driver->socket);
            else if (emulatedPCIDriverGetVersion(group->driver) == EMULATED_PCI_VERSION_VFIO_USER)
                sockets[device].path = g_strdup_printf("$HOME/pci$$.%zu", device);
            else
                sockets[device].fd = 3 + device;
        }
    }
    result = launcherArgsRewrite(&args, argc, argv, qemu, sockets, err);
    for (i = 0; i < args.props->len; i++)
        g_free(sockets[i].path);
    g_free(sockets);
    return result;
}
