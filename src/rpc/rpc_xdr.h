/*
 * rpc_xdr.h: reading and writing XDR in memory
 *
 * Reading returns pointers into the data in place of copies; writing appends to a GByteArray.
 * Every function checks the end of the data, and returns FALSE without changing the reader's
 * position if the data is malformed. Source of the encoding: RFC 4506.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct {
    const guint8 *data;
    guint size;
    guint position;             /* bytes read so far */
} RPCReader;

/**
 * rpcReaderInit:
 * @reader: filled in
 * @data: the data, which must exist as long as the reader
 * @size: its size, in bytes
 */
void rpcReaderInit(RPCReader *reader, const void *data, guint size);

/* Returns the number of bytes that were read. */
guint rpcReaderPosition(const RPCReader *reader);

gboolean rpcReadU32(RPCReader *reader, guint32 *value);
gboolean rpcReadI32(RPCReader *reader, gint32 *value);
gboolean rpcReadU64(RPCReader *reader, guint64 *value);

/* Reads @size bytes and their padding; @data is set to a pointer into the reader's data. */
gboolean rpcReadFixed(RPCReader *reader, guint size, const guint8 **data);

/* Reads a counted string or opaque data of at most @max bytes; @data is set to a pointer into the
 * reader's data, which is not NUL-terminated. */
gboolean rpcReadString(RPCReader *reader, guint max, const char **data, guint *len);

/* The same for an optional string; @data is set to NULL if there is none. */
gboolean rpcReadOptString(RPCReader *reader, guint max, const char **data, guint *len);

void rpcWriteU32(GByteArray *out, guint32 value);
void rpcWriteI32(GByteArray *out, gint32 value);
void rpcWriteFixed(GByteArray *out, const void *data, guint size);
void rpcWriteString(GByteArray *out, const char *data, guint len);

/* Writes an optional string; @data is NULL if there is none. */
void rpcWriteOptString(GByteArray *out, const char *data, guint len);
