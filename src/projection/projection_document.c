/*
 * projection_document.c: the elements of a document that are rewritten
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_document.h"

#include <string.h>


static void
emulatedFree(void *opaque)
{
    ProjectionEmulated *emulated = opaque;

    xmlFreeNode(emulated->node);
    g_free(emulated);
}


static void
controllerFree(void *opaque)
{
    ProjectionController *controller = opaque;

    g_free(controller->alias);
    g_free(controller->otherAddress);
    g_free(controller);
}


static void
overrideDeviceFree(void *opaque)
{
    ProjectionOverrideDevice *device = opaque;

    g_free(device->alias);
    qemuPropsOverrideClear(&device->props);
    g_free(device);
}


static void
overrideFree(void *opaque)
{
    ProjectionOverride *override = opaque;

    g_free(override->prefix);
    g_ptr_array_free(override->devices, TRUE);
    g_free(override);
}


static void
domainFree(void *opaque)
{
    ProjectionDomain *domain = opaque;

    g_free(domain->type);
    g_free(domain->arch);
    g_free(domain->machine);
    if (domain->emulator)
        g_string_free(domain->emulator, TRUE);
    g_ptr_array_free(domain->emulated, TRUE);
    g_ptr_array_free(domain->controllers, TRUE);
    g_ptr_array_free(domain->overrides, TRUE);
    g_hash_table_destroy(domain->aliases);
    g_array_free(domain->addresses, TRUE);
    g_array_free(domain->indexes, TRUE);
    g_free(domain->boundPrefix);
    g_free(domain->ownPrefix);
    g_hash_table_destroy(domain->foreignPrefixes);
    g_free(domain);
}


ProjectionDomain *
projectionDomainNew(void)
{
    ProjectionDomain *domain = g_new0(ProjectionDomain, 1);

    domain->emulated = g_ptr_array_new_with_free_func(emulatedFree);
    domain->controllers = g_ptr_array_new_with_free_func(controllerFree);
    domain->overrides = g_ptr_array_new_with_free_func(overrideFree);
    domain->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    domain->addresses = g_array_new(FALSE, FALSE, sizeof(ProjectionAddress));
    domain->indexes = g_array_new(FALSE, FALSE, sizeof(int));
    domain->foreignPrefixes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return domain;
}


ProjectionOverride *
projectionOverrideNew(void)
{
    ProjectionOverride *override = g_new0(ProjectionOverride, 1);

    override->devices = g_ptr_array_new_with_free_func(overrideDeviceFree);
    return override;
}


ProjectionDocument *
projectionDocumentNew(void)
{
    ProjectionDocument *doc = g_new0(ProjectionDocument, 1);

    doc->domains = g_ptr_array_new_with_free_func(domainFree);
    return doc;
}


guint
projectionDocumentLine(const ProjectionDocument *doc,
                       gsize offset)
{
    const char *at = doc->text;
    const char *const end = doc->text + MIN(offset, doc->len);
    guint line = 1;

    while ((at = memchr(at, '\n', end - at))) {
        at++;
        line++;
    }
    return line;
}


void
projectionDocumentFree(ProjectionDocument *doc)
{
    if (!doc)
        return;

    g_free(doc->encoding);
    g_free(doc->misplaced);
    g_ptr_array_free(doc->domains, TRUE);
    g_free(doc);
}
