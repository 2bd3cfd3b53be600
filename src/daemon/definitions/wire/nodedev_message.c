/*
 * nodedev_message.c: what a connection's process and its parent say about
 * definitions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "nodedev_message.h"
#include "rpc_xdr.h"

#include <string.h>


GByteArray *
nodedevMessageEncode(const NodedevMessage *message)
{
    GByteArray *packet;

    if (message->nameLen > NODEDEV_STRINGS_MAX ||
        message->textLen > NODEDEV_STRINGS_MAX - message->nameLen)
        return NULL;

    packet = g_byte_array_sized_new(64 + message->nameLen + message->textLen);
    rpcWriteU32(packet, message->kind);
    rpcWriteU32(packet, message->serial);
    rpcWriteU32(packet, message->value);
    rpcWriteString(packet, message->name ? message->name : "", message->nameLen);
    rpcWriteString(packet, message->text ? message->text : "", message->textLen);
    return packet;
}


gboolean
nodedevMessageDecode(const guint8 *data, gsize len, NodedevMessage *message)
{
    RPCReader reader;

    if (len > NODEDEV_MESSAGE_MAX)
        return FALSE;

    rpcReaderInit(&reader, data, len);
    return rpcReadU32(&reader, &message->kind) &&
        rpcReadU32(&reader, &message->serial) &&
        rpcReadU32(&reader, &message->value) &&
        rpcReadString(&reader, NODEDEV_STRINGS_MAX, &message->name, &message->nameLen) &&
        rpcReadString(&reader, NODEDEV_STRINGS_MAX, &message->text, &message->textLen) &&
        rpcReaderPosition(&reader) == len;
}


gboolean
nodedevNamesAppend(GByteArray *text, const char *name, guint32 state)
{
    gsize len = strlen(name);

    if (text->len + len + 16 > NODEDEV_STRINGS_MAX)
        return FALSE;

    rpcWriteU32(text, state);
    rpcWriteString(text, name, len);
    return TRUE;
}


gboolean
nodedevNamesNext(const char *text, guint len, guint *offset,
                 const char **name, guint *nameLen, guint32 *state)
{
    RPCReader reader;

    if (*offset >= len)
        return FALSE;

    rpcReaderInit(&reader, text + *offset, len - *offset);
    if (!rpcReadU32(&reader, state) ||
        !rpcReadString(&reader, NODEDEV_STRINGS_MAX, name, nameLen))
        return FALSE;
    *offset += rpcReaderPosition(&reader);
    return TRUE;
}
