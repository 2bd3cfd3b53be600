/*
 * projection_style.c: the white space and indentation of a document
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_style.h"

#include <string.h>

/* The maximum indentation of new lines, in bytes: a device has many lines. */
#define INDENT_MAX 256


void
projectionStyleClear(ProjectionStyle *style)
{
    g_clear_pointer(&style->indent, g_free);
}


static gsize
skipIndent(const char *text,
           gsize pos)
{
    while (pos > 0 && (text[pos - 1] == ' ' || text[pos - 1] == '\t'))
        pos--;
    return pos;
}


const char *
projectionFindNewline(const char *text,
                      gsize start,
                      gsize end)
{
    const char *lf = memchr(text + start, '\n', end - start);

    if (!lf)
        return "";
    return lf > text && lf[-1] == '\r' ? "\r\n" : "\n";
}


void
projectionStyleAt(const char *text,
                  gsize begin,
                  gsize start,
                  gsize end,
                  ProjectionStyle *style)
{
    gsize line = skipIndent(text, start);

    if (line > 0 && text[line - 1] == '\n')
        style->newline = projectionFindNewline(text, line - 1, line);
    else if (line <= begin)
        style->newline = projectionFindNewline(text, start, end);
    else
        style->newline = "";

    line = MAX(line, begin);
    if (start - line > INDENT_MAX)
        line = start - INDENT_MAX;
    style->indent = *style->newline ? g_strndup(text + line, start - line) : g_strdup("");
}


char *
projectionStyleBreak(const ProjectionStyle *style,
                     unsigned int depth)
{
    if (!*style->newline)
        return g_strdup("");
    return g_strdup_printf("%s%s%*s", style->newline, style->indent, (int) depth * 2, "");
}


gsize
projectionSkipBlank(const char *text,
                    gsize pos)
{
    while (pos > 0 && memchr(" \t\r\n", text[pos - 1], 4))
        pos--;
    return pos;
}


gsize
projectionSkipBreak(const char *text,
                    gsize pos)
{
    gsize line = skipIndent(text, pos);

    if (line == 0 || text[line - 1] != '\n')
        return pos;
    line--;
    return line > 0 && text[line - 1] == '\r' ? line - 1 : line;
}
