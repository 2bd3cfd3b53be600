/*
 * rpc_xdr.c: reading and writing XDR in memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_frame.h"
#include "rpc_xdr.h"

#include <string.h>

/* The unit of XDR: all data is padded to a multiple of it (RFC 4506, 3). */
#define RPC_XDR_ROUND(n) (((n) + 3u) & ~3u)


void
rpcReaderInit(RPCReader *reader, const void *data, guint size)
{
    reader->data = data;
    reader->size = size;
    reader->position = 0;
}


guint
rpcReaderPosition(const RPCReader *reader)
{
    return reader->position;
}


static gboolean
rpcReaderRewind(RPCReader *reader, guint position)
{
    reader->position = position;
    return FALSE;
}


gboolean
rpcReadU32(RPCReader *reader, guint32 *value)
{
    const guint8 *bytes;

    if (!rpcReadFixed(reader, sizeof(*value), &bytes))
        return FALSE;
    *value = rpcGetU32(bytes);
    return TRUE;
}


gboolean
rpcReadI32(RPCReader *reader, gint32 *value)
{
    guint32 word;

    if (!rpcReadU32(reader, &word))
        return FALSE;
    *value = (gint32) word;
    return TRUE;
}


gboolean
rpcReadU64(RPCReader *reader, guint64 *value)
{
    guint start = rpcReaderPosition(reader);
    guint32 high;
    guint32 low;

    if (!rpcReadU32(reader, &high) || !rpcReadU32(reader, &low))
        return rpcReaderRewind(reader, start);

    *value = (guint64) high << 32 | low;
    return TRUE;
}


gboolean
rpcReadFixed(RPCReader *reader, guint size, const guint8 **data)
{
    const guint left = reader->size - reader->position;

    /* The size is compared before it is rounded, because rounding can overflow. */
    if (size > left || RPC_XDR_ROUND(size) > left)
        return FALSE;

    *data = reader->data + reader->position;
    reader->position += RPC_XDR_ROUND(size);
    return TRUE;
}


gboolean
rpcReadString(RPCReader *reader, guint max, const char **data, guint *len)
{
    guint start = rpcReaderPosition(reader);
    const guint8 *bytes;
    guint32 size;

    if (!rpcReadU32(reader, &size))
        return FALSE;

    if (size > max || !rpcReadFixed(reader, size, &bytes))
        return rpcReaderRewind(reader, start);

    *data = (const char *) bytes;
    *len = size;
    return TRUE;
}


gboolean
rpcReadOptString(RPCReader *reader, guint max, const char **data, guint *len)
{
    guint start = rpcReaderPosition(reader);
    guint32 present;

    if (!rpcReadU32(reader, &present))
        return FALSE;

    if (present == 0) {
        *data = NULL;
        *len = 0;
        return TRUE;
    }

    if (present != 1 || !rpcReadString(reader, max, data, len))
        return rpcReaderRewind(reader, start);

    return TRUE;
}


void
rpcWriteU32(GByteArray *out, guint32 value)
{
    guint8 buf[4];

    rpcPutU32(buf, value);
    g_byte_array_append(out, buf, sizeof(buf));
}


void
rpcWriteI32(GByteArray *out, gint32 value)
{
    rpcWriteU32(out, (guint32) value);
}


void
rpcWriteFixed(GByteArray *out, const void *data, guint size)
{
    static const guint8 zero[4];

    g_byte_array_append(out, data, size);
    g_byte_array_append(out, zero, RPC_XDR_ROUND(size) - size);
}


void
rpcWriteString(GByteArray *out, const char *data, guint len)
{
    rpcWriteU32(out, len);
    rpcWriteFixed(out, data, len);
}


void
rpcWriteOptString(GByteArray *out, const char *data, guint len)
{
    rpcWriteU32(out, data ? 1 : 0);
    if (data)
        rpcWriteString(out, data, len);
}
