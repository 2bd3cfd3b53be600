/*
 * tool_argv.c: a QEMU command line as libvirt writes it, and as we show it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_argv.h"

#include "emulatedpci_error.h"
#include "launcher_args.h"
#include "launcher_qemu.h"
#include "qemu_launcher_path.h"

#include <string.h>


/* NAME=VALUE, as libvirt writes it before the program. */
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
    g_autofree int *fds = NULL;
    guint i;

    /* no launcher there: QEMU gets what libvirt wrote */
    if (!qemu)
        return g_strdupv(argv);

    if (!launcherArgsParse(&args, argc, argv, err))
        return NULL;
    fds = g_new0(int, args.at->len);
    for (i = 0; i < args.at->len; i++)
        fds[i] = 3 + i;
    return launcherArgsRewrite(&args, argc, argv, qemu, LAUNCHER_QEMU_DRIVER, fds, err);
}
