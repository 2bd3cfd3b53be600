/*
 * machine_names.c: libvirtd's names for the machine types of a document
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "machine_names.h"

#include "domcaps.h"
#include "procedures.h"
#include "rpc_xdr.h"

#include <string.h>

struct _MachineNames {
    RelayPort *port;
    GHashTable *known;          /* request (GByteArray) -> name, or "" if it is unknown */
    GHashTable *wanted;         /* set of requests in XDR */
    guint waiting;              /* number of requests without a reply */
    void (*ready)(void *opaque);
    void *opaque;
};

/* A request to libvirtd that has no reply yet */
typedef struct {
    MachineNames *names;
    GByteArray *question;
} MachineQuestion;


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


MachineNames *
machineNamesNew(RelayPort *port)
{
    MachineNames *names = g_new0(MachineNames, 1);

    names->port = port;
    names->known = g_hash_table_new_full(machineNamesHash, machineNamesEqual,
                                         machineNamesFreeQuestion, g_free);
    names->wanted = g_hash_table_new_full(machineNamesHash, machineNamesEqual,
                                          machineNamesFreeQuestion, NULL);
    return names;
}


void
machineNamesFree(MachineNames *names)
{
    if (!names)
        return;
    g_hash_table_unref(names->known);
    g_hash_table_unref(names->wanted);
    g_free(names);
}


void
machineNamesForget(MachineNames *names)
{
    g_hash_table_remove_all(names->known);
    g_hash_table_remove_all(names->wanted);
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
    MachineNames *names = opaque;
    g_autoptr(GByteArray) question = g_byte_array_new();
    const char *name;

    machineNamesWrite(question, emulator);
    machineNamesWrite(question, arch);
    machineNamesWrite(question, machine);
    machineNamesWrite(question, type);
    rpcWriteU32(question, 0);

    name = g_hash_table_lookup(names->known, question);
    if (!name && g_hash_table_size(names->wanted) < MACHINE_NAMES_MAX)
        g_hash_table_add(names->wanted, g_steal_pointer(&question));
    return name && *name ? name : NULL;
}


gboolean
machineNamesWants(const MachineNames *names)
{
    return g_hash_table_size(names->wanted) > 0;
}


static void
machineQuestionFree(void *opaque)
{
    MachineQuestion *asked = opaque;

    g_byte_array_unref(asked->question);
    g_free(asked);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MachineQuestion, machineQuestionFree)


static void
machineNamesGot(const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(MachineQuestion) asked = opaque;
    MachineNames *names = asked->names;
    g_autofree char *name = NULL;
    RPCReader reader;
    const char *xml;
    guint len;

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (header->status == RPC_OK && rpcReadString(&reader, RPC_STRING_MAX, &xml, &len)) {
        g_autofree char *doc = g_strndup(xml, len);

        name = domcapsGet(doc, "machine");
    }
    g_hash_table_replace(names->known, g_byte_array_ref(asked->question),
                         name ? g_steal_pointer(&name) : g_strdup(""));
    if (--names->waiting == 0)
        names->ready(names->opaque);
}


void
machineNamesFetch(MachineNames *names, void (*ready)(void *opaque), void *opaque)
{
    GHashTableIter iter;
    void *question;

    names->ready = ready;
    names->opaque = opaque;
    names->waiting = g_hash_table_size(names->wanted);
    g_hash_table_iter_init(&iter, names->wanted);
    while (g_hash_table_iter_next(&iter, &question, NULL)) {
        MachineQuestion *asked = g_new0(MachineQuestion, 1);

        asked->names = names;
        asked->question = g_byte_array_ref(question);
        names->port->call(names->port, PROCEDURE_CONNECT_GET_DOMAIN_CAPABILITIES, question,
                          machineNamesGot, asked, machineQuestionFree);
    }
    g_hash_table_remove_all(names->wanted);
}
