/*
 * projection_edit.h: replacing parts of a text
 *
 * A list of replacements of byte ranges, which are added in any order and applied
 * together. All bytes outside of the ranges are kept.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct _ProjectionEdits ProjectionEdits;

/**
 * projectionEditsNew:
 *
 * Returns an empty list, to be freed with projectionEditsFree(). Never NULL.
 */
ProjectionEdits *projectionEditsNew(void);

/**
 * projectionEditsFree:
 * @edits: a list, or NULL
 *
 * Frees the list.
 */
void projectionEditsFree(ProjectionEdits *edits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProjectionEdits, projectionEditsFree)

/**
 * projectionEditsAdd:
 * @edits: a list
 * @start: offset of the first byte
 * @end: offset after the last byte; equal to @start to insert text
 * @replacement: the new text, which is copied
 *
 * Adds a replacement. Ranges must not overlap. Several insertions at one offset are applied in
 * the order of the calls.
 */
void projectionEditsAdd(ProjectionEdits *edits,
                        gsize start,
                        gsize end,
                        const char *replacement);

/**
 * projectionEditsBegin:
 * @edits: a list
 * @start: offset of the first byte
 * @end: offset after the last byte; equal to @start to insert text
 *
 * The same as projectionEditsAdd() for a long replacement, which is not copied. The caller appends
 * it to the result and then calls projectionEditsEnd(), without other calls in between.
 *
 * Returns a buffer that belongs to @edits.
 */
GString *projectionEditsBegin(ProjectionEdits *edits, gsize start, gsize end);

/**
 * projectionEditsEnd:
 * @edits: a list
 *
 * Ends the replacement that projectionEditsBegin() began.
 */
void projectionEditsEnd(ProjectionEdits *edits);

/**
 * projectionEditsIsEmpty:
 * @edits: a list
 *
 * Returns TRUE if there are no replacements.
 */
gboolean projectionEditsIsEmpty(const ProjectionEdits *edits);

/**
 * projectionEditsApply:
 * @edits: a list
 * @text: the text
 * @len: its length, in bytes
 * @outlen: set to the length of the result, in bytes
 *
 * Returns the changed text with a terminating NUL, to be freed with g_free(), or NULL if ranges
 * overlap or exceed @len.
 */
char *projectionEditsApply(ProjectionEdits *edits,
                           const char *text,
                           gsize len,
                           gsize *outlen);
