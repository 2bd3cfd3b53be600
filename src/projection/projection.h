/*
 * projection.h: between a user's XML and stock libvirt's
 *
 * Lowering turns every <emulatedpci> of a document into what a stock libvirt
 * understands (a reserving controller, a <qemu:override>, the launcher in
 * <emulator>); lifting is its inverse. Pure functions: no connection, no
 * file, no global state.
 *
 * A document without emulated devices is passed as it is, byte for byte,
 * after a mere memory scan. In others every byte outside the rewritten
 * elements stays.
 *
 * Documents: <domain>; <domainsnapshot> and <domaincheckpoint> with <domain>
 * and <inactiveDomain> in them; a single <emulatedpci> device, whose lowered
 * form is the <controller> followed by a <qemu:override> of its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef enum {
    PROJECTION_ERROR = -1,      /* err is set */
    PROJECTION_UNCHANGED = 0,   /* the result is the input */
    PROJECTION_CHANGED = 1,     /* the result is in out */
} ProjectionResult;

typedef struct {
    const char *launchDir;      /* where the launcher's links are; NULL: LAUNCH_DIR */
    const char *qemuDir;        /* the distribution's QEMU programs; NULL: QEMU_DIR */
} ProjectionOptions;

/* LEN bytes of XML in; on PROJECTION_CHANGED, OUT gets a new NUL-terminated
 * string of OUTLEN bytes. OPTS may be NULL. */
ProjectionResult projectionLower(const char *xml, gsize len,
                                 const ProjectionOptions *opts,
                                 char **out, gsize *outlen,
                                 GError **err);

ProjectionResult projectionLift(const char *xml, gsize len,
                                const ProjectionOptions *opts,
                                char **out, gsize *outlen,
                                GError **err);
