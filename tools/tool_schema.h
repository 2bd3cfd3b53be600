/*
 * tool_schema.h: documents against the RELAX NG grammars
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_xml.h"

typedef struct _ToolSchema ToolSchema;

/* Grammars are looked for in DIR (NULL: where they are installed), by the
 * name of the root element; each is loaded once, when it is first needed. */
ToolSchema *toolSchemaNew(const char *dir);
void toolSchemaFree(ToolSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolSchema, toolSchemaFree)

/* Returns TRUE if @doc is valid by its schema, or FALSE with @err set to the first error. */
gboolean toolSchemaValidate(ToolSchema *schema, xmlDocPtr doc, GError **err);
