/*
 * lift_cache.c: the documents that were lifted last
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "lift_cache.h"

#include <string.h>

/* The maximum number of documents, and the maximum size of each before and after lifting, in
 * bytes: at most half a MiB in total. */
#define LIFT_CACHE_ENTRIES 8
#define LIFT_CACHE_DOCUMENT_MAX 32768

typedef struct {
    char *before;
    gsize beforeLen;
    char *after;
    gsize afterLen;
} LiftCacheEntry;

static LiftCacheEntry entries[LIFT_CACHE_ENTRIES];
static gsize nextEntry;


static void
liftCacheForget(LiftCacheEntry *entry)
{
    g_clear_pointer(&entry->before, g_free);
    g_clear_pointer(&entry->after, g_free);
}


void
liftCacheDrop(void)
{
    gsize i;

    for (i = 0; i < LIFT_CACHE_ENTRIES; i++)
        liftCacheForget(&entries[i]);
}


ProjectionResult
liftCached(const char *xml, gsize len,
           const ProjectionOptions *opts,
           char **out, gsize *outlen,
           GError **err)
{
    LiftCacheEntry *entry;
    ProjectionResult result;
    gsize i;

    for (i = 0; i < LIFT_CACHE_ENTRIES; i++) {
        entry = &entries[i];
        if (entry->before && entry->beforeLen == len && memcmp(entry->before, xml, len) == 0) {
            *out = g_memdup2(entry->after, entry->afterLen + 1);
            *outlen = entry->afterLen;
            return PROJECTION_CHANGED;
        }
    }

    result = projectionLift(xml, len, opts, out, outlen, err);
    if (result != PROJECTION_CHANGED ||
        len > LIFT_CACHE_DOCUMENT_MAX || *outlen > LIFT_CACHE_DOCUMENT_MAX)
        return result;

    /* Replace the oldest entry. */
    entry = &entries[nextEntry];
    nextEntry = (nextEntry + 1) % LIFT_CACHE_ENTRIES;
    liftCacheForget(entry);
    entry->before = g_memdup2(xml, len);
    entry->beforeLen = len;
    entry->after = g_memdup2(*out, *outlen + 1);
    entry->afterLen = *outlen;
    return result;
}
