/*
 * lift_cache.h: the documents that were lifted last
 *
 * Clients often request the XML of a domain that has not changed. The cache compares complete
 * documents, so that an entry cannot be outdated. Each process, and therefore each connection, has
 * one cache.
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
