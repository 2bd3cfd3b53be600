/*
 * call_table.h: the calls of a connection without a reply
 *
 * Each call of the client or of the relay has an entry until its reply arrives. A reply belongs to
 * a call only if program, procedure and serial are equal, because the client chooses the serial.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "procedures.h"
#include "relay_port.h"
#include "rpc_frame.h"

#include <glib.h>

/* The maximum number of entries. Without a limit, a client that sends calls faster than libvirtd
 * answers would make the table grow. */
#define CALL_TABLE_MAX 4096

typedef struct _CallTable CallTable;

typedef struct {
    guint32 program;
    guint32 procedure;
    const Procedure *proc;      /* the procedure of the client's call, or NULL */
    gboolean readonly;          /* for CONNECT_OPEN: the client requests a read-only connection */
    RelayReplyFunc func;        /* for a call of the relay */
    void *opaque;               /* for func */
    GDestroyNotify freeOpaque;  /* frees opaque if there is no reply; or NULL */
} CallEntry;

/**
 * callTableNew:
 *
 * Returns an empty table, to be freed with callTableFree(). Never NULL.
 */
CallTable *callTableNew(void);

/**
 * callTableFree:
 * @table: the table, or NULL
 *
 * Frees the table, and the data of calls that have no reply.
 */
void callTableFree(CallTable *table);

/**
 * callTableSize:
 * @table: the table
 *
 * Returns the number of calls without a reply.
 */
guint callTableSize(const CallTable *table);

/**
 * callTableHas:
 * @table: the table
 * @serial: the serial of a call
 *
 * Returns whether a call of that serial, whatever it is, has no reply yet.
 */
gboolean callTableHas(const CallTable *table, guint32 serial);

/**
 * callTableAdd:
 * @table: the table
 * @header: the header of a call whose serial the table does not have
 *
 * Returns the new entry, with program and procedure set. It stays the table's.
 */
CallEntry *callTableAdd(CallTable *table, const RPCHeader *header);

/**
 * callTableFind:
 * @table: the table
 * @reply: the header of a reply
 *
 * Returns the entry of the call that it answers, or NULL. It stays the table's.
 */
CallEntry *callTableFind(const CallTable *table, const RPCHeader *reply);

/**
 * callTableRemove:
 * @table: the table
 * @serial: the serial of a call that has its reply now
 *
 * Its opaque is not freed.
 */
void callTableRemove(CallTable *table, guint32 serial);
