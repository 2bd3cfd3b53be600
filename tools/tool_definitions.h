/*
 * tool_definitions.h: definitions for documents that refer to them
 *
 * Read from the disk, without the daemon that keeps them, when the first
 * document asks for one. Nothing is changed there.
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
