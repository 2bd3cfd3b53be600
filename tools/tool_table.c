/*
 * tool_table.c: tables on standard output
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool.h"
#include "tool_table.h"

struct _ToolTable {
    gsize columns;
    GPtrArray *rows;            /* of char **, each with a cell for each column */
};


static void
freeRow(void *row)
{
    g_strfreev(row);
}


ToolTable *
toolTableNew(const char *const *titles, gsize columns)
{
    ToolTable *table = g_new0(ToolTable, 1);
    char **row = g_new0(char *, columns + 1);
    gsize i;

    for (i = 0; i < columns; i++)
        row[i] = g_strdup(_(titles[i]));
    table->columns = columns;
    table->rows = g_ptr_array_new_with_free_func(freeRow);
    g_ptr_array_add(table->rows, row);
    return table;
}


void
toolTableAdd(ToolTable *table, char **cells)
{
    g_ptr_array_add(table->rows, cells);
}


void
toolTableFormat(const ToolTable *table, GString *out)
{
    g_autofree glong *widths = g_new0(glong, table->columns);
    gsize column;
    guint i;

    for (i = 0; i < table->rows->len; i++) {
        char *const *row = g_ptr_array_index(table->rows, i);

        for (column = 0; column < table->columns; column++)
            widths[column] = MAX(widths[column], g_utf8_strlen(row[column], -1));
    }

    for (i = 0; i < table->rows->len; i++) {
        char *const *row = g_ptr_array_index(table->rows, i);

        for (column = 0; column + 1 < table->columns; column++) {
            const glong padding = widths[column] - g_utf8_strlen(row[column], -1) + 2;

            g_string_append_printf(out, "%s%*s", row[column], (int) padding, "");
        }
        g_string_append_printf(out, "%s\n", row[column]);
    }
}


void
toolTableFree(ToolTable *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->rows);
    g_free(table);
}
