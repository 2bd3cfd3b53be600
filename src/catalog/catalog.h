/*
 * catalog.h: definitions of emulated PCI devices
 *
 * Those that come with the package (built in, never changed), those on disk
 * and those that are there until the program ends. One program at a time keeps
 * a directory; it has one Catalog, in one thread. Whether a domain uses a
 * definition is the caller's to know: this knows no libvirt connection.
 *
 * What a file holds is in memory too: a definition is on disk, for good, before
 * a function says that it is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_definition.h"

#include <glib.h>

/* How many there can be, built-in ones included. */
#define CATALOG_MAX 4096

typedef struct {
    char *name;
    char uuid[EMULATED_PCI_UUID_LEN + 1];
    char *description;      /* or NULL */
    gboolean builtIn;       /* persistent and active, always */
    gboolean persistent;    /* on disk */
    gboolean active;        /* may be used */
    gboolean autostart;     /* active when the catalog is loaded */
    EmulatedPCIDef *def;    /* the twelve fields; its definition is the name */
} CatalogDefinition;

typedef struct _Catalog Catalog;

/* Empty, without a directory. Never NULL. */
Catalog *catalogNew(void);

/* From now on nothing on disk is changed: damaged files stay, and so does what
 * one tries to define. For programs that only look. */
void catalogSetReadOnly(Catalog *catalog);

/* Reads every NAME.xml of the two directories, either of which may be NULL or
 * not exist. DIR is where definitions are kept from now on.
 *
 * A damaged file in DIR (no definition of that name, or one whose uuid is
 * taken) is reported with g_warning() and renamed to NAME.xml.damaged, .1, .2 …
 * appended if that is taken; one that cannot be read is only reported. FALSE
 * with ERR set (VIR_ERR_SYSTEM_ERROR) if a directory cannot be read. */
gboolean catalogLoad(Catalog *catalog, const char *builtinDir, const char *dir, GError **err);

void catalogFree(Catalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalog, catalogFree)

/* What functions return is the catalog's, until it is next changed. */

/* The definition of that name or uuid, or NULL. */
const CatalogDefinition *catalogFind(const Catalog *catalog, const char *nameOrUUID);

/* The active definition of that name or uuid, as ProjectionOptions wants it
 * (OPAQUE is the catalog). NULL with ERR set to VIR_ERR_NO_NODE_DEVICE, naming
 * those that there are. */
const EmulatedPCIDef *catalogResolve(const char *nameOrUUID, void *opaque, GError **err);

/* All (of CatalogDefinition), sorted by name. The caller frees the array only. */
GPtrArray *catalogList(const Catalog *catalog);

/* Takes the definition in LEN bytes of XML. Where it has a basis, that gives
 * the fields that are missing; without a name it gets one made of devicename.
 *
 * Define writes it to disk, in place of an earlier one of the same name (and
 * uuid, if one is given), of which it keeps uuid, autostart and whether it is
 * active; a new one is active. Create keeps it in memory only. CREATED may be
 * NULL.
 *
 * NULL with ERR set: VIR_ERR_XML_ERROR and VIR_ERR_CONFIG_UNSUPPORTED for the
 * XML, VIR_ERR_NO_NODE_DEVICE if there is no such basis, VIR_ERR_OPERATION_FAILED
 * if name or uuid is another's, VIR_ERR_OPERATION_DENIED if the name is that of
 * a built-in one, VIR_ERR_SYSTEM_ERROR for the disk. Nothing has changed then,
 * except that after a failing disk the new definition may be found when the
 * catalog is loaded again. */
const CatalogDefinition *catalogDefine(Catalog *catalog, const char *xml, gsize len,
                                       gboolean *created, GError **err);
const CatalogDefinition *catalogCreate(Catalog *catalog, const char *xml, gsize len, GError **err);

/* Of the definition of that name or uuid: remove it from disk and memory; end
 * its use (of one that is not persistent: forget it); begin it; set whether it
 * is active when the catalog is loaded. FALSE with ERR set:
 * VIR_ERR_NO_NODE_DEVICE, VIR_ERR_OPERATION_DENIED for a built-in one,
 * VIR_ERR_OPERATION_INVALID in the wrong state, VIR_ERR_SYSTEM_ERROR. */
gboolean catalogUndefine(Catalog *catalog, const char *name, GError **err);
gboolean catalogDestroy(Catalog *catalog, const char *name, GError **err);
gboolean catalogStart(Catalog *catalog, const char *name, GError **err);
gboolean catalogSetAutostart(Catalog *catalog, const char *name, gboolean autostart, GError **err);

/* The XML that a client gets. Newly allocated. */
char *catalogDefinitionFormat(const CatalogDefinition *definition);
