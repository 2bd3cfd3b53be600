/*
 * rpc_message.c: creating and parsing complete frames
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_message.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)
#define N_(s) (s)

/* libvirt's prefixes of the messages for error codes. Other codes have no prefix. */
static const struct {
    int code;
    const char *prefix;
} prefixes[] = {
    { VIR_ERR_INTERNAL_ERROR, N_("internal error") },
    { VIR_ERR_INVALID_ARG, N_("invalid argument") },
    { VIR_ERR_OPERATION_FAILED, N_("operation failed") },
    { VIR_ERR_XML_ERROR, N_("XML error") },
    { VIR_ERR_OPERATION_DENIED, N_("operation forbidden") },
    { VIR_ERR_NO_NODE_DEVICE, N_("Node device not found") },
    { VIR_ERR_OPERATION_INVALID, N_("Requested operation is not valid") },
    { VIR_ERR_CONFIG_UNSUPPORTED, N_("unsupported configuration") },
    { VIR_ERR_OPERATION_UNSUPPORTED, N_("Operation not supported") },
    { VIR_ERR_OPERATION_TIMEOUT, N_("Timed out during operation") },
    { VIR_ERR_RESOURCE_BUSY, N_("resource busy") },
    { VIR_ERR_XML_INVALID_SCHEMA, N_("XML document failed to validate against schema") },
    { VIR_ERR_DEVICE_MISSING, N_("device not found") },
};


GByteArray *
rpcMessageNew(const RPCHeader *header)
{
    GByteArray *frame = g_byte_array_sized_new(256);

    g_byte_array_set_size(frame, RPC_HEADER_SIZE);
    rpcHeaderEncode(frame->data, header);
    return frame;
}


void
rpcMessageFinish(GByteArray *frame)
{
    rpcPutU32(frame->data, frame->len);
}


static const char *
rpcMessageErrorPrefix(int code)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (prefixes[i].code == code)
            return prefixes[i].prefix;
    }
    return NULL;
}


GByteArray *
rpcMessageNewError(const RPCHeader *call,
                   int code,
                   int domain,
                   const char *detail,
                   int errnum)
{
    RPCHeader header = *call;
    const char *prefix = rpcMessageErrorPrefix(code);
    g_autofree char *format = NULL;
    g_autofree char *message = NULL;
    g_autofree char *valid = g_utf8_make_valid(detail, -1);
    GByteArray *frame;

    format = prefix ? g_strdup_printf("%s: %%s", _(prefix)) : g_strdup("%s");
    message = prefix ? g_strdup_printf("%s: %s", _(prefix), valid) : g_strdup(valid);

    header.type = RPC_REPLY;
    header.status = RPC_ERROR;
    frame = rpcMessageNew(&header);
    rpcWriteI32(frame, code);
    rpcWriteI32(frame, domain);
    rpcWriteOptString(frame, message, strlen(message));
    rpcWriteI32(frame, VIR_ERR_ERROR);
    rpcWriteU32(frame, 0);                                  /* domain: none */
    rpcWriteOptString(frame, format, strlen(format));       /* str1 */
    rpcWriteOptString(frame, valid, strlen(valid));         /* str2 */
    rpcWriteOptString(frame, NULL, 0);                      /* str3 */
    rpcWriteI32(frame, errnum ? errnum : -1);
    rpcWriteI32(frame, -1);
    rpcWriteU32(frame, 0);                                  /* network: none */
    rpcMessageFinish(frame);
    return frame;
}


gboolean
rpcMessageReadError(const GByteArray *frame, int *code, char **message)
{
    RPCReader reader;
    const char *text;
    gint32 value;
    gint32 domain;
    guint len;

    if (frame->len < RPC_HEADER_SIZE)
        return FALSE;

    rpcReaderInit(&reader, frame->data + RPC_HEADER_SIZE, frame->len - RPC_HEADER_SIZE);
    if (!rpcReadI32(&reader, &value) ||
        !rpcReadI32(&reader, &domain) ||
        !rpcReadOptString(&reader, RPC_STRING_MAX, &text, &len))
        return FALSE;

    *code = value;
    *message = g_strndup(text ? text : "", text ? len : 0);
    return TRUE;
}


/* Skips an optional domain: a name, a UUID and an id. */
static gboolean
rpcMessageSkipDomain(RPCReader *reader)
{
    const guint8 *uuid;
    const char *name;
    guint32 present;
    gint32 id;
    guint len;

    if (!rpcReadU32(reader, &present))
        return FALSE;
    return !present || (rpcReadString(reader, RPC_STRING_MAX, &name, &len) &&
                        rpcReadFixed(reader, 16, &uuid) && rpcReadI32(reader, &id));
}


gboolean
rpcMessageReadErrorReply(const GByteArray *frame, RPCErrorReply *error)
{
    RPCReader reader;
    const char *text;
    gint32 word;
    guint len;
    int i;

    if (frame->len < RPC_HEADER_SIZE)
        return FALSE;

    rpcReaderInit(&reader, frame->data + RPC_HEADER_SIZE, frame->len - RPC_HEADER_SIZE);
    if (!rpcReadI32(&reader, &error->code) || !rpcReadI32(&reader, &word) ||
        !rpcReadOptString(&reader, RPC_STRING_MAX, &text, &len) ||
        !rpcReadI32(&reader, &word) || !rpcMessageSkipDomain(&reader))
        return FALSE;
    for (i = 0; i < 3; i++) {
        if (!rpcReadOptString(&reader, RPC_STRING_MAX, &text, &len))
            return FALSE;
    }
    return rpcReadI32(&reader, &error->errnum);
}


/* Copies the optional string at READER to OUT, after FUNC has replaced it. Returns FALSE if it is
 * malformed. */
static gboolean
rpcMessageMapText(RPCReader *reader, GByteArray *out, RPCErrorTextFunc func, void *opaque,
                  gboolean *changed)
{
    g_autofree char *text = NULL;
    g_autofree char *mapped = NULL;
    const char *data;
    guint len;

    if (!rpcReadOptString(reader, RPC_STRING_MAX, &data, &len))
        return FALSE;
    text = data ? g_strndup(data, len) : NULL;
    if (text && strlen(text) == len)
        mapped = func(text, opaque);
    if (mapped && strlen(mapped) <= RPC_STRING_MAX) {
        *changed = TRUE;
        rpcWriteOptString(out, mapped, strlen(mapped));
    } else {
        rpcWriteOptString(out, data, data ? len : 0);
    }
    return TRUE;
}


GByteArray *
rpcMessageMapError(const GByteArray *frame, RPCErrorTextFunc func, void *opaque)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    gboolean changed = FALSE;
    RPCReader reader;
    gint32 word;
    guint start;
    int i;

    if (frame->len < RPC_HEADER_SIZE)
        return NULL;

    rpcReaderInit(&reader, frame->data + RPC_HEADER_SIZE, frame->len - RPC_HEADER_SIZE);
    if (!rpcReadI32(&reader, &word) || !rpcReadI32(&reader, &word))
        return NULL;
    g_byte_array_append(out, frame->data, RPC_HEADER_SIZE + rpcReaderPosition(&reader));
    if (!rpcMessageMapText(&reader, out, func, opaque, &changed))
        return NULL;

    start = rpcReaderPosition(&reader);
    if (!rpcReadI32(&reader, &word) || !rpcMessageSkipDomain(&reader))
        return NULL;
    g_byte_array_append(out, frame->data + RPC_HEADER_SIZE + start,
                        rpcReaderPosition(&reader) - start);
    for (i = 0; i < 3; i++) {
        if (!rpcMessageMapText(&reader, out, func, opaque, &changed))
            return NULL;
    }
    if (!changed)
        return NULL;

    start = RPC_HEADER_SIZE + rpcReaderPosition(&reader);
    g_byte_array_append(out, frame->data + start, frame->len - start);
    rpcMessageFinish(out);
    return g_steal_pointer(&out);
}
