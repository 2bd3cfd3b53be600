/*
 * projection_style.h: the white space that a document is laid out with
 *
 * What we put into a document looks like what is around it: its line ends,
 * its indentation; and where there is none, everything on one line. Taking
 * it out again removes the same bytes. Knows no XML but ' ', \t, \r and \n.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct {
    const char *newline;    /* "\n", "\r\n" or "": nothing begins a new line */
    char *indent;           /* "" if newline is */
} ProjectionStyle;

void projectionStyleClear(ProjectionStyle *style);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProjectionStyle, projectionStyleClear)

/* The layout of what stands at bytes START to END of TEXT, whose first byte
 * that counts is BEGIN: its line's indentation if it is the first thing on
 * its line. STYLE's old contents are not freed. */
void projectionStyleAt(const char *text,
                       gsize begin,
                       gsize start,
                       gsize end,
                       ProjectionStyle *style);

/* NEWLINE, the indentation and DEPTH times two spaces more; or "". Newly
 * allocated. */
char *projectionStyleBreak(const ProjectionStyle *style, unsigned int depth);

/* Where the white space begins that ends at POS. */
gsize projectionSkipBlank(const char *text, gsize pos);

/* Where the line break and indentation begin that end at POS; or POS, if what
 * stands there is not the first thing on its line. */
gsize projectionSkipBreak(const char *text, gsize pos);

/* "\n" or "\r\n" if there is such a line end in bytes START to END, else "". */
const char *projectionFindNewline(const char *text, gsize start, gsize end);
