/*
 * call_table.c: the calls of a connection without a reply
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "call_table.h"

struct _CallTable {
    GHashTable *entries;        /* serial -> CallEntry */
};


CallTable *
callTableNew(void)
{
    CallTable *table = g_new0(CallTable, 1);

    table->entries = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return table;
}


void
callTableFree(CallTable *table)
{
    GHashTableIter iter;
    void *value;

    if (!table)
        return;

    g_hash_table_iter_init(&iter, table->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const CallEntry *entry = value;

        if (entry->freeOpaque)
            entry->freeOpaque(entry->opaque);
    }
    g_hash_table_unref(table->entries);
    g_free(table);
}


guint
callTableSize(const CallTable *table)
{
    return g_hash_table_size(table->entries);
}


gboolean
callTableHas(const CallTable *table, guint32 serial)
{
    return g_hash_table_contains(table->entries, GUINT_TO_POINTER(serial));
}


CallEntry *
callTableAdd(CallTable *table, const RPCHeader *header)
{
    CallEntry *entry = g_new0(CallEntry, 1);

    entry->program = header->program;
    entry->procedure = header->procedure;
    g_hash_table_insert(table->entries, GUINT_TO_POINTER(header->serial), entry);
    return entry;
}


CallEntry *
callTableFind(const CallTable *table, const RPCHeader *reply)
{
    CallEntry *entry = g_hash_table_lookup(table->entries, GUINT_TO_POINTER(reply->serial));

    if (!entry || entry->program != reply->program || entry->procedure != reply->procedure)
        return NULL;
    return entry;
}


void
callTableRemove(CallTable *table, guint32 serial)
{
    g_hash_table_remove(table->entries, GUINT_TO_POINTER(serial));
}
