/*
 * launcher_memory.c: whether a server can map the guest's memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_memory.h"

#include <string.h>


/* Returns whether OBJECT, the value of an -object option, is a shared memory backend. The format
 * is JSON, or key=value with QEMU before 6.0 and in options that a user has written. */
static gboolean
memoryIsShared(const char *object)
{
    static const char *const shares[] = {
        "\"share\":true", "\"share\": true", ",share=on", ",share=yes", ",share=true",
    };
    gsize i;

    if (!strstr(object, "memory-backend-memfd") && !strstr(object, "memory-backend-file"))
        return FALSE;
    for (i = 0; i < G_N_ELEMENTS(shares); i++) {
        if (strstr(object, shares[i]))
            return TRUE;
    }
    return FALSE;
}


gboolean
launcherMemoryIsShared(int argc,
                       char *const *argv)
{
    int i;

    for (i = 2; i < argc; i++) {
        if ((strcmp(argv[i - 1], "-object") == 0 || strcmp(argv[i - 1], "--object") == 0) &&
            memoryIsShared(argv[i]))
            return TRUE;
    }
    return FALSE;
}
