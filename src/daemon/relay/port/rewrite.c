/*
 * rewrite.c: XML in the payload of a frame
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "rewrite.h"
#include "rpc_frame.h"
#include "rpc_message.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/libvirt.h>

#define _(s) gettext(s)

/* libvirt's limits of the length of a list of typed parameters, and of the size of a migration
 * cookie */
#define REWRITE_PARAMS_MAX 64
#define REWRITE_OPAQUE_MAX 4194304u
#define REWRITE_UUID_SIZE 16

typedef gboolean (*RewriteXMLFunc)(RPCReader *reader,
                                   guint start,
                                   const char *xml,
                                   guint len,
                                   void *opaque);

typedef struct {
    RewriteFunc func;
    const ProjectionOptions *opts;
    const guint8 *payload;
    GByteArray *out;
    guint copied;               /* bytes of the payload that have been copied to out */
    gboolean changed;
    GError *err;
} RewriteState;


static gboolean
rewriteSkipDomain(RPCReader *reader)
{
    const guint8 *uuid;
    const char *name;
    gint32 id;
    guint len;

    return rpcReadString(reader, RPC_STRING_MAX, &name, &len) &&
        rpcReadFixed(reader, REWRITE_UUID_SIZE, &uuid) &&
        rpcReadI32(reader, &id);
}


/* Reads one typed parameter: its name, its type, and its value. */
static gboolean
rewriteWalkParameter(RPCReader *reader, RewriteXMLFunc func, void *opaque)
{
    const char *name;
    const char *value;
    guint namelen;
    guint len;
    guint start;
    gint32 type;
    guint64 number;

    if (!rpcReadString(reader, RPC_STRING_MAX, &name, &namelen) || !rpcReadI32(reader, &type))
        return FALSE;

    switch (type) {
    case VIR_TYPED_PARAM_INT:
    case VIR_TYPED_PARAM_UINT:
    case VIR_TYPED_PARAM_BOOLEAN:
        return rpcReadI32(reader, &type);
    case VIR_TYPED_PARAM_LLONG:
    case VIR_TYPED_PARAM_ULLONG:
    case VIR_TYPED_PARAM_DOUBLE:
        return rpcReadU64(reader, &number);
    case VIR_TYPED_PARAM_STRING:
        start = rpcReaderPosition(reader);
        if (!rpcReadString(reader, RPC_STRING_MAX, &value, &len))
            return FALSE;
        if (!procedureParameterIsXML(name, namelen))
            return TRUE;
        return func(reader, start, value, len, opaque);
    default:
        return FALSE;
    }
}


static gboolean
rewriteWalkParameters(RPCReader *reader, RewriteXMLFunc func, void *opaque)
{
    guint32 count;
    guint32 i;

    if (!rpcReadU32(reader, &count) || count > REWRITE_PARAMS_MAX)
        return FALSE;

    for (i = 0; i < count; i++) {
        if (!rewriteWalkParameter(reader, func, opaque))
            return FALSE;
    }
    return TRUE;
}


static gboolean
rewriteWalkField(char field,
                 RPCReader *reader,
                 RewriteXMLFunc func,
                 RewriteArguments *args,
                 void *opaque)
{
    guint start = rpcReaderPosition(reader);
    const char *data = NULL;
    guint32 word;
    guint64 number;
    guint len = 0;

    switch (field) {
    case 'u':
        return rpcReadU32(reader, &word);
    case 'h':
        return rpcReadU64(reader, &number);
    case 'f':
        return rpcReadU32(reader, args ? &args->flags : &word);
    case 's':
        return rpcReadString(reader, RPC_STRING_MAX, &data, &len);
    case 'S':
        return rpcReadOptString(reader, RPC_STRING_MAX, &data, &len);
    case 'o':
        return rpcReadString(reader, REWRITE_OPAQUE_MAX, &data, &len);
    case 'd':
        return rewriteSkipDomain(reader);
    case 'p':
        return rewriteWalkParameters(reader, func, opaque);
    case 'x':
        return rpcReadString(reader, RPC_STRING_MAX, &data, &len) &&
            func(reader, start, data, len, opaque);
    case 'X':
        if (!rpcReadOptString(reader, RPC_STRING_MAX, &data, &len))
            return FALSE;
        return !data || func(reader, start + 4, data, len, opaque);
    default:
        g_return_val_if_reached(FALSE);
    }
}


static gboolean
rewriteRememberXML(RPCReader *reader G_GNUC_UNUSED,
                   guint start G_GNUC_UNUSED,
                   const char *xml,
                   guint len,
                   void *opaque)
{
    RewriteArguments *args = opaque;

    args->xml = xml;
    args->xmlLen = len;
    return TRUE;
}


gboolean
rewriteRead(const Procedure *proc,
            const GByteArray *frame,
            gsize offset,
            RewriteArguments *args)
{
    RPCReader reader;
    const char *field;

    *args = (RewriteArguments) { 0 };
    if (offset > frame->len)
        return FALSE;

    rpcReaderInit(&reader, frame->data + offset, frame->len - offset);
    for (field = proc->layout; *field; field++) {
        guint start = rpcReaderPosition(&reader);

        if (!rewriteWalkField(*field, &reader, rewriteRememberXML, args, args))
            return FALSE;
        if (*field == 'd') {
            args->domain = (const char *) frame->data + offset + start;
            args->domainLen = rpcReaderPosition(&reader) - start;
        }
    }
    return TRUE;
}


/* START is the offset of the length word of the string. */
static gboolean
rewriteXML(RPCReader *reader,
           guint start,
           const char *xml,
           guint len,
           void *opaque)
{
    RewriteState *state = opaque;
    g_autofree char *out = NULL;
    gsize outlen = 0;

    switch (state->func(xml, len, state->opts, &out, &outlen, &state->err)) {
    case PROJECTION_ERROR:
        return FALSE;
    case PROJECTION_UNCHANGED:
        return TRUE;
    case PROJECTION_CHANGED:
        break;
    }

    if (outlen > RPC_STRING_MAX) {
        emulatedPCIReportError(&state->err, VIR_ERR_XML_ERROR,
                               _("the converted document of %1$zu bytes is too long: libvirt "
                                 "supports at most %2$u"), outlen, RPC_STRING_MAX);
        return FALSE;
    }

    state->changed = TRUE;
    g_byte_array_append(state->out, state->payload + state->copied, start - state->copied);
    rpcWriteString(state->out, out, outlen);
    state->copied = rpcReaderPosition(reader);
    return TRUE;
}


ProjectionResult
rewriteFrame(const Procedure *proc,
             const GByteArray *frame,
             gsize offset,
             RewriteFunc func,
             const ProjectionOptions *opts,
             GByteArray **out,
             GError **err)
{
    g_autoptr(GByteArray) result = g_byte_array_new();
    RewriteState state = { .func = func, .opts = opts, .out = result };
    RPCReader reader;
    const char *field;

    if (offset > frame->len)
        return PROJECTION_UNCHANGED;

    state.payload = frame->data + offset;
    g_byte_array_append(result, frame->data, offset);
    rpcReaderInit(&reader, state.payload, frame->len - offset);

    for (field = proc->layout; *field; field++) {
        if (!rewriteWalkField(*field, &reader, rewriteXML, NULL, &state)) {
            if (!state.err)
                return PROJECTION_UNCHANGED;
            g_propagate_error(err, state.err);
            return PROJECTION_ERROR;
        }
    }

    if (!state.changed)
        return PROJECTION_UNCHANGED;

    g_byte_array_append(result, state.payload + state.copied,
                        frame->len - offset - state.copied);
    if (result->len > RPC_FRAME_MAX) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("the message of %1$u bytes is too long: libvirt supports at most %2$u"),
                               result->len, RPC_FRAME_MAX);
        return PROJECTION_ERROR;
    }
    rpcMessageFinish(result);
    *out = g_steal_pointer(&result);
    return PROJECTION_CHANGED;
}
