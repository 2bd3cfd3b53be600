/*
 * tool_table.h: tables on standard output
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A table; the cells of a column are aligned to the left. */
typedef struct _ToolTable ToolTable;

/**
 * toolTableNew:
 * @titles: the titles of the columns, which are translated
 * @columns: their number
 *
 * Returns a table with a row of titles, to be freed with toolTableFree().
 */
ToolTable *toolTableNew(const char *const *titles, gsize columns);

/**
 * toolTableAdd:
 * @table: a table
 * @cells: a string for each column, and NULL; the table takes ownership
 *
 * Adds a row.
 */
void toolTableAdd(ToolTable *table, char **cells);

/**
 * toolTableFormat:
 * @table: a table
 * @out: the rows are appended to it; columns are separated by two spaces
 */
void toolTableFormat(const ToolTable *table, GString *out);

/**
 * toolTableFree:
 * @table: a table, or NULL
 *
 * Frees the table.
 */
void toolTableFree(ToolTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolTable, toolTableFree)
