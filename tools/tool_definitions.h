/*
 * tool_definitions.h: definitions for documents that refer to them
 *
 * They are read from disk, without the daemon, when a document first refers to one. They are not
 * changed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

/* All members must be zero at first. */
typedef struct {
    char *dir;              /* of --definitions; NULL: the built-in and the system's ones */
    struct _DefinitionStore *store;
} ToolDefinitions;

/**
 * toolDefinitionsFind:
 * @name: the name or UUID of a definition
 * @opaque: the ToolDefinitions
 * @err: set on failure
 *
 * For ProjectionOptions.definition. Loads the definitions when it is called for the first time.
 *
 * Returns the fields of the definition, which belong to the ToolDefinitions, or NULL with @err
 * set.
 */
const EmulatedPCIDef *toolDefinitionsFind(const char *name, void *opaque, GError **err);

/**
 * toolDefinitionsClear:
 * @definitions: the definitions
 *
 * Frees the directory and the loaded definitions. The struct itself belongs to the caller.
 */
void toolDefinitionsClear(ToolDefinitions *definitions);
