/*
 * sessionpeer.h: a connection of the daemon in this process
 *
 * The caller plays the client and libvirtd. No function waits, so every run has the same result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_service.h"
#include "rpc_message.h"
#include "session.h"

typedef struct {
    Session *session;           /* NULL: it has ended */
    SessionState state;
    SessionOptions opts;
    DefinitionService *service;
    volatile sig_atomic_t stop;
    sigset_t sigmask;
    int client;                 /* the caller's ends of the sockets */
    int upstream;
} SessionPeer;

/* sessionPeerNew:
 * @readonly: whether the client came through the read-only socket
 * @definitions: a directory of definitions, or NULL
 *
 * Returns a connection, which sessionPeerFree() frees. */
SessionPeer *sessionPeerNew(gboolean readonly, const char *definitions);
void sessionPeerFree(SessionPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SessionPeer, sessionPeerFree)

/* Processes all pending work without waiting. */
void sessionPeerSettle(SessionPeer *peer);

/* sessionPeerSend:
 * @peer: the connection
 * @fd: its client or upstream
 * @data: bytes
 * @len: how many
 *
 * Sends and settles. Data that the connection does not read is lost. */
void sessionPeerSend(SessionPeer *peer, int fd, const void *data, gsize len);

/* Sends a frame with that HEADER and PAYLOAD, which may be NULL, in the same way. */
void sessionPeerSendFrame(SessionPeer *peer, int fd, RPCHeader header, const GByteArray *payload);

/* sessionPeerReceive:
 * @fd: client or upstream
 * @header: is filled in
 *
 * Returns the next frame that the connection has sent there, with its header; NULL if
 * there is none. */
GByteArray *sessionPeerReceive(int fd, RPCHeader *header);
