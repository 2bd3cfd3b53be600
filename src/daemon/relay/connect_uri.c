/*
 * connect_uri.c: the URI that a client opens
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "connect_uri.h"

#include <string.h>

#define CONNECT_SCHEME "emulatedpci:"
#define CONNECT_UPSTREAM_SCHEME "qemu:"


ProjectionResult
connectURI(const char *uri, gsize len,
           const ProjectionOptions *opts G_GNUC_UNUSED,
           char **out, gsize *outlen,
           GError **err G_GNUC_UNUSED)
{
    const gsize scheme = strlen(CONNECT_SCHEME);
    GString *result;

    if (len < scheme || g_ascii_strncasecmp(uri, CONNECT_SCHEME, scheme) != 0)
        return PROJECTION_UNCHANGED;

    result = g_string_new(CONNECT_UPSTREAM_SCHEME);
    g_string_append_len(result, uri + scheme, len - scheme);
    *outlen = result->len;
    *out = g_string_free(result, FALSE);
    return PROJECTION_CHANGED;
}
