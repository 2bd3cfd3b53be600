/*
 * rpc_xdr.h: reading and writing XDR in memory
 *
 * A thin layer over libtirpc's xdrmem that gives out pointers into the data
 * instead of copies, and appends to a GByteArray. Every function checks
 * against the end of the data; after a failure a reader stays where it was.
 * Source of the encoding: RFC 4506.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <rpc/types.h>
#include <rpc/xdr.h>

typedef struct {
    XDR xdr;
    guint size;
} RPCReader;

/* Reads SIZE bytes at DATA, which must outlive the reader and begin at a
 * multiple of four (GByteArray's and malloc()'s memory does). */
void rpcReaderInit(RPCReader *reader, const void *data, guint size);

/* Bytes read so far. */
guint rpcReaderPosition(RPCReader *reader);

gboolean rpcReadU32(RPCReader *reader, guint32 *value);
gboolean rpcReadI32(RPCReader *reader, gint32 *value);
gboolean rpcReadU64(RPCReader *reader, guint64 *value);

/* SIZE bytes and their padding; DATA points into the reader's data. */
gboolean rpcReadFixed(RPCReader *reader, guint size, const guint8 **data);

/* A counted string (or opaque) of at most MAX bytes. DATA points into the
 * reader's data and is not terminated. */
gboolean rpcReadString(RPCReader *reader, guint max, const char **data, guint *len);

/* The same where there may be none: DATA is NULL then. */
gboolean rpcReadOptString(RPCReader *reader, guint max, const char **data, guint *len);

void rpcWriteU32(GByteArray *out, guint32 value);
void rpcWriteI32(GByteArray *out, gint32 value);
void rpcWriteFixed(GByteArray *out, const void *data, guint size);
void rpcWriteString(GByteArray *out, const char *data, guint len);

/* DATA may be NULL, for none. */
void rpcWriteOptString(GByteArray *out, const char *data, guint len);
