/*
 * fuzz-definition-service.c: any packets from a connection's process
 *
 * The bytes are packets, each after a byte with its length. They are sent to the definitions
 * service as by the process of a read-only client, which any user can have. Afterwards, another
 * connection must be served, and no new definition may exist.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "definition_message.h"
#include "definition_service.h"

#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>


static void
settle(DefinitionService *service)
{
    struct pollfd pfd = { .fd = definitionServiceFD(service), .events = POLLIN };

    while (poll(&pfd, 1, 0) > 0)
        definitionServiceDispatch(service);
}


/* Sends PACKET and lets the service process it. */
static void
give(DefinitionService *service, int fd, const void *packet, gsize len)
{
    if (send(fd, packet, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
    settle(service);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const Identity id = { .uid = geteuid(), .gid = getegid() };
    const DefinitionMessage list = { .kind = DEFINITION_LIST, .serial = 7 };
    g_autoptr(GByteArray) packet = definitionMessageEncode(&list);
    DefinitionService *service = definitionServiceNew(NULL);
    int bad = definitionServiceAddPeer(service, &id, TRUE);
    int good = definitionServiceAddPeer(service, &id, TRUE);
    guint8 buffer[4096];
    DefinitionMessage message;
    ssize_t got;

    while (size > 0) {
        gsize len = MIN(data[0], size - 1);

        if (len > 0)
            give(service, bad, data + 1, len);
        data += 1 + len;
        size -= 1 + len;
    }

    give(service, good, packet->data, packet->len);
    got = recv(good, buffer, sizeof(buffer), MSG_DONTWAIT);
    g_assert_cmpint(got, >, 0);
    g_assert_true(definitionMessageDecode(buffer, got, &message));
    g_assert_cmpuint(message.kind, ==, DEFINITION_NAMES);
    g_assert_cmpuint(message.serial, ==, 7);
    g_assert_cmpuint(message.textLen, ==, 0);

    close(good);
    close(bad);
    definitionServiceFree(service);
    return 0;
}
