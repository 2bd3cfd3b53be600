/*
 * emulator_log.c: messages of pci-emulator on standard error
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gettext.h"
#include "ignore-value.h"

#define _(s) gettext(s)

static const char *prefix = "pci-emulator: ";


void
emulatorLogSetProgram(const char *name)
{
    prefix = name;
}


static void
logLine(const char *text)
{
    struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
    char line[512];
    size_t len;
    size_t i;

    /* A pipe that is ready for output accepts PIPE_BUF bytes, which is more than a line. */
    if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
        return;

    snprintf(line, sizeof(line) - 1, "%s%s", prefix, text);
    len = strlen(line);

    for (i = 0; i < len; i++) {
        if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';

    ignore_value(write(STDERR_FILENO, line, len));
}


void
emulatorLogLast(const char *format, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);

    logLine(text);
}


void
emulatorLog(const char *format, ...)
{
    static unsigned int lines;
    char text[512];
    va_list ap;

    if (lines > EMULATOR_LOG_MAX)
        return;

    if (lines++ == EMULATOR_LOG_MAX) {
        logLine(_("too many messages; this is the last one"));
        return;
    }

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);

    logLine(text);
}
