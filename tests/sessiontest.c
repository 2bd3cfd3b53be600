/*
 * sessiontest.c: a connection whose client violates the protocol
 *
 * The test plays the client and libvirtd.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_xdr.h"
#include "session_private.h"
#include "sessionpeer.h"
#include "testutils.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTH_LIST 66
#define OPEN 1
#define GET_TYPE 3

#define UUID "5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e3a11"
#define DEVICE_UUID "c7a3c5a2-7cf0-4d9b-b7e4-3c5a1c1f0a77"

#define DEVICE \
    "<emulatedpci definition='" DEVICE_UUID "' devicename='test'><config vendorid='0x5853' " \
    "deviceid='0xc001' command='0' status='0' revision='1' classcode='0xff0000' headertype='0' " \
    "subvendorid='1' subsystemid='2' interruptline='0' interruptpin='0'/></emulatedpci>"

#define DOMAIN(devices) \
    "<domain type='qemu'>\n  <name>test</name>\n  <uuid>" UUID "</uuid>\n  <memory>65536</memory>\n" \
    "  <os>\n    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>\n  </os>\n" \
    "  <devices>\n    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n" devices \
    "\n  </devices>\n</domain>\n"

#define DEFINITION \
    "<device><name>emulatedpci_test</name><uuid>" DEVICE_UUID "</uuid>" \
    "<capability type='emulatedpci' devicename='test'><config vendorid='0x5853' " \
    "deviceid='0xc001'/></capability></device>"


static RPCHeader
header(guint32 procedure, RPCType type, guint32 serial)
{
    return (RPCHeader) { 0, RPC_PROGRAM_REMOTE, 1, procedure, type, serial, RPC_OK };
}


static void
call(SessionPeer *peer, guint32 procedure, guint32 serial, const GByteArray *payload)
{
    sessionPeerSendFrame(peer, peer->client, header(procedure, RPC_CALL, serial), payload);
}


static void
reply(SessionPeer *peer, const RPCHeader *to, const GByteArray *payload)
{
    sessionPeerSendFrame(peer, peer->upstream, header(to->procedure, RPC_REPLY, to->serial),
                         payload);
}


static GByteArray *
openArguments(guint32 flags)
{
    GByteArray *payload = g_byte_array_new();

    rpcWriteOptString(payload, "qemu:///system", strlen("qemu:///system"));
    rpcWriteU32(payload, flags);
    return payload;
}


/* Returns a connection that libvirtd has accepted. */
static SessionPeer *
opened(gboolean readonly, guint32 flags, const char *definitions)
{
    SessionPeer *peer = sessionPeerNew(readonly, definitions);
    g_autoptr(GByteArray) arguments = openArguments(flags);
    g_autoptr(GByteArray) got = NULL;
    g_autoptr(GByteArray) answer = NULL;
    RPCHeader head;

    call(peer, OPEN, 1, arguments);
    got = sessionPeerReceive(peer->upstream, &head);
    g_assert_nonnull(got);
    reply(peer, &head, NULL);
    answer = sessionPeerReceive(peer->client, &head);
    g_assert_nonnull(answer);
    g_assert_true(peer->session->open);
    return peer;
}


static void
writeDomain(GByteArray *payload)
{
    static const guint8 uuid[16] = {
        0x5f, 0x1e, 0x7c, 0x52, 0x9f, 0x36, 0x4f, 0x7a, 0x9f, 0x1c, 0x0d, 0x6c, 0x9a, 0x4e, 0x3a, 0x11,
    };

    rpcWriteString(payload, "test", 4);
    g_byte_array_append(payload, uuid, sizeof(uuid));
    rpcWriteI32(payload, -1);
}


static GByteArray *
xmlArguments(gboolean domain, const char *xml, guint32 flags)
{
    GByteArray *payload = g_byte_array_new();

    if (domain)
        writeDomain(payload);
    rpcWriteString(payload, xml, strlen(xml));
    rpcWriteU32(payload, flags);
    return payload;
}


/* libvirtd gets the call unchanged, and no operation is started for it. */
static void
assertPasses(SessionPeer *peer, guint32 procedure, guint32 serial, const GByteArray *payload)
{
    g_autoptr(GByteArray) got = NULL;
    RPCHeader head;

    call(peer, procedure, serial, payload);
    got = sessionPeerReceive(peer->upstream, &head);
    g_assert_nonnull(got);
    g_assert_cmpuint(head.procedure, ==, procedure);
    g_assert_cmpuint(head.serial, ==, serial);
    g_assert_cmpmem(got->data + RPC_HEADER_SIZE, got->len - RPC_HEADER_SIZE, payload->data, payload->len);
    g_assert_null(peer->session->device);
    g_assert_null(peer->session->validate);
    g_assert_false(peer->session->busy);
}


static void
assertAllPass(SessionPeer *peer)
{
    g_autoptr(GByteArray) define = xmlArguments(FALSE, DOMAIN(DEVICE), VIR_DOMAIN_DEFINE_VALIDATE);
    g_autoptr(GByteArray) attach = xmlArguments(TRUE, DEVICE, VIR_DOMAIN_AFFECT_CONFIG);
    g_autoptr(GByteArray) domain = g_byte_array_new();
    g_autoptr(GByteArray) device = xmlArguments(FALSE, DEFINITION, 1);

    writeDomain(domain);
    rpcWriteU32(domain, 0);
    assertPasses(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, 10, define);
    assertPasses(peer, PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS, 11, attach);
    assertPasses(peer, 231, 12, domain);        /* DOMAIN_UNDEFINE_FLAGS */
    assertPasses(peer, PROCEDURE_NODE_DEVICE_DEFINE_XML, 13, device);
}


static void
testRefusedAnyway(void)
{
    SessionPeer *closed = sessionPeerNew(FALSE, NULL);
    SessionPeer *socket = opened(TRUE, 0, NULL);
    SessionPeer *flag = opened(FALSE, VIR_CONNECT_RO, NULL);

    assertAllPass(closed);
    socket->session->busy = flag->session->busy = FALSE;
    assertAllPass(socket);
    assertAllPass(flag);
    sessionPeerFree(closed);
    sessionPeerFree(socket);
    sessionPeerFree(flag);
}


/* A call that comes before the reply to CONNECT_OPEN waits for it. */
static void
testOpening(void)
{
    g_autoptr(SessionPeer) peer = sessionPeerNew(FALSE, NULL);
    g_autoptr(GByteArray) arguments = openArguments(0);
    g_autoptr(GByteArray) define = xmlArguments(FALSE, DOMAIN(DEVICE), 0);
    g_autoptr(GByteArray) open = NULL;
    g_autoptr(GByteArray) got = NULL;
    RPCHeader head;
    RPCHeader next;

    call(peer, OPEN, 1, arguments);
    call(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, 2, define);
    open = sessionPeerReceive(peer->upstream, &head);
    g_assert_nonnull(open);
    g_assert_null(sessionPeerReceive(peer->upstream, &next));
    reply(peer, &head, NULL);
    got = sessionPeerReceive(peer->upstream, &next);
    g_assert_nonnull(got);
    g_assert_cmpuint(next.procedure, ==, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS);
    g_assert_nonnull(memmem(got->data, got->len, "lsilogic", strlen("lsilogic")));
}


/* Two calls have the same serial, so a reply would be ambiguous. */
static void
testDuplicateSerial(void)
{
    g_autoptr(SessionPeer) peer = sessionPeerNew(FALSE, NULL);
    g_autoptr(GByteArray) arguments = openArguments(0);
    g_autoptr(GByteArray) both = g_byte_array_new();
    RPCHeader head = header(AUTH_LIST, RPC_CALL, 7);
    g_autoptr(GByteArray) first = rpcMessageNew(&head);
    g_autoptr(GByteArray) second = NULL;
    g_autoptr(GByteArray) got = NULL;

    rpcMessageFinish(first);
    head.procedure = OPEN;
    second = rpcMessageNew(&head);
    g_byte_array_append(second, arguments->data, arguments->len);
    rpcMessageFinish(second);
    g_byte_array_append(both, first->data, first->len);
    g_byte_array_append(both, second->data, second->len);

    sessionPeerSend(peer, peer->client, both->data, both->len);
    g_assert_cmpint(peer->state, ==, SESSION_BROKEN);
    got = sessionPeerReceive(peer->upstream, &head);
    g_assert_nonnull(got);
    g_assert_cmpuint(head.procedure, ==, AUTH_LIST);
    g_assert_null(sessionPeerReceive(peer->upstream, &head));
}


/* A serial may be used again after the reply. */
static void
testSerialAgain(void)
{
    g_autoptr(SessionPeer) peer = opened(FALSE, 0, NULL);
    RPCHeader head;
    int i;

    for (i = 0; i < 3; i++) {
        g_autoptr(GByteArray) got = NULL;
        g_autoptr(GByteArray) answer = NULL;

        call(peer, GET_TYPE, 5, NULL);
        got = sessionPeerReceive(peer->upstream, &head);
        g_assert_nonnull(got);
        reply(peer, &head, NULL);
        answer = sessionPeerReceive(peer->client, &head);
        g_assert_nonnull(answer);
    }
    g_assert_cmpuint(callTableSize(peer->session->calls), ==, 0);
}


/* A reply with the right serial and another procedure is not accepted. */
static void
testOtherReply(void)
{
    g_autoptr(SessionPeer) peer = sessionPeerNew(FALSE, NULL);
    g_autoptr(GByteArray) arguments = openArguments(0);
    g_autoptr(GByteArray) got = NULL;
    RPCHeader head;
    RPCHeader other;

    call(peer, OPEN, 5, arguments);
    got = sessionPeerReceive(peer->upstream, &head);
    g_assert_nonnull(got);
    other = head;
    other.procedure = AUTH_LIST;
    reply(peer, &other, NULL);
    g_assert_false(peer->session->open);
    reply(peer, &head, NULL);
    g_assert_true(peer->session->open);
}


/* Returns the next frame of PROCEDURE that libvirtd received; frames of other procedures are
 * counted, too. */
static GByteArray *
nextCall(SessionPeer *peer, guint32 procedure, RPCHeader *head)
{
    GByteArray *got = sessionPeerReceive(peer->upstream, head);

    g_assert_nonnull(got);
    g_assert_cmpuint(head->procedure, ==, procedure);
    return got;
}


/* A device with a definition's UUID and all fields is attached once. */
static void
testDefinitionOnce(void)
{
    g_autofree char *dir = g_dir_make_tmp("sessiontest.XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "emulatedpci_test.xml", NULL);
    g_autoptr(GByteArray) attach = xmlArguments(TRUE, DEVICE, VIR_DOMAIN_AFFECT_CONFIG);
    g_autoptr(GByteArray) xml = g_byte_array_new();
    g_autoptr(GByteArray) get = NULL;
    g_autoptr(GByteArray) define = NULL;
    g_autoptr(GByteArray) answer = NULL;
    SessionPeer *peer;
    const char *first;
    RPCHeader head;

    g_assert_true(g_file_set_contents(path, DEFINITION, -1, NULL));
    peer = opened(FALSE, 0, dir);
    call(peer, PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS, 9, attach);
    get = nextCall(peer, PROCEDURE_DOMAIN_GET_XML_DESC, &head);
    g_assert_null(sessionPeerReceive(peer->upstream, &head));

    rpcHeaderDecode(get->data, &head);
    rpcWriteString(xml, DOMAIN(""), strlen(DOMAIN("")));
    reply(peer, &head, xml);
    define = nextCall(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, &head);
    first = memmem(define->data, define->len, "lsilogic", strlen("lsilogic"));
    g_assert_nonnull(first);
    first += strlen("lsilogic");
    g_assert_null(memmem(first, define->len - (first - (const char *) define->data), "lsilogic",
                         strlen("lsilogic")));
    g_assert_nonnull(memmem(define->data, define->len, "emulatedpci_test", strlen("emulatedpci_test")));
    reply(peer, &head, NULL);

    answer = sessionPeerReceive(peer->client, &head);
    g_assert_nonnull(answer);
    g_assert_cmpuint(head.serial, ==, 9);
    g_assert_cmpuint(head.status, ==, RPC_OK);
    g_assert_null(sessionPeerReceive(peer->client, &head));
    g_assert_null(sessionPeerReceive(peer->upstream, &head));
    sessionPeerFree(peer);
    g_unlink(path);
    g_rmdir(dir);
}


/* Runs the connection until it ends; returns how long that took, in ms. */
static gint64
runToEnd(SessionPeer *peer)
{
    const gint64 start = g_get_monotonic_time();

    do {
        peer->state = sessionStep(peer->session, 60000);
    } while (peer->state == SESSION_RUNS && g_get_monotonic_time() - start < 60 * G_USEC_PER_SEC);
    return (g_get_monotonic_time() - start) / 1000;
}


/* The client sends half a frame while a domain is locked: the daemon cannot send anything to
 * libvirtd after it. */
static void
testLockLost(void)
{
    g_autoptr(SessionPeer) peer = opened(FALSE, 0, NULL);
    g_autoptr(GByteArray) define = xmlArguments(FALSE, DOMAIN(""), 0);
    g_autoptr(GByteArray) got = NULL;
    RPCHeader head = header(GET_TYPE, RPC_CALL, 20);
    guint8 half[RPC_HEADER_SIZE];
    gint64 took;

    call(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, 19, define);
    got = nextCall(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, &head);
    g_assert_nonnull(peer->session->device);

    head = header(GET_TYPE, RPC_CALL, 20);
    head.length = 1000;
    rpcHeaderEncode(half, &head);
    sessionPeerSend(peer, peer->client, half, sizeof(half));
    g_assert_cmpint(peer->state, ==, SESSION_RUNS);

    took = runToEnd(peer);
    g_assert_cmpint(peer->state, ==, SESSION_BROKEN);
    g_assert_cmpint(took, >=, 4000);
    g_assert_cmpint(took, <, 25000);
}


/* An incomplete frame of the client does not delay the end of the session. */
static void
testStop(void)
{
    g_autoptr(SessionPeer) begun = opened(FALSE, 0, NULL);
    g_autoptr(SessionPeer) half = opened(FALSE, 0, NULL);
    RPCHeader head = header(GET_TYPE, RPC_CALL, 20);
    guint8 bytes[RPC_HEADER_SIZE];

    head.length = 1000;
    rpcHeaderEncode(bytes, &head);
    sessionPeerSend(begun, begun->client, bytes, 3);
    begun->stop = 1;
    g_assert_cmpint(runToEnd(begun), <, 1000);
    g_assert_cmpint(begun->state, ==, SESSION_ENDED);

    sessionPeerSend(half, half->client, bytes, sizeof(bytes));
    half->stop = 1;
    g_assert_cmpint(runToEnd(half), <, 8000);
    g_assert_cmpint(half->state, ==, SESSION_BROKEN);
}


/* A list that libvirtd could not complete is an error, unless it has no node devices. */
static void
testList(void)
{
    static const struct {
        int code;
        int errnum;
        guint32 status;
    } errors[] = {
        { VIR_ERR_NO_SUPPORT, 0, RPC_OK },
        { VIR_ERR_NO_CONNECT, 0, RPC_OK },
        { VIR_ERR_SYSTEM_ERROR, ENOENT, RPC_OK },
        { VIR_ERR_SYSTEM_ERROR, ECONNREFUSED, RPC_ERROR },
        { VIR_ERR_SYSTEM_ERROR, EMFILE, RPC_ERROR },
        { VIR_ERR_INTERNAL_ERROR, 0, RPC_ERROR },
        { VIR_ERR_OPERATION_DENIED, 0, RPC_ERROR },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autoptr(SessionPeer) peer = opened(FALSE, 0, NULL);
        g_autoptr(GByteArray) arguments = g_byte_array_new();
        g_autoptr(GByteArray) got = NULL;
        g_autoptr(GByteArray) error = NULL;
        g_autoptr(GByteArray) answer = NULL;
        RPCHeader head;

        rpcWriteU32(arguments, 1);
        rpcWriteU32(arguments, 0);
        call(peer, PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES, 9, arguments);
        got = nextCall(peer, PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES, &head);
        error = rpcMessageNewError(&head, errors[i].code, VIR_FROM_NODEDEV, "no", errors[i].errnum);
        sessionPeerSend(peer, peer->upstream, error->data, error->len);
        answer = sessionPeerReceive(peer->client, &head);
        g_assert_nonnull(answer);
        g_assert_cmpuint(head.serial, ==, 9);
        g_assert_cmpuint(head.status, ==, errors[i].status);
    }
}


/* Calls without a reply are limited. */
static void
testManyCalls(void)
{
    g_autoptr(SessionPeer) peer = opened(FALSE, 0, NULL);
    guint32 serial;

    for (serial = 100; serial < 100 + 3 * CALL_TABLE_MAX; serial++) {
        RPCHeader head = header(GET_TYPE, RPC_CALL, serial);
        guint8 bytes[RPC_HEADER_SIZE];

        head.length = RPC_HEADER_SIZE;
        rpcHeaderEncode(bytes, &head);
        if (send(peer->client, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        if (serial % 64 == 0) {
            guint8 sink[8192];

            sessionPeerSettle(peer);
            while (recv(peer->upstream, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
        }
    }
    sessionPeerSettle(peer);
    g_assert_cmpuint(callTableSize(peer->session->calls), ==, CALL_TABLE_MAX);
}


/* If a client disconnects, its validating process ends, too. */
static void
testValidateLeaves(void)
{
    g_autoptr(SessionPeer) peer = opened(FALSE, 0, NULL);
    g_autoptr(GByteArray) define = xmlArguments(FALSE, DOMAIN(DEVICE), VIR_DOMAIN_DEFINE_VALIDATE);
    g_autofree char *dir = g_dir_make_tmp("emulatedpci.XXXXXX", NULL);
    g_autofree char *schema = g_build_filename(dir, "domain.rng", NULL);

    /* The schema is a pipe without a writer: the process waits for it. */
    g_assert_cmpint(mkfifo(schema, 0600), ==, 0);
    peer->opts.schemaDir = dir;
    call(peer, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, 2, define);
    g_assert_nonnull(peer->session->validate);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, 0);

    g_assert_cmpint(shutdown(peer->client, SHUT_RDWR), ==, 0);
    sessionPeerSettle(peer);
    g_assert_cmpint(peer->state, ==, SESSION_ENDED);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
    g_remove(schema);
    g_rmdir(dir);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/session/refused-anyway", testRefusedAnyway);
    g_test_add_func("/session/opening", testOpening);
    g_test_add_func("/session/duplicate-serial", testDuplicateSerial);
    g_test_add_func("/session/serial-again", testSerialAgain);
    g_test_add_func("/session/other-reply", testOtherReply);
    g_test_add_func("/session/definition-once", testDefinitionOnce);
    g_test_add_func("/session/lock-lost", testLockLost);
    g_test_add_func("/session/stop", testStop);
    g_test_add_func("/session/list", testList);
    g_test_add_func("/session/many-calls", testManyCalls);
    g_test_add_func("/session/validate-leaves", testValidateLeaves);
    return g_test_run();
}
