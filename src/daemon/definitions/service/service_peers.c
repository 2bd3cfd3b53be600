/*
 * service_peers.c: the connections of the definitions service
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "service_private.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The maximum size of unread messages of a connection, in bytes: replies to
 * DEFINITION_REQUESTS_MAX requests (definition_client.c), and some thousand events */
#define SERVICE_QUEUE_MAX (1024 * 1024)


static void
serviceWatch(DefinitionService *service, DefinitionPeer *peer, gboolean writing)
{
    peer->writing = writing;
    eventLoopWatch(service->loop, &peer->source, peer->fd, EPOLLIN | (writing ? EPOLLOUT : 0));
}


ServiceRequest *
serviceRequestNew(DefinitionService *service,
                  DefinitionPeer *peer,
                  const DefinitionMessage *message,
                  const char *name)
{
    ServiceRequest *request = g_new0(ServiceRequest, 1);

    request->service = service;
    request->peer = peer;
    request->kind = message->kind;
    request->serial = message->serial;
    request->value = message->value;
    request->name = g_strdup(name);
    request->text = g_strndup(message->text, message->textLen);
    request->textLen = message->textLen;
    service->waitingBytes += request->textLen;
    peer->waiting++;
    return request;
}


void
serviceRequestFree(ServiceRequest *request)
{
    if (request->peer)
        request->peer->waiting--;
    request->service->waitingBytes -= request->textLen;
    g_free(request->name);
    g_free(request->text);
    g_free(request);
}


void
servicePeerFree(DefinitionPeer *peer)
{
    while (!g_queue_is_empty(&peer->unjudged))
        serviceRequestFree(g_queue_pop_head(&peer->unjudged));
    checkProcessFree(peer->rights);
    close(peer->fd);
    identityClear(&peer->id);
    g_clear_pointer(&peer->uses, g_hash_table_unref);
    while (!g_queue_is_empty(&peer->queue))
        g_byte_array_unref(g_queue_pop_head(&peer->queue));
    g_free(peer);
}


static void
serviceForgetRequests(GQueue *queue, const DefinitionPeer *peer)
{
    GList *link;

    for (link = queue->head; link; link = link->next) {
        ServiceRequest *request = link->data;

        if (request->peer == peer)
            request->peer = NULL;
    }
}


/* Drops a connection that has ended or was cut off. */
static void
serviceDropPeer(DefinitionService *service, DefinitionPeer *peer)
{
    serviceForgetRequests(&service->changes, peer);
    serviceForgetRequests(&service->parked, peer);
    g_queue_remove(&service->unchecked, peer);
    serviceEndRights(service, peer);

    eventLoopRemove(service->loop, &peer->source);
    g_hash_table_remove(service->peers, peer);
}


/* Marks a connection that callers still use; serviceSweep() drops it. */
void
serviceCutOff(DefinitionPeer *peer, const char *why)
{
    daemonWarning("definitions", "connection process of user %u: %s", peer->id.uid, why);
    shutdown(peer->fd, SHUT_RDWR);
}


/* Sends queued messages until the socket is full. */
static void
serviceFlush(DefinitionService *service, DefinitionPeer *peer)
{
    while (!g_queue_is_empty(&peer->queue)) {
        GByteArray *packet = g_queue_peek_head(&peer->queue);
        ssize_t sent;

        do {
            sent = send(peer->fd, packet->data, packet->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (sent < 0 && errno == EINTR);

        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            serviceWatch(service, peer, TRUE);
            return;
        }
        /* Other errors cause a hangup, which is detected when the socket is read. */
        peer->queued -= packet->len;
        g_byte_array_unref(g_queue_pop_head(&peer->queue));
    }
    serviceWatch(service, peer, FALSE);
}


void
serviceSend(DefinitionService *service, DefinitionPeer *peer, const DefinitionMessage *message)
{
    GByteArray *packet = definitionMessageEncode(message);

    g_return_if_fail(packet);
    if (peer->queued + packet->len > SERVICE_QUEUE_MAX) {
        g_byte_array_unref(packet);
        serviceCutOff(peer, "does not read");
        return;
    }

    peer->queued += packet->len;
    g_queue_push_tail(&peer->queue, packet);
    if (!peer->writing)
        serviceFlush(service, peer);
}


void
serviceReply(DefinitionService *service,
             DefinitionPeer *peer,
             guint32 serial,
             DefinitionKind kind,
             guint32 value,
             const char *name,
             const char *text)
{
    DefinitionMessage message = {
        .kind = kind,
        .serial = serial,
        .value = value,
        .name = name,
        .nameLen = name ? strlen(name) : 0,
        .text = text,
        .textLen = text ? strlen(text) : 0,
    };

    if (peer)
        serviceSend(service, peer, &message);
}


void
serviceReplyError(DefinitionService *service, DefinitionPeer *peer, guint32 serial, const GError *err)
{
    int code = err->domain == EMULATED_PCI_ERROR ? err->code : VIR_ERR_INTERNAL_ERROR;
    g_autofree char *valid = g_utf8_make_valid(err->message, -1);
    g_autofree char *message = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), 4096));

    serviceReply(service, peer, serial, DEFINITION_ERROR, (guint32) code, NULL, message);
}


/* Sends an event to all connections that have subscribed; DEFINITION_RELOADED to all. */
void
serviceTell(DefinitionService *service, DefinitionKind kind, guint32 value, const char *name)
{
    GHashTableIter iter;
    void *peer;

    g_hash_table_iter_init(&iter, service->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL)) {
        if (kind == DEFINITION_RELOADED || ((DefinitionPeer *) peer)->subscribed)
            serviceReply(service, peer, 0, kind, value, name, NULL);
    }
}


/* Reads one packet. Returns FALSE if the connection must be dropped. */
static gboolean
serviceRead(DefinitionService *service, DefinitionPeer *peer)
{
    DefinitionMessage message;
    ssize_t got;

    do {
        got = recv(peer->fd, service->buffer, DEFINITION_MESSAGE_MAX + 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0)
        return errno == EAGAIN;
    if (got == 0)
        return FALSE;

    if (!definitionMessageDecode(service->buffer, got, &message) ||
        !serviceHandleRequest(service, peer, &message)) {
        serviceCutOff(peer, "sent what no connection process sends");
        return FALSE;
    }
    return TRUE;
}


/* The EventFunc of a connection. */
static void
servicePeerReady(guint32 events, void *opaque)
{
    DefinitionPeer *peer = opaque;
    DefinitionService *service = peer->service;

    if (events & EPOLLOUT)
        serviceFlush(service, peer);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !serviceRead(service, peer))
        serviceDropPeer(service, peer);
}


int
definitionServiceAddPeer(DefinitionService *service, const Identity *id, gboolean readonly)
{
    DefinitionPeer *peer;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        daemonError("definitions", "socketpair: %s", g_strerror(errno));
        return -1;
    }

    peer = g_new0(DefinitionPeer, 1);
    peer->service = service;
    peer->source = (EventSource) { .func = servicePeerReady, .opaque = peer };
    peer->rightsSource = (EventSource) { .func = serviceRightsReady, .opaque = peer };
    peer->fd = fds[0];
    peer->readonly = readonly;
    peer->id = *id;
    /* The groups, up to 65536, are not required for a read-only client, whose rights are not
     * checked. */
    peer->id.groups = readonly ? NULL : g_memdup2(id->groups, id->ngroups * sizeof(gid_t));
    peer->id.ngroups = readonly ? 0 : id->ngroups;
    /* Root and the user of the daemon have all rights. */
    peer->trusted = !readonly && (id->uid == 0 || id->uid == geteuid());
    g_queue_init(&peer->queue);
    g_queue_init(&peer->unjudged);

    if (!eventLoopWatch(service->loop, &peer->source, peer->fd, EPOLLIN)) {
        daemonError("definitions", "epoll_ctl: %s", g_strerror(errno));
        servicePeerFree(peer);
        close(fds[1]);
        return -1;
    }
    g_hash_table_add(service->peers, peer);
    return fds[1];
}
