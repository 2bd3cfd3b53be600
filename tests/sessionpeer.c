/*
 * sessionpeer.c: a connection of the daemon in this process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "sessionpeer.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* More steps than any exchange requires. A closed socket always looks as if it had data. */
#define PEER_STEPS_MAX 300


/* A launch directory with the launcher of QEMU_DIR/qemu-system-x86_64, used by all connections. */
static char *peerLaunchDir;
static char *peerLauncher;


static void
peerRemoveLaunchDir(void)
{
    g_remove(peerLauncher);
    g_rmdir(peerLaunchDir);
    g_free(peerLauncher);
    g_free(peerLaunchDir);
}


static const char *
peerGetLaunchDir(void)
{
    if (!peerLaunchDir) {
        peerLaunchDir = g_dir_make_tmp("emulatedpci.XXXXXX", NULL);
        g_assert_nonnull(peerLaunchDir);
        peerLauncher = g_build_filename(peerLaunchDir, "qemu-system-x86_64", NULL);
        g_assert_true(g_file_set_contents(peerLauncher, "", 0, NULL));
        atexit(peerRemoveLaunchDir);
    }
    return peerLaunchDir;
}


SessionPeer *
sessionPeerNew(gboolean readonly, const char *definitions)
{
    SessionPeer *peer = g_new0(SessionPeer, 1);
    Identity id = { .uid = geteuid(), .gid = getegid() };
    int client[2];
    int upstream[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, upstream), ==, 0);
    peer->client = client[0];
    peer->upstream = upstream[0];
    sigemptyset(&peer->sigmask);

    peer->service = definitionServiceNew(NULL);
    g_assert_nonnull(peer->service);
    if (definitions)
        g_assert_true(definitionServiceLoad(peer->service, NULL, definitions, NULL));

    peer->opts = (SessionOptions) {
        .client = client[1],
        .upstream = upstream[1],
        .readonly = readonly,
        .lock = -1,
        .definitions = definitionServiceAddPeer(peer->service, &id, readonly),
        .schemaDir = "/nonexistent",
        .projection = { .launchDir = peerGetLaunchDir() },
        .stop = &peer->stop,
        .sigmask = &peer->sigmask,
    };
    peer->session = sessionNew(&peer->opts);
    peer->state = SESSION_RUNS;
    return peer;
}


static void
peerEnd(SessionPeer *peer)
{
    if (!peer->session)
        return;
    g_clear_pointer(&peer->session, sessionFree);
    close(peer->opts.client);
    close(peer->opts.upstream);
}


void
sessionPeerFree(SessionPeer *peer)
{
    if (!peer)
        return;

    peerEnd(peer);
    definitionServiceFree(peer->service);
    close(peer->client);
    close(peer->upstream);
    g_free(peer);
}


static gboolean
peerHasWork(const SessionPeer *peer)
{
    struct pollfd fds[] = {
        { .fd = peer->opts.client, .events = POLLIN },
        { .fd = peer->opts.upstream, .events = POLLIN },
        { .fd = definitionServiceFD(peer->service), .events = POLLIN },
    };

    return poll(fds, G_N_ELEMENTS(fds), 0) > 0;
}


void
sessionPeerSettle(SessionPeer *peer)
{
    int idle = 0;
    int i;

    /* The messages of the service are only visible in the next step. */
    for (i = 0; peer->session && idle < 3 && i < PEER_STEPS_MAX; i++) {
        idle = peerHasWork(peer) ? 0 : idle + 1;
        definitionServiceDispatch(peer->service);
        peer->state = sessionStep(peer->session, 0);
        if (peer->state != SESSION_RUNS)
            peerEnd(peer);
    }
}


void
sessionPeerSend(SessionPeer *peer, int fd, const void *data, gsize len)
{
    const guint8 *bytes = data;

    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        /* The socket is full: unless the connection reads from it now, it never will. */
        if (sent < 0) {
            sessionPeerSettle(peer);
            sent = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        if (sent < 0)
            break;
        bytes += sent;
        len -= sent;
    }
    sessionPeerSettle(peer);
}


void
sessionPeerSendFrame(SessionPeer *peer, int fd, RPCHeader header, const GByteArray *payload)
{
    g_autoptr(GByteArray) frame = rpcMessageNew(&header);

    if (payload)
        g_byte_array_append(frame, payload->data, payload->len);
    rpcMessageFinish(frame);
    sessionPeerSend(peer, fd, frame->data, frame->len);
}


GByteArray *
sessionPeerReceive(int fd, RPCHeader *header)
{
    g_autoptr(GByteArray) frame = g_byte_array_new();
    guint8 head[RPC_HEADER_SIZE];

    if (recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT) != (ssize_t) sizeof(head))
        return NULL;
    rpcHeaderDecode(head, header);
    g_assert_true(rpcLengthIsValid(header->length));
    g_byte_array_set_size(frame, header->length);
    if (recv(fd, frame->data, frame->len, MSG_PEEK | MSG_DONTWAIT) != (ssize_t) frame->len)
        return NULL;
    g_assert_cmpint(recv(fd, frame->data, frame->len, MSG_DONTWAIT), ==, frame->len);
    return g_steal_pointer(&frame);
}
