/*
 * client_table.c: the client processes, and the limits for each user
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "client_table.h"
#include "emulatedpci_error.h"

#include "gettext.h"

#include <signal.h>

#define _(s) gettext(s)

/* A tenth of the connections is reserved for root; each other user can have at most half of
 * them. */
#define CLIENT_ROOT_PART 10
#define CLIENT_USER_PART 2

typedef struct {
    uid_t uid;
    gboolean refusal;
} Client;

struct _ClientTable {
    gboolean shared;
    GHashTable *clients;        /* pid -> Client */
    GHashTable *users;          /* uid -> number of connections, at least 1 */
    guint others;               /* connections of users other than root */
    guint refusals;
};


ClientTable *
clientTableNew(gboolean shared)
{
    ClientTable *table = g_new0(ClientTable, 1);

    table->shared = shared;
    table->clients = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    table->users = g_hash_table_new(NULL, NULL);
    return table;
}


void
clientTableFree(ClientTable *table)
{
    if (!table)
        return;

    g_hash_table_unref(table->clients);
    g_hash_table_unref(table->users);
    g_free(table);
}


static guint
clientTableOf(const ClientTable *table, uid_t uid)
{
    const void *count = g_hash_table_lookup(table->users, GUINT_TO_POINTER(uid));

    return GPOINTER_TO_UINT(count);
}


gboolean
clientTableAdmits(const ClientTable *table, uid_t uid, guint max, GError **err)
{
    guint forOthers = max - MAX(1, max / CLIENT_ROOT_PART);
    guint forUser = MAX(1, max / CLIENT_USER_PART);

    if (!table->shared || uid == 0 || max == 1)
        return TRUE;

    if (clientTableOf(table, uid) >= forUser) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("too many connections: user %1$u has %2$u; a user can have at most "
                                 "half of max_clients, which is %3$u"),
                               uid, clientTableOf(table, uid), max);
        return FALSE;
    }
    if (table->others >= forOthers) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("too many connections: users other than root have %1$u; the rest "
                                 "of max_clients, which is %2$u, is reserved for root"), table->others, max);
        return FALSE;
    }
    return TRUE;
}


static void
clientTableCount(ClientTable *table, uid_t uid, int change)
{
    guint count = clientTableOf(table, uid) + change;

    if (count > 0)
        g_hash_table_insert(table->users, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count));
    else
        g_hash_table_remove(table->users, GUINT_TO_POINTER(uid));
    if (uid != 0)
        table->others += change;
}


void
clientTableAdd(ClientTable *table, pid_t pid, uid_t uid, gboolean refusal)
{
    Client *client = g_new0(Client, 1);

    client->uid = uid;
    client->refusal = refusal;
    g_hash_table_insert(table->clients, GINT_TO_POINTER(pid), client);
    if (refusal)
        table->refusals++;
    else
        clientTableCount(table, uid, 1);
}


gboolean
clientTableRemove(ClientTable *table, pid_t pid)
{
    const Client *client = g_hash_table_lookup(table->clients, GINT_TO_POINTER(pid));

    if (!client)
        return FALSE;

    if (client->refusal)
        table->refusals--;
    else
        clientTableCount(table, client->uid, -1);
    g_hash_table_remove(table->clients, GINT_TO_POINTER(pid));
    return TRUE;
}


guint
clientTableSize(const ClientTable *table)
{
    return g_hash_table_size(table->clients) - table->refusals;
}


guint
clientTableRefusals(const ClientTable *table)
{
    return table->refusals;
}


gboolean
clientTableIsEmpty(const ClientTable *table)
{
    return g_hash_table_size(table->clients) == 0;
}


void
clientTableKill(const ClientTable *table, int sig)
{
    GHashTableIter iter;
    void *pid;

    g_hash_table_iter_init(&iter, table->clients);
    while (g_hash_table_iter_next(&iter, &pid, NULL))
        kill(GPOINTER_TO_INT(pid), sig);
}
