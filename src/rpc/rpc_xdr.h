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

/**
 * rpcReaderPosition:
 * @reader: the reader
 *
 * Returns the number of bytes that were read.
 */
guint rpcReaderPosition(const RPCReader *reader);

/**
 * rpcReadU32:
 * @reader: the reader
 * @value: set to the number
 *
 * Reads an unsigned integer (RFC 4506, 4.2).
 *
 * Returns FALSE, and does not move, if the data is too short.
 */
gboolean rpcReadU32(RPCReader *reader, guint32 *value);

/**
 * rpcReadI32:
 * @reader: the reader
 * @value: set to the number
 *
 * Reads an integer (RFC 4506, 4.1).
 *
 * Returns FALSE, and does not move, if the data is too short.
 */
gboolean rpcReadI32(RPCReader *reader, gint32 *value);

/**
 * rpcReadU64:
 * @reader: the reader
 * @value: set to the number
 *
 * Reads an unsigned hyper integer (RFC 4506, 4.5).
 *
 * Returns FALSE, and does not move, if the data is too short.
 */
gboolean rpcReadU64(RPCReader *reader, guint64 *value);

/**
 * rpcReadFixed:
 * @reader: the reader
 * @size: the number of bytes
 * @data: set to the bytes, which point into the reader's data
 *
 * Reads opaque data of fixed length, with its padding (RFC 4506, 4.9).
 *
 * Returns FALSE, and does not move, if the data is too short.
 */
gboolean rpcReadFixed(RPCReader *reader, guint size, const guint8 **data);

/**
 * rpcReadString:
 * @reader: the reader
 * @max: the maximum length, in bytes
 * @data: set to the string, which points into the reader's data and is not terminated
 * @len: set to its length, in bytes
 *
 * Reads a string or opaque data of variable length (RFC 4506, 4.10 and 4.11).
 *
 * Returns FALSE, and does not move, if the data is too short or the string is too long.
 */
gboolean rpcReadString(RPCReader *reader, guint max, const char **data, guint *len);

/**
 * rpcReadOptString:
 * @reader: the reader
 * @max: the maximum length, in bytes
 * @data: set to the string, which points into the reader's data and is not terminated, or to NULL
 * @len: set to its length, in bytes, or to 0
 *
 * Reads an optional string (RFC 4506, 4.11 and 4.19).
 *
 * Returns FALSE, and does not move, if the data is malformed or too short or the string is too
 * long.
 */
gboolean rpcReadOptString(RPCReader *reader, guint max, const char **data, guint *len);

/**
 * rpcWriteU32:
 * @out: the data is appended to it
 * @value: the number
 *
 * Writes an unsigned integer (RFC 4506, 4.2).
 */
void rpcWriteU32(GByteArray *out, guint32 value);

/**
 * rpcWriteI32:
 * @out: the data is appended to it
 * @value: the number
 *
 * Writes an integer (RFC 4506, 4.1).
 */
void rpcWriteI32(GByteArray *out, gint32 value);

/**
 * rpcWriteFixed:
 * @out: the data is appended to it
 * @data: the bytes
 * @size: their number
 *
 * Writes opaque data of fixed length, with its padding (RFC 4506, 4.9).
 */
void rpcWriteFixed(GByteArray *out, const void *data, guint size);

/**
 * rpcWriteString:
 * @out: the data is appended to it
 * @data: the string
 * @len: its length, in bytes
 *
 * Writes a string or opaque data of variable length (RFC 4506, 4.10 and 4.11).
 */
void rpcWriteString(GByteArray *out, const char *data, guint len);

/**
 * rpcWriteOptString:
 * @out: the data is appended to it
 * @data: the string, or NULL
 * @len: its length, in bytes
 *
 * Writes an optional string (RFC 4506, 4.11 and 4.19).
 */
void rpcWriteOptString(GByteArray *out, const char *data, guint len);
