/*
 * client_table.h: the client processes, and the limits for each user
 *
 * One user cannot use all connections of a system daemon: a tenth of them is reserved for root, and
 * each other user can have at most half of them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

/* Processes at once that only tell a client that it cannot be served. More clients are
 * disconnected without a word. */
#define CLIENT_REFUSALS_MAX 16

typedef struct _ClientTable ClientTable;

/* clientTableNew:
 * @shared: whether several users share the daemon
 *
 * Returns an empty table. */
ClientTable *clientTableNew(gboolean shared);
void clientTableFree(ClientTable *table);

/* clientTableAdmits:
 * @table: the table
 * @uid: of a new client
 * @max: connections that the daemon takes
 * @err: set to VIR_ERR_OPERATION_FAILED if it is not admitted
 *
 * Returns whether the client may have a connection. */
gboolean clientTableAdmits(const ClientTable *table, uid_t uid, guint max, GError **err);

/* clientTableAdd:
 * @table: the table
 * @pid: the process
 * @uid: whom it serves
 * @refusal: whether it only tells a client that it cannot be served */
void clientTableAdd(ClientTable *table, pid_t pid, uid_t uid, gboolean refusal);

/* Returns whether PID was in the table; it is not any more. */
gboolean clientTableRemove(ClientTable *table, pid_t pid);

/* Connections, and processes that refuse one. */
guint clientTableSize(const ClientTable *table);
guint clientTableRefusals(const ClientTable *table);

/* Returns whether there is no process at all. */
gboolean clientTableIsEmpty(const ClientTable *table);

/* Sends SIG to all processes. */
void clientTableKill(const ClientTable *table, int sig);
