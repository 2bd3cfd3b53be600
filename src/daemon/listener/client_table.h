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

/* The maximum number of processes that only tell a client that it cannot be served. More clients
 * are disconnected without an error message. */
#define CLIENT_REFUSALS_MAX 16

typedef struct _ClientTable ClientTable;

/**
 * clientTableNew:
 * @shared: whether several users share the daemon
 *
 * Returns an empty table, to be freed with clientTableFree(). Never NULL.
 */
ClientTable *clientTableNew(gboolean shared);

/**
 * clientTableFree:
 * @table: the table, or NULL
 *
 * Frees the table. The processes continue.
 */
void clientTableFree(ClientTable *table);

/**
 * clientTableAdmits:
 * @table: the table
 * @uid: of a new client
 * @max: connections that the daemon takes
 * @err: set to VIR_ERR_OPERATION_FAILED if it is not admitted
 *
 * Returns whether the client may have a connection.
 */
gboolean clientTableAdmits(const ClientTable *table, uid_t uid, guint max, GError **err);

/**
 * clientTableAdd:
 * @table: the table
 * @pid: the ID of the process
 * @uid: the user of the client that it serves
 * @refusal: whether it only tells a client that it cannot be served
 *
 * Adds a process to the table.
 */
void clientTableAdd(ClientTable *table, pid_t pid, uid_t uid, gboolean refusal);

/**
 * clientTableRemove:
 * @table: the table
 * @pid: the ID of a process that has been reaped
 *
 * Removes a process from the table.
 *
 * Returns TRUE if it was in the table.
 */
gboolean clientTableRemove(ClientTable *table, pid_t pid);

/**
 * clientTableSize:
 * @table: the table
 *
 * Returns the number of processes that serve a client.
 */
guint clientTableSize(const ClientTable *table);

/**
 * clientTableRefusals:
 * @table: the table
 *
 * Returns the number of processes that only tell a client that it cannot be served.
 */
guint clientTableRefusals(const ClientTable *table);

/**
 * clientTableIsEmpty:
 * @table: the table
 *
 * Returns TRUE if there is no process of either kind.
 */
gboolean clientTableIsEmpty(const ClientTable *table);

/**
 * clientTableKill:
 * @table: the table
 * @sig: the number of a signal
 *
 * Sends a signal to all processes in the table.
 */
void clientTableKill(const ClientTable *table, int sig);
