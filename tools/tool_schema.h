/*
 * tool_schema.h: documents against the RELAX NG grammars
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_xml.h"

typedef struct _ToolSchema ToolSchema;

/**
 * toolSchemaNew:
 * @dir: the directory of the schemas, which is copied; NULL: the installed one
 *
 * Returns a set of schemas, to be freed with toolSchemaFree(). Each schema is loaded when it is
 * used for the first time. Never NULL.
 */
ToolSchema *toolSchemaNew(const char *dir);

/**
 * toolSchemaFree:
 * @schema: the schemas
 *
 * Frees the schemas.
 */
void toolSchemaFree(ToolSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolSchema, toolSchemaFree)

/**
 * toolSchemaValidate:
 * @schema: the schemas
 * @doc: a document, whose root element selects the schema
 * @err: set to VIR_ERR_XML_INVALID_SCHEMA with the first errors if it is not valid, or to another
 *       error if the schema cannot be loaded
 *
 * Validates a document.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean toolSchemaValidate(ToolSchema *schema, xmlDocPtr doc, GError **err);
