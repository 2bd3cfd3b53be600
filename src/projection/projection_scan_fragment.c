/*
 * projection_scan_fragment.c: finds a lowered device that stands alone
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include <string.h>


gsize
scanFindFragment(const char *text,
                 gsize begin,
                 gsize len)
{
    static const char name[] = "<controller";
    const gsize nameLen = sizeof(name) - 1;
    gsize pos = begin;

    while (pos < len) {
        const char *end;

        if (strchr(" \t\r\n", text[pos])) {
            pos++;
            continue;
        }
        if (len - pos > 4 && memcmp(text + pos, "<!--", 4) == 0)
            end = memmem(text + pos + 4, len - pos - 4, "-->", 3);
        else if (len - pos > 2 && memcmp(text + pos, "<?", 2) == 0)
            end = memmem(text + pos, len - pos, "?>", 2);
        else
            break;
        if (!end)
            return 0;
        pos = end - text + (*end == '-' ? 3 : 2);
    }

    if (len - pos <= nameLen || memcmp(text + pos, name, nameLen) != 0)
        return 0;
    return pos + 1;
}
