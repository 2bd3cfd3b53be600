/*
 * definition_store.h: the definitions of emulated PCI devices, in memory and on disk
 *
 * A store contains the built-in definitions, which cannot be changed, the definitions
 * on disk, and transient ones, which exist until the program exits. A directory is used
 * by one program at a time, with one DefinitionStore in one thread. The caller has to check
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
#define DEFINITION_STORE_MAX 4096

typedef struct {
    char *name;
    char uuid[EMULATED_PCI_UUID_LEN + 1];
    char *description;      /* or NULL */
    gboolean builtIn;       /* persistent and active, always */
    gboolean persistent;    /* on disk */
    gboolean active;        /* may be used */
    gboolean autostart;     /* active when the store is loaded */
    EmulatedPCIDef *def;    /* the twelve fields; its definition is the name */
} StoredDefinition;

typedef struct _DefinitionStore DefinitionStore;

/**
 * definitionStoreNew:
 *
 * Returns an empty store without a directory, to be freed with definitionStoreFree(). Never NULL.
 */
DefinitionStore *definitionStoreNew(void);

/**
 * definitionStoreSetReadOnly:
 * @store: a store
 *
 * Prevents changes on disk: damaged files are not renamed, and definitions cannot be stored.
 */
void definitionStoreSetReadOnly(DefinitionStore *store);

/**
 * definitionStoreLoad:
 * @store: a store
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
gboolean definitionStoreLoad(DefinitionStore *store, const char *builtinDir, const char *dir,
                             GError **err);

/**
 * definitionStoreFree:
 * @store: a store, or NULL
 *
 * Frees the store. The files remain.
 */
void definitionStoreFree(DefinitionStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionStore, definitionStoreFree)

/* The functions below return pointers into the store, which are valid until its next
 * change. */

/**
 * definitionStoreFind:
 * @store: a store
 * @nameOrUUID: the name or UUID of a definition
 *
 * Returns the definition, or NULL if it does not exist.
 */
const StoredDefinition *definitionStoreFind(const DefinitionStore *store, const char *nameOrUUID);

/**
 * definitionStoreResolve:
 * @nameOrUUID: the name or UUID of a definition
 * @opaque: a DefinitionStore
 * @err: return location for an error
 *
 * The callback for ProjectionOptions.definition.
 *
 * Returns the fields of the active definition, or NULL with @err set to
 * VIR_ERR_NO_NODE_DEVICE; the message names the existing definitions.
 */
const EmulatedPCIDef *definitionStoreResolve(const char *nameOrUUID, void *opaque, GError **err);

/**
 * definitionStoreList:
 * @store: a store
 *
 * Returns all definitions (StoredDefinition), sorted by name. The caller frees only the array.
 */
GPtrArray *definitionStoreList(const DefinitionStore *store);

/**
 * definitionStoreDefine, definitionStoreCreate:
 * @store: a store
 * @xml: the document of a definition
 * @len: its length in bytes
 * @created: set to whether the definition is new, or NULL
 * @err: return location for an error
 *
 * Adds a definition. Missing fields are copied from its basis, and a missing name is derived
 * from devicename.
 *
 * definitionStoreDefine() stores it on disk. It replaces a definition of the same name (and UUID,
 * if one is given), and keeps its UUID, its autostart and whether it is active; a new definition
 * is active. definitionStoreCreate() keeps it only in memory.
 *
 * Returns the definition, or NULL with @err set: to VIR_ERR_XML_ERROR or
 * VIR_ERR_CONFIG_UNSUPPORTED for an invalid document, VIR_ERR_NO_NODE_DEVICE if the basis does
 * not exist, VIR_ERR_OPERATION_FAILED if the name or UUID belongs to another definition,
 * VIR_ERR_OPERATION_DENIED if the name belongs to a built-in one, or VIR_ERR_SYSTEM_ERROR if
 * the file cannot be written. The store is unchanged in this case. However, after a disk error
 * the new definition may exist when the store is loaded again.
 */
const StoredDefinition *definitionStoreDefine(DefinitionStore *store, const char *xml, gsize len,
                                              gboolean *created, GError **err);
const StoredDefinition *definitionStoreCreate(DefinitionStore *store, const char *xml, gsize len,
                                              GError **err);

/**
 * definitionStoreUndefine, definitionStoreDestroy, definitionStoreStart,
 * definitionStoreSetAutostart:
 * @store: a store
 * @name: the name or UUID of a definition
 * @autostart: whether the definition is active when the store is loaded
 * @err: return location for an error
 *
 * definitionStoreUndefine() removes a definition from disk and memory. definitionStoreDestroy()
 * makes it inactive, or removes it if it is transient. definitionStoreStart() makes it active.
 *
 * Returns TRUE, or FALSE with @err set: to VIR_ERR_NO_NODE_DEVICE if it does not exist,
 * VIR_ERR_OPERATION_DENIED if it is built in, VIR_ERR_OPERATION_INVALID if it is in the wrong
 * state, or VIR_ERR_SYSTEM_ERROR if the disk cannot be changed.
 */
gboolean definitionStoreUndefine(DefinitionStore *store, const char *name, GError **err);
gboolean definitionStoreDestroy(DefinitionStore *store, const char *name, GError **err);
gboolean definitionStoreStart(DefinitionStore *store, const char *name, GError **err);
gboolean definitionStoreSetAutostart(DefinitionStore *store, const char *name, gboolean autostart,
                                     GError **err);

/**
 * storedDefinitionFormat:
 * @definition: a definition
 *
 * Returns its XML for clients, to be freed with g_free().
 */
char *storedDefinitionFormat(const StoredDefinition *definition);
