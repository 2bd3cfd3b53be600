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

/* All zeroes at first. */
typedef struct {
    char *dir;              /* of --definitions; NULL: the built-in and the system's ones */
    struct _DefinitionStore *store;
} ToolDefinitions;

/* For ProjectionOptions; OPAQUE is the ToolDefinitions. */
const EmulatedPCIDef *toolDefinitionsFind(const char *name, void *opaque, GError **err);

void toolDefinitionsClear(ToolDefinitions *definitions);
