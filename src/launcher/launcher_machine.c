/*
 * launcher_machine.c: the machine type in QEMU's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_machine.h"

#include <string.h>

#define MACHINE_TYPE "type="


/* Returns the machine type in an option's VALUE, or NULL. */
static char *
launcherMachineReadOption(const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    int i;

    for (i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], MACHINE_TYPE))
            return g_strdup(words[i] + strlen(MACHINE_TYPE));
        if (i == 0 && !strchr(words[i], '='))
            return g_strdup(words[i]);
    }
    return NULL;
}


char *
launcherMachineGetType(int argc,
                       char *const *argv)
{
    g_autofree char *type = NULL;
    int i;

    for (i = 1; i + 1 < argc; i++) {
        const char *option = argv[i];
        char *found;

        if (option[0] != '-')
            continue;
        option += option[1] == '-' ? 2 : 1;
        if (strcmp(option, "machine") != 0 && strcmp(option, "M") != 0)
            continue;

        found = launcherMachineReadOption(argv[++i]);
        if (found) {
            g_free(type);
            type = found;
        }
    }
    return g_steal_pointer(&type);
}
