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

/**
 * liftCached:
 * @xml: the XML, not terminated
 * @len: its length, in bytes
 * @opts: the options; they must be the same in each call
 * @out: set to the lifted XML, to be freed with g_free()
 * @outlen: set to its length, in bytes
 * @err: set on failure, see projectionLift()
 *
 * A RewriteFunc: the same as projectionLift(), with a cache of the latest documents.
 *
 * Returns as projectionLift().
 */
ProjectionResult liftCached(const char *xml, gsize len,
                            const ProjectionOptions *opts,
                            char **out, gsize *outlen,
                            GError **err);

/**
 * liftCacheDrop:
 *
 * Empties the cache.
 */
void liftCacheDrop(void);
