/*
 * machine_names.c: what upstream makes of a machine type's name
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "machine_names.h"

#include "domcaps.h"
#include "rpc_frame.h"
#include "rpc_xdr.h"

#include <string.h>

struct _MachineNames {
    GHashTable *names;          /* question -> name, or "" if it is not known */
    GByteArray *wanted;         /* the question, as it is on the wire; or NULL */

    /* While it is asked. */
    RPCHeader header;
    RPCFrame *call;
    MachineNamesReadyFunc ready;
};


static void
machineNamesFreeQuestion(void *question)
{
    g_byte_array_unref(question);
}


static guint
machineNamesHash(gconstpointer question)
{
    const GByteArray *bytes = question;
    guint hash = 5381;
    guint i;

    for (i = 0; i < bytes->len; i++)
        hash = hash * 33 + bytes->data[i];
    return hash;
}


static gboolean
machineNamesEqual(gconstpointer a, gconstpointer b)
{
    const GByteArray *first = a;
    const GByteArray *second = b;

    return first->len == second->len && memcmp(first->data, second->data, first->len) == 0;
}


static void
machineNamesWrite(GByteArray *out, const char *str)
{
    rpcWriteOptString(out, str, str ? strlen(str) : 0);
}


const char *
machineNamesGet(const char *type, const char *arch, const char *machine,
                const char *emulator, void *opaque)
{
    Session *session = opaque;
    g_autoptr(GByteArray) question = g_byte_array_new();
    const char *name;

    machineNamesWrite(question, emulator);
    machineNamesWrite(question, arch);
    machineNamesWrite(question, machine);
    machineNamesWrite(question, type);
    rpcWriteU32(question, 0);

    if (!session->machines) {
        session->machines = g_new0(MachineNames, 1);
        session->machines->names = g_hash_table_new_full(machineNamesHash, machineNamesEqual,
                                                         machineNamesFreeQuestion, g_free);
    }
    name = g_hash_table_lookup(session->machines->names, question);
    if (!name && !session->machines->wanted && session->open)
        session->machines->wanted = g_steal_pointer(&question);
    return name && *name ? name : NULL;
}


gboolean
machineNamesWants(const Session *session)
{
    return session->machines && session->machines->wanted;
}


static void
machineNamesGot(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    MachineNames *machines = session->machines;
    const RPCHeader call = machines->header;
    g_autoptr(RPCFrame) reply = frame;
    g_autofree char *name = NULL;
    RPCReader reader;
    const char *xml;
    guint len;

    (void) opaque;
    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (header->status == RPC_OK && rpcReadString(&reader, RPC_STRING_MAX, &xml, &len)) {
        g_autofree char *doc = g_strndup(xml, len);

        name = domcapsGet(doc, "machine");
    }
    g_hash_table_replace(machines->names, g_steal_pointer(&machines->wanted),
                         name ? g_steal_pointer(&name) : g_strdup(""));
    session->resolving = FALSE;
    machines->ready(session, &call, g_steal_pointer(&machines->call));
}


void
machineNamesFetch(Session *session,
                  const RPCHeader *header,
                  RPCFrame *call,
                  MachineNamesReadyFunc ready)
{
    MachineNames *machines = session->machines;

    session->resolving = TRUE;
    machines->header = *header;
    machines->call = call;
    machines->ready = ready;
    sessionCall(session, PROCEDURE_CONNECT_GET_DOMAIN_CAPABILITIES, machines->wanted,
                machineNamesGot, NULL);
}


void
machineNamesForget(Session *session)
{
    MachineNames *machines = g_steal_pointer(&session->machines);

    if (!machines)
        return;
    g_hash_table_unref(machines->names);
    g_clear_pointer(&machines->wanted, g_byte_array_unref);
    rpcFrameFree(machines->call);
    g_free(machines);
}
