/*
 * fuzz-session.c: whole connections, any bytes from a client and from libvirtd
 *
 * The input is a list of steps. A step sends data as the client or as libvirtd: any bytes, a whole
 * frame of any kind, or, as libvirtd, the reply to a call that it received. The first byte is the
 * kind of the connection. The connection must process all data without waiting, respect its limits
 * and free all its resources.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "rpc_xdr.h"
#include "session_private.h"
#include "sessionpeer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The number of calls that libvirtd remembers; a longer list does not help a fuzzer. */
#define CALLS_MAX 64

/* Flags in the first byte */
#define FUZZ_READONLY 1
#define FUZZ_OPEN 2

typedef enum {
    STEP_CLIENT_BYTES = 0,
    STEP_CLIENT_FRAME,
    STEP_CLIENT_XML,
    STEP_UPSTREAM_BYTES,
    STEP_UPSTREAM_REPLY,
    STEP_UPSTREAM_XML,
    STEP_UPSTREAM_ERROR,
    STEP_END,
    STEP_LAST
} FuzzStep;

typedef struct {
    const uint8_t *data;
    size_t size;
} FuzzInput;

typedef struct {
    SessionPeer *peer;
    RPCHeader calls[CALLS_MAX];     /* calls without a reply */
    guint count;
} FuzzState;

/* The procedures of the table, and a few that are forwarded unchanged */
static const guint8 small[] = {
    1, 2, 3, 8, 10, 11, 13, 14, 66, 108, 111, 112, 113, 114, 115, 117, 118, 123, 124, 135, 136, 150, 151, 160,
    161, 174, 185, 186, 192, 204, 213, 231, 232, 235, 236,
};
static const guint16 large[] = {
    264, 285, 302, 303, 309, 342, 350, 374, 375, 388, 389, 392, 411, 428, 429, 433, 440, 447,
};

static const char xml[] =
    "<domain type='qemu'>\n  <name>a</name>\n  <uuid>5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e3a11</uuid>\n"
    "  <memory>1024</memory>\n  <os>\n    <type arch='x86_64' machine='pc-i440fx-5.2'>hvm</type>\n  </os>\n"
    "  <devices>\n    <emulatedpci definition='emulatedpci_a'/>\n  </devices>\n</domain>\n";
static const char device[] =
    "<emulatedpci once='yes' machine='pc-i440fx-7.2' devicename='a'><config vendorid='1' deviceid='2'/>"
    "</emulatedpci>";


static uint8_t
fuzzByte(FuzzInput *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}


/* Returns the next part of the input, whose length is in its first two bytes. */
static GByteArray *
fuzzBytes(FuzzInput *input)
{
    size_t high = fuzzByte(input);
    size_t len = high << 8 | fuzzByte(input);
    GByteArray *bytes = g_byte_array_new();

    len = MIN(len, input->size);
    g_byte_array_append(bytes, input->data, len);
    input->data += len;
    input->size -= len;
    return bytes;
}


static guint32
fuzzProcedure(FuzzInput *input)
{
    guint8 which = fuzzByte(input);

    return which < 128 ? small[which % G_N_ELEMENTS(small)] : large[which % G_N_ELEMENTS(large)];
}


static RPCHeader
fuzzHeader(FuzzInput *input)
{
    RPCHeader header = { .program = RPC_PROGRAM_REMOTE, .version = 1 };
    guint8 kind = fuzzByte(input);

    header.procedure = fuzzProcedure(input);
    header.type = kind < 200 ? RPC_CALL : kind % 7;
    header.status = kind < 250 ? RPC_OK : kind % 3;
    header.serial = fuzzByte(input);
    return header;
}


/* Appends a domain, if WHICH selects one, and XML. */
static void
fuzzWriteXML(GByteArray *payload, guint8 which)
{
    static const guint8 uuid[16];
    const char *text = which & 2 ? device : xml;

    if (which & 1) {
        rpcWriteString(payload, "a", 1);
        g_byte_array_append(payload, uuid, sizeof(uuid));
        rpcWriteI32(payload, which & 4 ? 1 : -1);
    }
    rpcWriteString(payload, text, strlen(text));
    rpcWriteU32(payload, which >> 3 & 3);
}


/* Receives the data for libvirtd, and discards that for the client. */
static void
fuzzReceive(FuzzState *state)
{
    guint8 sink[4096];
    GByteArray *frame;
    RPCHeader header;

    while ((frame = sessionPeerReceive(state->peer->upstream, &header))) {
        if (header.type == RPC_CALL && state->count < CALLS_MAX)
            state->calls[state->count++] = header;
        g_byte_array_unref(frame);
    }
    while (recv(state->peer->client, sink, sizeof(sink), MSG_DONTWAIT) > 0)
        ;
}


static void
fuzzReply(FuzzState *state, FuzzInput *input, FuzzStep step)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    RPCHeader header;
    guint which = fuzzByte(input);

    if (state->count == 0)
        return;
    which %= state->count;
    header = state->calls[which];
    state->calls[which] = state->calls[--state->count];
    header.type = RPC_REPLY;

    if (step == STEP_UPSTREAM_ERROR) {
        const int code = fuzzByte(input);
        g_autoptr(GByteArray) error = rpcMessageNewError(&header, code, 10, "no", fuzzByte(input));

        sessionPeerSend(state->peer, state->peer->upstream, error->data, error->len);
        return;
    }
    if (step == STEP_UPSTREAM_XML) {
        rpcWriteString(payload, xml, strlen(xml));
    } else {
        g_byte_array_unref(payload);
        payload = fuzzBytes(input);
    }
    sessionPeerSendFrame(state->peer, state->peer->upstream, header, payload);
}


static void
fuzzEnd(FuzzState *state, FuzzInput *input)
{
    switch (fuzzByte(input) % 3) {
    case 0:
        shutdown(state->peer->client, SHUT_WR);
        break;
    case 1:
        shutdown(state->peer->upstream, SHUT_WR);
        break;
    default:
        state->peer->stop = 1;
    }
    sessionPeerSettle(state->peer);
}


static void
fuzzDo(FuzzState *state, FuzzInput *input)
{
    SessionPeer *peer = state->peer;
    FuzzStep step = fuzzByte(input) % STEP_LAST;
    g_autoptr(GByteArray) bytes = NULL;
    RPCHeader header;

    switch (step) {
    case STEP_CLIENT_BYTES:
    case STEP_UPSTREAM_BYTES:
        bytes = fuzzBytes(input);
        sessionPeerSend(peer, step == STEP_CLIENT_BYTES ? peer->client : peer->upstream, bytes->data,
                        bytes->len);
        break;
    case STEP_CLIENT_FRAME:
        header = fuzzHeader(input);
        bytes = fuzzBytes(input);
        sessionPeerSendFrame(peer, peer->client, header, bytes);
        break;
    case STEP_CLIENT_XML:
        header = fuzzHeader(input);
        bytes = g_byte_array_new();
        fuzzWriteXML(bytes, fuzzByte(input));
        sessionPeerSendFrame(peer, peer->client, header, bytes);
        break;
    case STEP_UPSTREAM_REPLY:
    case STEP_UPSTREAM_XML:
    case STEP_UPSTREAM_ERROR:
        fuzzReply(state, input, step);
        break;
    case STEP_END:
        fuzzEnd(state, input);
        break;
    case STEP_LAST:
        break;
    }
}


/* libvirtd accepts the client. */
static void
fuzzOpen(FuzzState *state)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    RPCHeader header = { 0, RPC_PROGRAM_REMOTE, 1, 1, RPC_CALL, 255, RPC_OK };

    rpcWriteOptString(payload, "qemu:///system", strlen("qemu:///system"));
    rpcWriteU32(payload, 0);
    sessionPeerSendFrame(state->peer, state->peer->client, header, payload);
    fuzzReceive(state);
    g_assert_cmpuint(state->count, ==, 1);
    header.type = RPC_REPLY;
    sessionPeerSendFrame(state->peer, state->peer->upstream, header, NULL);
    state->count = 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, size };
    guint8 kind = fuzzByte(&input);
    FuzzState state = { .peer = sessionPeerNew((kind & FUZZ_READONLY) != 0, NULL) };

    if (kind & FUZZ_OPEN)
        fuzzOpen(&state);
    while (input.size > 0 && state.peer->session) {
        fuzzDo(&state, &input);
        fuzzReceive(&state);
        if (state.peer->session) {
            g_assert_cmpuint(callTableSize(state.peer->session->calls), <=, CALL_TABLE_MAX + 64);
            g_assert_false(state.peer->session->readonly && state.peer->session->device);
        }
    }
    sessionPeerFree(state.peer);
    return 0;
}
