/*
 * definitionclienttest.c: a connection as a client of the definitions service
 *
 * The test plays the service and the connection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "testutils.h"

#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QEMU "/bin/sh"                  /* a program that exists */
#define LAUNCHER "/nonexistent/qemu"

typedef struct {
    RelayPort port;
    DefinitionClient *client;
    int service;
} Fixture;


static void
setUp(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
    fixture->service = fds[0];
    fixture->client = definitionClientNew(&fixture->port, fds[1]);
}


static void
tearDown(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    RelayJob *job = definitionClientJob(fixture->client);

    job->ops->free(job);
    close(fixture->service);
}


/* The service sends a reply to the request SERIAL. */
static void
reply(const Fixture *fixture, guint32 serial, DefinitionKind kind, const char *text)
{
    const DefinitionMessage message = {
        .kind = kind,
        .serial = serial,
        .value = kind == DEFINITION_ERROR ? VIR_ERR_INTERNAL_ERROR : 0,
        .text = text,
        .textLen = strlen(text),
    };
    g_autoptr(GByteArray) packet = definitionMessageEncode(&message);

    g_assert_cmpint(send(fixture->service, packet->data, packet->len, MSG_NOSIGNAL), ==,
                    packet->len);
}


/* Returns the serial of the request to make a launcher that has been sent. */
static guint32
receiveLink(const Fixture *fixture)
{
    static guint8 buffer[DEFINITION_MESSAGE_MAX];
    DefinitionMessage message;
    ssize_t got = recv(fixture->service, buffer, sizeof(buffer), MSG_DONTWAIT);

    g_assert_cmpint(got, >, 0);
    g_assert_true(definitionMessageDecode(buffer, got, &message));
    g_assert_cmpuint(message.kind, ==, DEFINITION_LINK);
    g_assert_cmpmem(message.name, message.nameLen, QEMU, strlen(QEMU));
    return message.serial;
}


static void
assertFails(const Fixture *fixture, const char *reason)
{
    g_autoptr(GError) err = NULL;

    g_assert_false(definitionClientLauncher(QEMU, LAUNCHER, fixture->client, &err));
    g_assert_nonnull(strstr(err->message, reason));
}


/* A reply that arrives after the timeout is not used as the reply to the next request. */
static void
testLateReply(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GError) err = NULL;
    guint32 serial;

    fixture->client->linkTimeout = 1;
    assertFails(fixture, "no reply from the definitions service");
    serial = receiveLink(fixture);
    fixture->client->linkTimeout = DEFINITION_LINK_TIMEOUT;

    reply(fixture, serial, DEFINITION_DONE, "");
    reply(fixture, serial + 1, DEFINITION_ERROR, "the second one");
    assertFails(fixture, "the second one");
    g_assert_cmpuint(receiveLink(fixture), ==, serial + 1);

    /* The error of a late reply is not kept for later, either. */
    fixture->client->linkTimeout = 1;
    assertFails(fixture, "no reply from the definitions service");
    g_assert_cmpuint(receiveLink(fixture), ==, serial + 2);
    fixture->client->linkTimeout = DEFINITION_LINK_TIMEOUT;
    reply(fixture, serial + 2, DEFINITION_ERROR, "the third one");
    reply(fixture, serial + 3, DEFINITION_DONE, "");
    g_assert_true(definitionClientLauncher(QEMU, LAUNCHER, fixture->client, &err));
    g_assert_no_error(err);
}


/* The end of the service is noticed at once, and no request is sent after it. */
static void
testServiceEnds(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_assert_cmpint(shutdown(fixture->service, SHUT_RDWR), ==, 0);
    assertFails(fixture, "the definitions service has exited");
    assertFails(fixture, "no reply from the definitions service");
    g_assert_cmpint(definitionClientJob(fixture->client)->ops->descriptor(
                        definitionClientJob(fixture->client)), ==, -1);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);
    g_test_add("/definition-client/late-reply", Fixture, NULL, setUp, testLateReply, tearDown);
    g_test_add("/definition-client/service-ends", Fixture, NULL, setUp, testServiceEnds, tearDown);
    return g_test_run();
}
