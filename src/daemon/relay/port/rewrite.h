/*
 * rewrite.h: XML in the payload of a frame
 *
 * Finds the XML by the layout of the procedure, and replaces it. The functions use no socket and no
 * global state.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "procedures.h"
#include "projection.h"

typedef ProjectionResult (*RewriteFunc)(const char *xml, gsize len,
                                        const ProjectionOptions *opts,
                                        char **out, gsize *outlen,
                                        GError **err);

/* The arguments in a frame, by the layout of its procedure. Pointers point into the frame. */
typedef struct {
    const char *domain;         /* the domain as it is on the wire, or NULL */
    gsize domainLen;
    const char *xml;            /* the last XML (or alias), or NULL */
    gsize xmlLen;
    guint32 flags;              /* 0 if there are none */
} RewriteArguments;

/* Reads the payload that begins at OFFSET of FRAME. Returns FALSE if it is not of that layout: then
 * it is upstream's to complain. */
gboolean rewriteRead(const Procedure *proc,
                     const GByteArray *frame,
                     gsize offset,
                     RewriteArguments *args);

/* Applies FUNC to every XML of the payload that begins at OFFSET of FRAME.
 * On PROJECTION_CHANGED, OUT gets a new frame with its length set. A payload
 * that is not of that layout is PROJECTION_UNCHANGED. */
ProjectionResult rewriteFrame(const Procedure *proc,
                              const GByteArray *frame,
                              gsize offset,
                              RewriteFunc func,
                              const ProjectionOptions *opts,
                              GByteArray **out,
                              GError **err);
