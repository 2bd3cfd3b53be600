/*
 * fleet_progress.c: a progress bar on standard error
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fleet_progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Columns: below the first there is no bar, above the second it does not grow. */
#define FLEET_PROGRESS_NARROW 40
#define FLEET_PROGRESS_WIDE 100
#define FLEET_PROGRESS_DEFAULT 80

#define FLEET_PROGRESS_GREEN "\033[32m"
#define FLEET_PROGRESS_RED "\033[31m"
#define FLEET_PROGRESS_PLAIN "\033[0m"


void
fleetProgressInit(FleetProgress *progress, gboolean wanted)
{
    const char *term = g_getenv("TERM");
    const char *noColor = g_getenv("NO_COLOR");

    progress->shown = wanted && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    progress->color = !noColor || !*noColor;
    progress->drawn = FALSE;
}


static guint
fleetProgressColumns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return FLEET_PROGRESS_DEFAULT;
    return size.ws_col;
}


void
fleetProgressDraw(FleetProgress *progress, guint done, guint failed, guint total)
{
    const guint columns = MIN(fleetProgressColumns(), FLEET_PROGRESS_WIDE);
    g_autofree char *numbers = NULL;
    g_autoptr(GString) line = g_string_new("\r");
    guint width;
    guint i;

    if (!progress->shown || total == 0)
        return;

    numbers = failed ? g_strdup_printf(_("%1$u/%2$u, %3$u failed"), done, total, failed)
                     : g_strdup_printf("%u/%u", done, total);
    if (columns >= FLEET_PROGRESS_NARROW && columns > g_utf8_strlen(numbers, -1) + 10) {
        /* "[", "] " and the column in which terminals wrap */
        width = columns - g_utf8_strlen(numbers, -1) - 4;
        g_string_append_c(line, '[');
        if (progress->color)
            g_string_append(line, failed ? FLEET_PROGRESS_RED : FLEET_PROGRESS_GREEN);
        for (i = 0; i < width; i++)
            g_string_append_c(line, (guint64) i * total < (guint64) done * width ? '#' : ' ');
        if (progress->color)
            g_string_append(line, FLEET_PROGRESS_PLAIN);
        g_string_append(line, "] ");
    }
    if (columns > g_utf8_strlen(numbers, -1))
        g_string_append(line, numbers);
    g_string_append(line, "\033[K");
    fwrite(line->str, 1, line->len, stderr);
    fflush(stderr);
    progress->drawn = TRUE;
}


void
fleetProgressClear(FleetProgress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = FALSE;
}
