/*
 * projection_style.h: the white space and indentation of a document
 *
 * Inserted elements have the same line breaks and indentation as the text around them,
 * or are written on one line if the text has no line breaks. Removing them again removes
 * the same bytes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct {
    const char *newline;    /* "\n", "\r\n", or "" for no line breaks */
    char *indent;           /* "" if newline is "" */
} ProjectionStyle;

/**
 * projectionStyleClear:
 * @style: a style
 *
 * Frees the indentation. The struct itself belongs to the caller.
 */
void projectionStyleClear(ProjectionStyle *style);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProjectionStyle, projectionStyleClear)

/**
 * projectionStyleAt:
 * @text: a document
 * @begin: offset of the first byte after a byte order mark
 * @start, @end: the range of an element
 * @style: filled in; its old contents are not freed
 *
 * Determines the line breaks of the element, and its indentation if it is the first one on its
 * line. @style must be cleared with projectionStyleClear().
 */
void projectionStyleAt(const char *text,
                       gsize begin,
                       gsize start,
                       gsize end,
                       ProjectionStyle *style);

/**
 * projectionStyleBreak:
 * @style: a style
 * @depth: the number of additional levels
 *
 * Returns the line break, the indentation and two more spaces for each level, or "" without line
 * breaks. The string must be freed with g_free().
 */
char *projectionStyleBreak(const ProjectionStyle *style, unsigned int depth);

/**
 * projectionSkipBlank:
 * @text: a document
 * @pos: an offset
 *
 * Returns the offset at which the white space before @pos begins.
 */
gsize projectionSkipBlank(const char *text, gsize pos);

/**
 * projectionSkipBreak:
 * @text: a document
 * @pos: an offset
 *
 * Returns the offset at which the line break and indentation before @pos begin, or @pos if other
 * text precedes it on its line.
 */
gsize projectionSkipBreak(const char *text, gsize pos);

/**
 * projectionFindNewline:
 * @text: a document
 * @start, @end: a range
 *
 * Returns "\n" or "\r\n" if the range contains such a line break, otherwise "".
 */
const char *projectionFindNewline(const char *text, gsize start, gsize end);
