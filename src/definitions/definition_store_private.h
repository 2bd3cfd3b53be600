/*
 * definition_store_private.h: parts of the definitions store that its files share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_store.h"

struct _DefinitionStore {
    GHashTable *byName;     /* -> StoredDefinition, which it owns */
    GHashTable *byUUID;     /* -> StoredDefinition */
    char *dir;              /* or NULL */
    gboolean readOnly;
};

/* --- definition_store.c --- */

/**
 * definitionStoreRequire:
 * @store: a store
 * @nameOrUUID: the name or UUID of a definition
 * @err: set to VIR_ERR_NO_NODE_DEVICE; the message names the existing definitions
 *
 * Returns the definition, which belongs to @store, or NULL with @err set.
 */
StoredDefinition *definitionStoreRequire(const DefinitionStore *store,
                                         const char *nameOrUUID,
                                         GError **err);

/**
 * storedDefinitionView:
 * @definition: a definition
 *
 * Returns the definition in the form that is written to disk. Its strings and fields belong to
 * @definition.
 */
EmulatedPCIDefinition storedDefinitionView(const StoredDefinition *definition);

/**
 * definitionStoreMakeUUID:
 * @definition: a definition, whose uuid is set
 *
 * Generates a random UUID.
 */
void definitionStoreMakeUUID(EmulatedPCIDefinition *definition);

/**
 * definitionStoreFileName:
 * @name: the name of a definition
 *
 * Returns the name of its file, to be freed with g_free().
 */
char *definitionStoreFileName(const char *name);

/**
 * definitionStoreCheckWritable:
 * @store: a store
 * @err: set to VIR_ERR_OPERATION_UNSUPPORTED
 *
 * Returns TRUE, or FALSE with @err set if definitions cannot be stored on disk.
 */
gboolean definitionStoreCheckWritable(const DefinitionStore *store, GError **err);

/**
 * definitionStoreSave:
 * @store: a store
 * @definition: a complete definition
 * @err: set to VIR_ERR_XML_ERROR if it is too long, to VIR_ERR_OPERATION_UNSUPPORTED if definitions
 *       cannot be stored, or to VIR_ERR_SYSTEM_ERROR if the file cannot be written
 *
 * Writes a definition to disk.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean definitionStoreSave(const DefinitionStore *store,
                             const EmulatedPCIDefinition *definition,
                             GError **err);

/**
 * definitionStoreAdd:
 * @store: a store
 * @old: the definition that is replaced, or NULL
 * @from: the new definition, whose content is moved
 *
 * Adds a definition to those in memory, or replaces the content of one.
 *
 * Returns the definition, which belongs to @store.
 */
StoredDefinition *definitionStoreAdd(DefinitionStore *store,
                                     StoredDefinition *old,
                                     EmulatedPCIDefinition *from);

/**
 * definitionStoreRemove:
 * @store: a store
 * @definition: one of its definitions, which is freed
 *
 * Removes a definition from those in memory.
 */
void definitionStoreRemove(DefinitionStore *store, StoredDefinition *definition);
