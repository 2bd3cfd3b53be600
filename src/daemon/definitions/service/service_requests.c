/*
 * service_requests.c: the requests of connections, and the answers to questions
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "launch_link.h"
#include "service_private.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)

/* The maximum number of waiting requests of a connection: more than its process sends
 * (DEFINITION_REQUESTS_MAX in definition_client.c) */
#define SERVICE_WAITING_MAX 32

/* The maximum number of definitions that one connection can use at the same time */
#define SERVICE_USES_MAX 4096


static guint32
serviceState(const StoredDefinition *def)
{
    return (def->active ? DEFINITION_ACTIVE : 0) |
        (def->persistent ? DEFINITION_PERSISTENT : 0) |
        (def->autostart ? DEFINITION_AUTOSTART : 0) |
        (def->builtIn ? DEFINITION_BUILT_IN : 0);
}


static const StoredDefinition *
serviceFind(DefinitionService *service, const char *name, GError **err)
{
    const StoredDefinition *def = definitionStoreFind(service->store, name);

    if (!def) {
        emulatedPCIReportError(err, VIR_ERR_NO_NODE_DEVICE,
                               _("no node device with matching name '%1$s'"), name);
    }
    return def;
}


static void
serviceGet(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *name)
{
    g_autoptr(GError) err = NULL;
    const StoredDefinition *def = serviceFind(service, name, &err);
    g_autofree char *xml = NULL;

    if (!def) {
        serviceReplyError(service, peer, serial, err);
        return;
    }
    xml = storedDefinitionFormat(def);
    serviceReply(service, peer, serial, DEFINITION_FOUND, serviceState(def), def->name, xml);
}


static void
serviceList(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *after)
{
    g_autoptr(GPtrArray) list = definitionStoreList(service->store);
    g_autoptr(GByteArray) text = g_byte_array_new();
    DefinitionMessage message = { .kind = DEFINITION_NAMES, .serial = serial };
    guint i;

    for (i = 0; i < list->len; i++) {
        const StoredDefinition *def = g_ptr_array_index(list, i);

        if (strcmp(def->name, after) <= 0)
            continue;
        if (!definitionNamesAppend(text, def->name, serviceState(def))) {
            message.value = 1;
            break;
        }
    }
    message.text = (const char *) text->data;
    message.textLen = text->len;
    serviceSend(service, peer, &message);
}


/* Sends the <emulatedpci> of the definition NAME to PEER, which will use it. */
static void
serviceUse(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *name)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GString) xml = g_string_new(NULL);
    const StoredDefinition *def = definitionStoreFind(service->store, name);
    const EmulatedPCIDef *fields;
    const char *taken = serviceBeingTaken(service);

    if (def && taken && strcmp(taken, def->name) == 0) {
        const DefinitionMessage message = { .kind = DEFINITION_USE, .serial = serial };

        g_queue_push_tail(&service->parked, serviceRequestNew(service, peer, &message, name));
        return;
    }

    fields = definitionStoreResolve(name, service->store, &err);
    if (!fields) {
        serviceReplyError(service, peer, serial, err);
        return;
    }

    /* A read-only client cannot use a definition in a domain. */
    if (!peer->readonly) {
        if (!peer->uses)
            peer->uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (g_hash_table_size(peer->uses) >= SERVICE_USES_MAX) {
            serviceCutOff(peer, "uses too many definitions at once");
            return;
        }
        g_hash_table_add(peer->uses, g_strdup(def->name));
    }

    emulatedPCIDefFormat(fields, "", "", xml);
    serviceReply(service, peer, serial, DEFINITION_FOUND, serviceState(def), def->name, xml->str);
}


/* Handles the requests that waited for a decision that has been made. */
void
serviceUnpark(DefinitionService *service)
{
    guint count = g_queue_get_length(&service->parked);

    while (count-- > 0) {
        ServiceRequest *request = g_queue_pop_head(&service->parked);

        if (request->peer)
            serviceUse(service, request->peer, request->serial, request->name);
        serviceRequestFree(request);
    }
}


/* Creates the launcher of a QEMU program for a connection that may define domains. */
static void
serviceLink(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const char *qemu)
{
    g_autoptr(GError) err = NULL;

    if (peer->readonly)
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_DENIED, "%s",
                               _("the connection is read-only"));
    else
        launchLinkMake(service->launchDir, service->qemuDir, qemu, &err);
    if (err)
        serviceReplyError(service, peer, serial, err);
    else
        serviceReply(service, peer, serial, DEFINITION_DONE, 0, NULL, NULL);
}


/* Returns FALSE if a connection process does not send such a request. */
gboolean
serviceHandleRequest(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message)
{
    g_autofree char *name = g_strndup(message->name, message->nameLen);

    switch (message->kind) {
    case DEFINITION_GET:
        serviceGet(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_LIST:
        serviceList(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_USE:
        if (peer->waiting >= SERVICE_WAITING_MAX)
            return FALSE;
        serviceUse(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_RELEASE:
        g_clear_pointer(&peer->uses, g_hash_table_unref);
        return TRUE;
    case DEFINITION_LINK:
        serviceLink(service, peer, message->serial, name);
        return TRUE;
    case DEFINITION_SUBSCRIBE:
        peer->subscribed = message->value != 0;
        serviceReply(service, peer, message->serial, DEFINITION_DONE, 0, NULL, NULL);
        return TRUE;
    case DEFINITION_DEFINE:
    case DEFINITION_CREATE:
    case DEFINITION_UNDEFINE:
    case DEFINITION_DESTROY:
    case DEFINITION_START:
    case DEFINITION_SET_AUTOSTART:
        if (peer->waiting >= SERVICE_WAITING_MAX)
            return FALSE;
        serviceEnqueue(service, peer, message, name);
        return TRUE;
    default:
        return FALSE;
    }
}
