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

/* The arguments in a frame. The pointers point into the frame. */
typedef struct {
    const char *domain;         /* the domain in XDR, or NULL */
    gsize domainLen;
    const char *xml;            /* the last XML (or alias), or NULL */
    gsize xmlLen;
    guint32 flags;              /* 0 if there are none */
} RewriteArguments;

/**
 * rewriteRead:
 * @proc: the procedure
 * @frame: the frame
 * @offset: the offset of the payload in @frame, in bytes
 * @args: filled in; its pointers point into @frame
 *
 * Reads the arguments or results in a frame, with the layout of the procedure.
 *
 * Returns TRUE, or FALSE if the payload does not have this layout; libvirtd reports the error
 * then.
 */
gboolean rewriteRead(const Procedure *proc,
                     const GByteArray *frame,
                     gsize offset,
                     RewriteArguments *args);

/**
 * rewriteFrame:
 * @proc: the procedure
 * @frame: the frame
 * @offset: the offset of the payload in @frame, in bytes
 * @func: applied to each XML
 * @opts: passed to @func
 * @out: set to a new frame with its length set, to be freed with g_byte_array_unref(), if the
 *       result is PROJECTION_CHANGED
 * @err: set to the error of @func, or to VIR_ERR_XML_ERROR if the frame would be longer than
 *       libvirt's limit
 *
 * Applies a function to every XML in the payload.
 *
 * Returns PROJECTION_CHANGED; PROJECTION_UNCHANGED, also if the payload does not have the layout
 * of the procedure; or PROJECTION_ERROR with @err set.
 */
ProjectionResult rewriteFrame(const Procedure *proc,
                              const GByteArray *frame,
                              gsize offset,
                              RewriteFunc func,
                              const ProjectionOptions *opts,
                              GByteArray **out,
                              GError **err);
