/*
 * definition_use.c: the definitions that a domain refers to
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "emulatedpci_error.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* The maximum number of definitions that one call may refer to, and that of definitions that are
 * requested at once: the service must be able to store the replies to all of them for the
 * connection. */
#define DEFINITION_WANTED_MAX 1024
#define DEFINITION_WANTED_AT_ONCE 16

/* The maximum number of definitions that remain in the cache for the next call */
#define DEFINITION_CACHE_MAX 64


static void
definitionCachedFree(void *opaque)
{
    DefinitionCached *known = opaque;

    g_bytes_unref(known->text);
    emulatedPCIDefFree(known->def);
    g_free(known);
}


const EmulatedPCIDef *
definitionClientDefinition(const char *name, void *opaque, GError **err)
{
    DefinitionClient *client = opaque;
    const DefinitionCached *known;
    const EmulatedPCIDef *def;
    const GError *error;

    if (client->gone) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("definition '%1$s' cannot be looked up: the definitions service "
                                 "has exited"), name);
        return NULL;
    }

    def = client->definitions ? g_hash_table_lookup(client->definitions, name) : NULL;
    if (def)
        return def;
    known = client->cache ? g_hash_table_lookup(client->cache, name) : NULL;
    if (known && known->builtIn)
        return known->def;
    error = client->errors ? g_hash_table_lookup(client->errors, name) : NULL;
    if (error) {
        g_propagate_error(err, g_error_copy(error));
        return NULL;
    }

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("definition '%1$s' cannot be used: a document may refer to %2$d "
                             "definitions"), name, DEFINITION_WANTED_MAX);
    return NULL;
}


void
definitionClientWant(DefinitionClient *client, const char *name)
{
    const DefinitionCached *known = client->cache ? g_hash_table_lookup(client->cache, name) : NULL;

    if (known && known->builtIn)
        return;
    if (!client->wanted)
        client->wanted = g_ptr_array_new_with_free_func(g_free);
    if (client->wanted->len < DEFINITION_WANTED_MAX &&
        !g_ptr_array_find_with_equal_func(client->wanted, name, g_str_equal, NULL))
        g_ptr_array_add(client->wanted, g_strdup(name));
}


gboolean
definitionClientWants(const DefinitionClient *client)
{
    return client->wanted && client->wanted->len > 0;
}


void
definitionClientForget(DefinitionClient *client)
{
    g_clear_pointer(&client->definitions, g_hash_table_unref);
    g_clear_pointer(&client->errors, g_hash_table_unref);
    g_clear_pointer(&client->wanted, g_ptr_array_unref);
    if (client->cache && g_hash_table_size(client->cache) > DEFINITION_CACHE_MAX)
        g_clear_pointer(&client->cache, g_hash_table_unref);
}


void
definitionInvalidate(DefinitionClient *client)
{
    GHashTableIter iter;
    void *known;

    if (!client->cache)
        return;
    g_hash_table_iter_init(&iter, client->cache);
    while (g_hash_table_iter_next(&iter, NULL, &known))
        ((DefinitionCached *) known)->builtIn = FALSE;
}


/* Adds the definition in REPLY to the cache under NAME. It is parsed only if it differs from the
 * cached one. Returns its fields, which belong to the cache, or NULL with ERR set. */
static EmulatedPCIDef *
definitionCache(DefinitionClient *client,
                const char *name,
                const DefinitionMessage *reply,
                GError **err)
{
    DefinitionCached *known = client->cache ? g_hash_table_lookup(client->cache, name) : NULL;

    if (!known || g_bytes_get_size(known->text) != reply->textLen ||
        memcmp(g_bytes_get_data(known->text, NULL), reply->text, reply->textLen) != 0 ||
        strlen(known->def->definition) != reply->nameLen ||
        memcmp(known->def->definition, reply->name, reply->nameLen) != 0) {
        EmulatedPCIDef *def = emulatedPCIDefParseString(reply->text, reply->textLen, err);

        if (!def)
            return NULL;
        g_free(def->definition);
        def->definition = g_strndup(reply->name, reply->nameLen);

        known = g_new0(DefinitionCached, 1);
        known->text = g_bytes_new(reply->text, reply->textLen);
        known->def = def;
        if (!client->cache)
            client->cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, definitionCachedFree);
        g_hash_table_replace(client->cache, g_strdup(name), known);
    }
    known->builtIn = (reply->value & DEFINITION_BUILT_IN) != 0;
    return known->def;
}


static void definitionGotUse(DefinitionClient *client,
                             DefinitionCall *call,
                             const DefinitionMessage *reply);


/* Requests the definitions that are still missing, as many at once as allowed. When all have been
 * received, calls ready(). */
static void
definitionAskWanted(DefinitionClient *client)
{
    const RPCHeader none = { 0 };

    client->asking = TRUE;
    while (client->asked < client->wanted->len && client->fetching < DEFINITION_WANTED_AT_ONCE) {
        DefinitionCall *use = definitionCallNew(client, &none, NULL);

        use->name = g_strdup(g_ptr_array_index(client->wanted, client->asked++));
        client->fetching++;
        definitionAsk(client, use, DEFINITION_USE, use->name, NULL, 0, definitionGotUse);
    }
    client->asking = FALSE;
    if (client->fetching > 0)
        return;

    client->ready(client->opaque);
}


static void
definitionGotUse(DefinitionClient *client, DefinitionCall *call, const DefinitionMessage *reply)
{
    g_autofree char *text = g_strndup(reply->text, reply->textLen);
    g_autoptr(GError) err = NULL;
    EmulatedPCIDef *def = NULL;

    if (reply->kind == DEFINITION_FOUND)
        def = definitionCache(client, call->name, reply, &err);
    else
        emulatedPCIReportError(&err, (int) reply->value, "%s", text);

    if (def)
        g_hash_table_insert(client->definitions, g_strdup(call->name), def);
    else
        g_hash_table_insert(client->errors, g_strdup(call->name), g_steal_pointer(&err));

    client->fetching--;
    if (!client->asking)
        definitionAskWanted(client);
}


void
definitionClientFetch(DefinitionClient *client,
                      guint32 serial,
                      void (*ready)(void *opaque),
                      void *opaque)
{
    client->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    client->errors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) g_error_free);
    if (!client->uses)
        client->uses = g_hash_table_new(NULL, NULL);
    g_hash_table_add(client->uses, GUINT_TO_POINTER(serial));
    client->base.othersWait = TRUE;

    client->ready = ready;
    client->opaque = opaque;
    client->asked = 0;
    client->fetching = 0;
    definitionAskWanted(client);
}


void
definitionClientEndCall(DefinitionClient *client, guint32 serial)
{
    DefinitionMessage release = { .kind = DEFINITION_RELEASE };

    if (!client->uses ||
        !g_hash_table_remove(client->uses, GUINT_TO_POINTER(serial)) ||
        g_hash_table_size(client->uses) > 0)
        return;

    g_clear_pointer(&client->uses, g_hash_table_unref);
    client->base.othersWait = FALSE;
    if (!client->gone && !definitionSend(client, &release))
        definitionClientDisconnect(client);
}
