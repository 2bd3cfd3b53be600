/*
 * rpc_frame.h: frames of libvirt's RPC protocol
 *
 * A frame consists of a length word, a header of six words and a payload, in XDR
 * (RFC 4506), big endian. This file contains the numbers of the protocol and the header,
 * but not the payloads. Source: libvirt's docs/kbase/internals/rpc.rst and
 * src/rpc/virnetprotocol.x.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_PROGRAM_REMOTE 0x20008086
#define RPC_PROGRAM_QEMU 0x20008087
#define RPC_PROGRAM_LXC 0x20008088
#define RPC_PROGRAM_KEEPALIVE 0x6b656570

/* Size of the length word and the header, in bytes */
#define RPC_HEADER_SIZE 28

/* libvirt's limits, in bytes. The length of a frame includes the length word, but libvirt's
 * limit does not. */
#define RPC_FRAME_MAX (33554432u + 4u)
#define RPC_STRING_MAX 4194304u
#define RPC_FDS_MAX 32u

typedef enum {
    RPC_CALL = 0,
    RPC_REPLY = 1,
    RPC_MESSAGE = 2,            /* event */
    RPC_STREAM = 3,
    RPC_CALL_WITH_FDS = 4,
    RPC_REPLY_WITH_FDS = 5,
    RPC_STREAM_HOLE = 6,
} RPCType;

typedef enum {
    RPC_OK = 0,
    RPC_ERROR = 1,
    RPC_CONTINUE = 2,
} RPCStatus;

typedef struct {
    uint32_t length;            /* of the whole frame, length word included */
    uint32_t program;
    uint32_t version;
    uint32_t procedure;
    uint32_t type;              /* an RPCType, or an unknown value */
    uint32_t serial;
    uint32_t status;            /* an RPCStatus */
} RPCHeader;

/**
 * rpcGetU32:
 * @data: 4 bytes with any alignment
 *
 * Returns the number that they contain in big-endian order (RFC 4506, 4.2).
 */
uint32_t rpcGetU32(const uint8_t *data);

/**
 * rpcPutU32:
 * @data: 4 bytes with any alignment, which are set
 * @value: the number
 *
 * Stores a number in big-endian order (RFC 4506, 4.2).
 */
void rpcPutU32(uint8_t *data, uint32_t value);

/**
 * rpcHeaderDecode, rpcHeaderEncode:
 * @data: RPC_HEADER_SIZE bytes
 * @header: a header
 *
 * Converts a header without validating it.
 */
void rpcHeaderDecode(const uint8_t *data, RPCHeader *header);
void rpcHeaderEncode(uint8_t *data, const RPCHeader *header);

/**
 * rpcLengthIsValid:
 * @length: the length of a frame with its length word, in bytes
 *
 * Returns true if the length is within libvirt's limits.
 */
bool rpcLengthIsValid(uint32_t length);
