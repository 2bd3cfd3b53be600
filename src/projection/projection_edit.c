/*
 * projection_edit.c: replacing parts of a text
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_edit.h"

#include <string.h>

/* The initial size of the pool, in bytes; two devices fit. */
#define POOL_SIZE 4096

typedef struct {
    gsize start;
    gsize end;
    gsize pos;      /* the position of the replacement in the pool */
    gsize len;
    guint serial;   /* the number of the call */
} Edit;

struct _ProjectionEdits {
    GArray *list;       /* of Edit */
    GString *pool;      /* all replacements, one after the other */
};


ProjectionEdits *
projectionEditsNew(void)
{
    ProjectionEdits *edits = g_new0(ProjectionEdits, 1);

    edits->list = g_array_new(FALSE, FALSE, sizeof(Edit));
    edits->pool = g_string_sized_new(POOL_SIZE);
    return edits;
}


void
projectionEditsFree(ProjectionEdits *edits)
{
    if (!edits)
        return;

    g_array_free(edits->list, TRUE);
    g_string_free(edits->pool, TRUE);
    g_free(edits);
}


GString *
projectionEditsBegin(ProjectionEdits *edits,
                     gsize start,
                     gsize end)
{
    Edit edit = {
        .start = start,
        .end = end,
        .pos = edits->pool->len,
        .serial = edits->list->len,
    };

    g_array_append_val(edits->list, edit);
    return edits->pool;
}


void
projectionEditsEnd(ProjectionEdits *edits)
{
    Edit *edit = &g_array_index(edits->list, Edit, edits->list->len - 1);

    edit->len = edits->pool->len - edit->pos;
}


void
projectionEditsAdd(ProjectionEdits *edits,
                   gsize start,
                   gsize end,
                   const char *replacement)
{
    g_string_append(projectionEditsBegin(edits, start, end), replacement);
    projectionEditsEnd(edits);
}


gboolean
projectionEditsIsEmpty(const ProjectionEdits *edits)
{
    return edits->list->len == 0;
}


static gint
compareEdits(gconstpointer pa,
             gconstpointer pb)
{
    const Edit *a = pa;
    const Edit *b = pb;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    /* Insertions precede replacements at the same offset. */
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}


char *
projectionEditsApply(ProjectionEdits *edits,
                     const char *text,
                     gsize len,
                     gsize *outlen)
{
    GString *out = g_string_sized_new(len + edits->pool->len);
    gsize done = 0;
    guint i;

    g_array_sort(edits->list, compareEdits);
    for (i = 0; i < edits->list->len; i++) {
        const Edit *edit = &g_array_index(edits->list, Edit, i);

        if (edit->start < done || edit->end < edit->start || edit->end > len) {
            g_string_free(out, TRUE);
            return NULL;
        }
        g_string_append_len(out, text + done, edit->start - done);
        g_string_append_len(out, edits->pool->str + edit->pos, edit->len);
        done = edit->end;
    }
    g_string_append_len(out, text + done, len - done);

    *outlen = out->len;
    return g_string_free(out, FALSE);
}
