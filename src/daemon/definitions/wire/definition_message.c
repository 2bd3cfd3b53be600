/*
 * definition_message.c: messages about definitions between a connection process and the listener
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_message.h"
#include "rpc_xdr.h"

#include <string.h>


GByteArray *
definitionMessageEncode(const DefinitionMessage *message)
{
    GByteArray *packet;

    if (message->nameLen > DEFINITION_STRINGS_MAX ||
        message->textLen > DEFINITION_STRINGS_MAX - message->nameLen)
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
definitionMessageDecode(const guint8 *data, gsize len, DefinitionMessage *message)
{
    RPCReader reader;

    if (len > DEFINITION_MESSAGE_MAX)
        return FALSE;

    rpcReaderInit(&reader, data, len);
    return rpcReadU32(&reader, &message->kind) &&
        rpcReadU32(&reader, &message->serial) &&
        rpcReadU32(&reader, &message->value) &&
        rpcReadString(&reader, DEFINITION_STRINGS_MAX, &message->name, &message->nameLen) &&
        rpcReadString(&reader, DEFINITION_STRINGS_MAX, &message->text, &message->textLen) &&
        rpcReaderPosition(&reader) == len;
}


gboolean
definitionNamesAppend(GByteArray *text, const char *name, guint32 state)
{
    gsize len = strlen(name);

    if (text->len + len + 16 > DEFINITION_STRINGS_MAX)
        return FALSE;

    rpcWriteU32(text, state);
    rpcWriteString(text, name, len);
    return TRUE;
}


gboolean
definitionNamesNext(const char *text, guint len, guint *offset,
                    const char **name, guint *nameLen, guint32 *state)
{
    RPCReader reader;

    if (*offset >= len)
        return FALSE;

    rpcReaderInit(&reader, text + *offset, len - *offset);
    if (!rpcReadU32(&reader, state) ||
        !rpcReadString(&reader, DEFINITION_STRINGS_MAX, name, nameLen))
        return FALSE;
    *offset += rpcReaderPosition(&reader);
    return TRUE;
}
