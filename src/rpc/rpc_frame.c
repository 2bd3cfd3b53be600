/*
 * rpc_frame.c: frames of libvirt's RPC protocol
 *
 * The header of every forwarded frame is decoded here with plain loads; rpc_xdr.h is for payloads.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_frame.h"

#include <arpa/inet.h>
#include <string.h>

uint32_t
rpcGetU32(const uint8_t *data)
{
    uint32_t value;

    memcpy(&value, data, sizeof(value));
    return ntohl(value);
}


void
rpcPutU32(uint8_t *data, uint32_t value)
{
    value = htonl(value);
    memcpy(data, &value, sizeof(value));
}


void
rpcHeaderDecode(const uint8_t *data, RPCHeader *header)
{
    header->length = rpcGetU32(data);
    header->program = rpcGetU32(data + 4);
    header->version = rpcGetU32(data + 8);
    header->procedure = rpcGetU32(data + 12);
    header->type = rpcGetU32(data + 16);
    header->serial = rpcGetU32(data + 20);
    header->status = rpcGetU32(data + 24);
}


void
rpcHeaderEncode(uint8_t *data, const RPCHeader *header)
{
    rpcPutU32(data, header->length);
    rpcPutU32(data + 4, header->program);
    rpcPutU32(data + 8, header->version);
    rpcPutU32(data + 12, header->procedure);
    rpcPutU32(data + 16, header->type);
    rpcPutU32(data + 20, header->serial);
    rpcPutU32(data + 24, header->status);
}


bool
rpcLengthIsValid(uint32_t length)
{
    return length >= RPC_HEADER_SIZE && length <= RPC_FRAME_MAX;
}
