/*
 * projection_edit.h: replacing parts of a text
 *
 * A list of replacements of byte ranges, noted in any order and carried out
 * together; every byte outside of them stays. Knows no XML.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct _ProjectionEdits ProjectionEdits;

ProjectionEdits *projectionEditsNew(void);
void projectionEditsFree(ProjectionEdits *edits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProjectionEdits, projectionEditsFree)

/* Bytes START to END (behind the last one) become REPLACEMENT; START equal to
 * END inserts. Ranges must not overlap; what is inserted at one place stands
 * in the order of the calls. */
void projectionEditsAdd(ProjectionEdits *edits,
                        gsize start,
                        gsize end,
                        const char *replacement);

/* The same for a long REPLACEMENT, which is not copied: append it to what Begin
 * returns, then End. No other call may come between. */
GString *projectionEditsBegin(ProjectionEdits *edits, gsize start, gsize end);
void projectionEditsEnd(ProjectionEdits *edits);

gboolean projectionEditsIsEmpty(const ProjectionEdits *edits);

/* The changed text, NUL-terminated, of OUTLEN bytes. NULL if ranges overlap
 * or end behind LEN. */
char *projectionEditsApply(ProjectionEdits *edits,
                           const char *text,
                           gsize len,
                           gsize *outlen);
