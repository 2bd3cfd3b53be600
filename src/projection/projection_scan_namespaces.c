/*
 * projection_scan_namespaces.c: namespaces and their prefixes in a document
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include <string.h>


void
scanBindingClear(void *opaque)
{
    ScanBinding *binding = opaque;

    g_free(binding->prefix);
}


void
scanBindings(Scan *scan,
             const ScanTag *tag)
{
    const xmlChar **namespaces = tag->namespaces;
    int i;

    for (i = 0; i < tag->nNamespaces; i++) {
        ScanBinding binding = { .isQEMU = scanNameIs(namespaces[2 * i + 1], PROJECTION_QEMU_NAMESPACE) };

        if (!namespaces[2 * i])
            continue;
        binding.prefix = g_strdup((const char *) namespaces[2 * i]);
        g_array_append_val(scan->bindings, binding);
    }
}


/* Returns the prefix of the declaration at the end of DOMAIN's start tag, if libvirt or lowering
 * could have written it; to be freed with g_free(). Otherwise NULL. */
static char *
domainLastDeclaration(Scan *scan,
                      const ProjectionDomain *domain)
{
    static const char begin[] = " xmlns:";
    static const char rest[] = "='" PROJECTION_QEMU_NAMESPACE "'";
    const gsize restLen = sizeof(rest) - 1;
    const char *text = scan->doc->text + domain->where.start;
    const char *end = scan->doc->text + domain->where.tagEnd - 1;
    const char *space;

    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    if ((gsize) (end - text) <= restLen || memcmp(end - restLen, rest, restLen) != 0)
        return NULL;
    end -= restLen;

    space = memrchr(text, ' ', end - text);
    if (!space || (gsize) (end - space) < sizeof(begin) - 1 ||
        memcmp(space, begin, sizeof(begin) - 1) != 0)
        return NULL;
    space += sizeof(begin) - 1;
    return g_strndup(space, end - space);
}


void
scanBindPrefixes(Scan *scan,
                 ProjectionDomain *domain)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *last = domainLastDeclaration(scan, domain);
    guint i;

    /* The innermost declaration of a prefix applies. */
    for (i = scan->bindings->len; i > 0; i--) {
        const ScanBinding *binding = &g_array_index(scan->bindings, ScanBinding, i - 1);

        if (!g_hash_table_add(seen, binding->prefix))
            continue;

        if (!binding->isQEMU) {
            g_hash_table_add(domain->foreignPrefixes, g_strdup(binding->prefix));
            continue;
        }

        domain->boundPrefixes++;
        /* Prefer "qemu"; otherwise use the first one. */
        if (!domain->boundPrefix || strcmp(domain->boundPrefix, "qemu") != 0) {
            g_free(domain->boundPrefix);
            domain->boundPrefix = g_strdup(binding->prefix);
        }
        if (i > scan->outerBindings && g_strcmp0(last, binding->prefix) == 0)
            domain->ownPrefix = g_strdup(binding->prefix);
    }
}


static guint
countPrefixUse(Scan *scan,
               const xmlChar *prefix,
               const xmlChar *URI)
{
    ProjectionDomain *domain = scan->domain;

    if (!prefix)
        return 0;

    if (!URI) {
        /* A declaration would change the meaning of the prefix. */
        if (!g_hash_table_contains(domain->foreignPrefixes, prefix))
            g_hash_table_add(domain->foreignPrefixes, g_strdup((const char *) prefix));
        return 0;
    }
    return domain->ownPrefix && !scan->shadow && scanNameIs(prefix, domain->ownPrefix);
}


void
scanPrefixes(Scan *scan,
             ScanTag *tag)
{
    ProjectionDomain *domain = scan->domain;
    guint uses;
    int i;

    for (i = 0; i < tag->nNamespaces && !scan->shadow && domain->ownPrefix; i++) {
        if (tag->namespaces[2 * i] && scanNameIs(tag->namespaces[2 * i], domain->ownPrefix))
            scan->shadow = scan->depth;
    }

    tag->prefixUses = countPrefixUse(scan, tag->prefix, tag->URI);
    uses = tag->prefixUses;
    for (i = 0; i < tag->nAttrs; i++) {
        const xmlChar **attr = tag->attrs + i * ATTR_LAST;

        uses += countPrefixUse(scan, attr[ATTR_PREFIX], attr[ATTR_URI]);
    }

    domain->ownPrefixUses += uses;
    if (scan->device)
        scan->device->prefixUses += uses;
}
