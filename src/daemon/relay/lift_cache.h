/*
 * lift_cache.h: the documents that were lifted last
 *
 * Clients ask for a domain's XML again and again, and mostly it is what it
 * was: then comparing is all there is to do. Compares whole documents, so
 * that nothing can be stale. One cache a process, that is, a connection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/* projectionLift(), which see; OPTS must be the same each time. */
ProjectionResult liftCached(const char *xml, gsize len,
                            const ProjectionOptions *opts,
                            char **out, gsize *outlen,
                            GError **err);

/* Forgets all. */
void liftCacheDrop(void);
