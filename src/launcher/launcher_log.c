/*
 * launcher_log.c: messages on standard error, which libvirt shows or logs
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_log.h"

#include "full-write.h"
#include "ignore-value.h"
#include "qemu_launcher_path.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>


void
launcherLog(const char *fmt,
            ...)
{
    char line[LAUNCHER_LOG_LINE_MAX] = QEMU_LAUNCHER_PROGRAM ": ";
    const size_t head = strlen(line);
    g_autofree char *message = NULL;
    va_list args;
    char *p;

    va_start(args, fmt);
    message = g_strdup_vprintf(fmt, args);
    va_end(args);

    g_strlcpy(line + head, message, sizeof(line) - head - 1);
    for (p = line; *p; p++) {
        if (g_ascii_iscntrl(*p))
            *p = '?';
    }
    *p++ = '\n';
    ignore_value(full_write(STDERR_FILENO, line, p - line));
}
