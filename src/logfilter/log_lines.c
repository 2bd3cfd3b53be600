/*
 * log_lines.c: removes lines that QEMU repeats
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "log_lines.h"

#include <string.h>


void
logLinesFlush(LogLines *lines,
              LogLinesWrite write,
              void *opaque)
{
    if (lines->len > 0)
        write(lines->text, lines->len, opaque);
    lines->inside = lines->inside || lines->len > 0;
    lines->len = 0;
}


/* Returns whether the complete line, with its newline, is removed. */
static bool
logLinesIsRepeated(LogLines *lines)
{
    static const char end[] = LOG_LINES_REPEATED "\n";
    const size_t size = sizeof(end) - 1;
    const bool seen = lines->seen;
    const char *at;

    if (lines->inside || lines->len < size)
        return false;
    at = lines->text + lines->len - size;
    if (memcmp(at, end, size) != 0 || (at > lines->text && at[-1] != ' '))
        return false;

    lines->seen = true;
    return seen;
}


void
logLinesAdd(LogLines *lines,
            const char *data,
            size_t len,
            LogLinesWrite write,
            void *opaque)
{
    while (len > 0) {
        const char *newline = memchr(data, '\n', len);
        size_t take = newline ? (size_t) (newline - data) + 1 : len;
        bool complete = newline != NULL;

        if (take > sizeof(lines->text) - lines->len) {
            take = sizeof(lines->text) - lines->len;
            complete = false;
        }
        memcpy(lines->text + lines->len, data, take);
        lines->len += take;
        data += take;
        len -= take;

        if (complete) {
            if (logLinesIsRepeated(lines))
                lines->len = 0;
            logLinesFlush(lines, write, opaque);
            lines->inside = false;
        } else if (lines->len == sizeof(lines->text)) {
            logLinesFlush(lines, write, opaque);
        }
    }
}
