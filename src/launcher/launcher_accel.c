/*
 * launcher_accel.c: the accelerator in QEMU's command line
 *
 * The options are -accel NAME[,…], -machine or -M [TYPE,]accel=NAME[:NAME…], and -enable-kvm, each
 * also with two dashes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_accel.h"

#include <string.h>

typedef struct {
    gboolean kvm;
    gboolean other;
} LauncherAccel;


/* Stores the accelerators in NAMES, which are separated by colons. */
static void
launcherAccelAdd(LauncherAccel *accel,
                 const char *names)
{
    g_auto(GStrv) list = g_strsplit(names, ":", -1);
    char **name;

    for (name = list; *name; name++) {
        if (strcmp(*name, "kvm") == 0)
            accel->kvm = TRUE;
        else
            accel->other = TRUE;
    }
}


/* Stores the accelerators in the value of an option: those in pairs accel=…, and the first word if
 * FIRST. */
static void
launcherAccelAddOption(LauncherAccel *accel,
                       const char *value,
                       gboolean first)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    int i;

    for (i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "accel="))
            launcherAccelAdd(accel, words[i] + strlen("accel="));
        else if (i == 0 && first && !strchr(words[i], '='))
            launcherAccelAdd(accel, words[i]);
    }
}


gboolean
launcherAccelIsKVM(int argc,
                   char *const *argv)
{
    LauncherAccel accel = { FALSE, FALSE };
    int i;

    for (i = 1; i < argc; i++) {
        const char *option = argv[i];

        if (option[0] != '-')
            continue;
        option += option[1] == '-' ? 2 : 1;

        if (strcmp(option, "enable-kvm") == 0)
            accel.kvm = TRUE;
        else if (i + 1 < argc && strcmp(option, "accel") == 0)
            launcherAccelAddOption(&accel, argv[++i], TRUE);
        else if (i + 1 < argc && (strcmp(option, "machine") == 0 || strcmp(option, "M") == 0))
            launcherAccelAddOption(&accel, argv[++i], FALSE);
    }
    return accel.kvm && !accel.other;
}
