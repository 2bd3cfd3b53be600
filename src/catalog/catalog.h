/*
 * catalog.h: definitions of emulated PCI devices
 *
 * A catalog contains the built-in definitions, which cannot be changed, the definitions
 * on disk, and transient ones, which exist until the program exits. A directory is used
 * by one program at a time, with one Catalog in one thread. The caller has to check
 * whether a domain uses a definition.
 *
 * All definitions are also kept in memory. A definition is synchronized to disk before a
 * function returns success.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_definition.h"

#include <glib.h>

/* The maximum number of definitions, including built-in ones */
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

/**
 * catalogNew:
 *
 * Returns an empty catalog without a directory, to be freed with catalogFree(). Never NULL.
 */
Catalog *catalogNew(void);

/**
 * catalogSetReadOnly:
 * @catalog: a catalog
 *
 * Prevents changes on disk: damaged files are not renamed, and definitions cannot be stored.
 */
void catalogSetReadOnly(Catalog *catalog);

/**
 * catalogLoad:
 * @catalog: a catalog
 * @builtinDir: the directory of built-in definitions, or NULL; it need not exist
 * @dir: the directory in which definitions are stored, or NULL; it need not exist
 * @err: return location for an error
 *
 * Loads every NAME.xml of the two directories.
 *
 * A damaged file in @dir (without a definition of that name, or with a UUID that is already
 * used) is reported with g_warning() and renamed to NAME.xml.damaged, with .1, .2 … appended
 * if that exists. A file that cannot be read is only reported.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_SYSTEM_ERROR if a directory cannot be read.
 */
gboolean catalogLoad(Catalog *catalog, const char *builtinDir, const char *dir, GError **err);

void catalogFree(Catalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalog, catalogFree)

/* The functions below return pointers into the catalog, which are valid until its next
 * change. */

/**
 * catalogFind:
 * @catalog: a catalog
 * @nameOrUUID: the name or UUID of a definition
 *
 * Returns the definition, or NULL if it does not exist.
 */
const CatalogDefinition *catalogFind(const Catalog *catalog, const char *nameOrUUID);

/**
 * catalogResolve:
 * @nameOrUUID: the name or UUID of a definition
 * @opaque: a Catalog
 * @err: return location for an error
 *
 * The callback for ProjectionOptions.definition.
 *
 * Returns the fields of the active definition, or NULL with @err set to
 * VIR_ERR_NO_NODE_DEVICE; the message names the existing definitions.
 */
const EmulatedPCIDef *catalogResolve(const char *nameOrUUID, void *opaque, GError **err);

/**
 * catalogList:
 * @catalog: a catalog
 *
 * Returns all definitions (CatalogDefinition), sorted by name. The caller frees only the array.
 */
GPtrArray *catalogList(const Catalog *catalog);

/**
 * catalogDefine, catalogCreate:
 * @catalog: a catalog
 * @xml: the document of a definition
 * @len: its length in bytes
 * @created: set to whether the definition is new, or NULL
 * @err: return location for an error
 *
 * Adds a definition. Missing fields are copied from its basis, and a missing name is derived
 * from devicename.
 *
 * catalogDefine() stores it on disk. It replaces a definition of the same name (and UUID, if
 * one is given), and keeps its UUID, its autostart and whether it is active; a new definition
 * is active. catalogCreate() keeps it only in memory.
 *
 * Returns the definition, or NULL with @err set: to VIR_ERR_XML_ERROR or
 * VIR_ERR_CONFIG_UNSUPPORTED for an invalid document, VIR_ERR_NO_NODE_DEVICE if the basis does
 * not exist, VIR_ERR_OPERATION_FAILED if the name or UUID belongs to another definition,
 * VIR_ERR_OPERATION_DENIED if the name belongs to a built-in one, or VIR_ERR_SYSTEM_ERROR if
 * the file cannot be written. The catalog is unchanged in this case. However, after a disk error
 * the new definition may exist when the catalog is loaded again.
 */
const CatalogDefinition *catalogDefine(Catalog *catalog, const char *xml, gsize len,
                                       gboolean *created, GError **err);
const CatalogDefinition *catalogCreate(Catalog *catalog, const char *xml, gsize len, GError **err);

/**
 * catalogUndefine, catalogDestroy, catalogStart, catalogSetAutostart:
 * @catalog: a catalog
 * @name: the name or UUID of a definition
 * @autostart: whether the definition is active when the catalog is loaded
 * @err: return location for an error
 *
 * catalogUndefine() removes a definition from disk and memory. catalogDestroy() makes it
 * inactive, or removes it if it is transient. catalogStart() makes it active.
 *
 * Returns TRUE, or FALSE with @err set: to VIR_ERR_NO_NODE_DEVICE if it does not exist,
 * VIR_ERR_OPERATION_DENIED if it is built in, VIR_ERR_OPERATION_INVALID if it is in the wrong
 * state, or VIR_ERR_SYSTEM_ERROR if the disk cannot be changed.
 */
gboolean catalogUndefine(Catalog *catalog, const char *name, GError **err);
gboolean catalogDestroy(Catalog *catalog, const char *name, GError **err);
gboolean catalogStart(Catalog *catalog, const char *name, GError **err);
gboolean catalogSetAutostart(Catalog *catalog, const char *name, gboolean autostart, GError **err);

/**
 * catalogDefinitionFormat:
 * @definition: a definition
 *
 * Returns its XML for clients, to be freed with g_free().
 */
char *catalogDefinitionFormat(const CatalogDefinition *definition);
