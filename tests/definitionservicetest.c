/*
 * definitionservicetest.c: the listener's definitions, and connection processes
 * that misbehave
 *
 * The test plays the connection processes, including one that is controlled by a malicious client.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_message.h"
#include "definition_service.h"
#include "testutils.h"

#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The time limit for events that the test only waits for, in seconds */
#define LIMIT 60

#define DEFINITION(name) \
    "<device><name>" name "</name><capability type='emulatedpci' devicename='test'>" \
    "<config vendorid='0x5853' deviceid='0xc001'/></capability></device>"

typedef struct {
    DefinitionService *service;
    char *dir;
} Fixture;

static guint32 serial;
static guint8 buffer[DEFINITION_MESSAGE_MAX + 1];


static void
setUp(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GError) err = NULL;
    GStrv paths = g_new0(char *, 2);

    fixture->dir = g_dir_make_tmp("definitionservicetest.XXXXXX", &err);
    g_assert_no_error(err);
    fixture->service = definitionServiceNew(&err);
    g_assert_no_error(err);

    /* There is no upstream daemon. */
    paths[0] = g_build_filename(fixture->dir, "none", NULL);
    definitionServiceSetUpstream(fixture->service, paths, NULL, FALSE);
    definitionServiceLoad(fixture->service, NULL, fixture->dir, &err);
    g_assert_no_error(err);
}


static void
tearDown(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    definitionServiceFree(fixture->service);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(fixture->dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(fixture->dir);
    g_free(fixture->dir);
}


static int
addPeer(Fixture *fixture, gboolean readonly)
{
    Identity id = { .uid = geteuid(), .gid = getegid() };
    int fd = definitionServiceAddPeer(fixture->service, &id, readonly);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}


static guint32
ask(int fd, DefinitionKind kind, guint32 value, const char *name, const char *text)
{
    DefinitionMessage message = {
        .kind = kind,
        .serial = ++serial,
        .value = value,
        .name = name,
        .nameLen = strlen(name),
        .text = text,
        .textLen = strlen(text),
    };
    g_autoptr(GByteArray) packet = definitionMessageEncode(&message);

    g_assert_cmpint(send(fd, packet->data, packet->len, MSG_NOSIGNAL), ==, packet->len);
    return serial;
}


/* Lets the service work until data can be read from FD. */
static void
work(Fixture *fixture, int fd)
{
    gint64 deadline = g_get_monotonic_time() + LIMIT * G_USEC_PER_SEC;

    while (g_get_monotonic_time() < deadline) {
        struct pollfd fds[2] = {
            { .fd = definitionServiceFD(fixture->service), .events = POLLIN },
            { .fd = fd, .events = POLLIN },
        };

        poll(fds, 2, 1000);
        if (fds[1].revents)
            return;
        definitionServiceDispatch(fixture->service);
    }
    g_assert_not_reached();
}


/* Lets the service process all pending requests. */
static void
settle(Fixture *fixture)
{
    struct pollfd pfd = { .fd = definitionServiceFD(fixture->service), .events = POLLIN };

    while (poll(&pfd, 1, 0) > 0)
        definitionServiceDispatch(fixture->service);
}


static void
answer(Fixture *fixture, int fd, DefinitionMessage *message)
{
    ssize_t got;

    work(fixture, fd);
    got = recv(fd, buffer, sizeof(buffer), 0);
    g_assert_cmpint(got, >, 0);
    g_assert_true(definitionMessageDecode(buffer, got, message));
}


/* Returns the code of the error, or 0. */
static guint32
result(Fixture *fixture, int fd, guint32 expected)
{
    DefinitionMessage message;

    answer(fixture, fd, &message);
    g_assert_cmpuint(message.serial, ==, expected);
    return message.kind == DEFINITION_ERROR ? message.value : 0;
}


static guint32
change(Fixture *fixture, int fd, DefinitionKind kind, const char *name, const char *text)
{
    return result(fixture, fd, ask(fd, kind, 0, name, text));
}


static void
assertCutOff(Fixture *fixture, int fd)
{
    ssize_t got;

    do {
        work(fixture, fd);
        got = recv(fd, buffer, sizeof(buffer), 0);
    } while (got > 0);
    close(fd);
}


static void
testReadOnly(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    static const DefinitionKind kinds[] = {
        DEFINITION_DEFINE, DEFINITION_CREATE, DEFINITION_UNDEFINE, DEFINITION_DESTROY, DEFINITION_START,
        DEFINITION_SET_AUTOSTART,
    };
    int writer = addPeer(fixture, FALSE);
    int reader = addPeer(fixture, TRUE);
    gsize i;

    g_assert_cmpuint(change(fixture, writer, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==, 0);
    for (i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_assert_cmpuint(change(fixture, reader, kinds[i], "emulatedpci_a",
                                DEFINITION("emulatedpci_b")), ==, VIR_ERR_OPERATION_DENIED);
    }
    g_assert_cmpuint(change(fixture, reader, DEFINITION_GET, "emulatedpci_a", ""), ==, 0);
    g_assert_cmpuint(change(fixture, reader, DEFINITION_GET, "emulatedpci_b", ""), ==,
                     VIR_ERR_NO_NODE_DEVICE);
    close(reader);
    close(writer);
}


/* The user is not permitted by upstream, which does not exist. */
static void
testStranger(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    Identity id = { .uid = 65534 == geteuid() ? 65533 : 65534, .gid = 65534 };
    int fd = definitionServiceAddPeer(fixture->service, &id, FALSE);
    g_autofree char *path = g_build_filename(fixture->dir, "emulatedpci_a.xml", NULL);

    g_assert_cmpuint(change(fixture, fd, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==,
                     VIR_ERR_OPERATION_DENIED);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    close(fd);
}


/* libvirtd does not reply to the question whether a user may change definitions. Only the requests
 * of this user wait. */
static void
testSlowRights(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    const Identity nobody = { .uid = 65534, .gid = 65534 };
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    g_autofree char *path = g_build_filename(fixture->dir, "none", NULL);
    int sock;
    int strangers[6];
    int trusted;
    gsize i;

    if (geteuid() != 0) {
        g_test_skip("only root can ask as another user");
        return;
    }

    /* Clients that connect to this socket wait for ever. */
    g_assert_cmpuint(g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)), <, sizeof(addr.sun_path));
    sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(sock, (struct sockaddr *) &addr, sizeof(addr)), ==, 0);
    g_assert_cmpint(listen(sock, 100), ==, 0);
    g_assert_cmpint(chmod(path, 0777), ==, 0);
    g_assert_cmpint(chmod(fixture->dir, 0755), ==, 0);

    for (i = 0; i < G_N_ELEMENTS(strangers); i++) {
        strangers[i] = definitionServiceAddPeer(fixture->service, &nobody, FALSE);
        ask(strangers[i], DEFINITION_DEFINE, 0, "", DEFINITION("emulatedpci_a"));
    }
    settle(fixture);
    g_assert_cmpint(definitionServiceTimeout(fixture->service), >, 0);
    g_assert_cmpint(definitionServiceTimeout(fixture->service), <=, 36000);

    trusted = addPeer(fixture, FALSE);
    g_assert_cmpuint(change(fixture, trusted, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_b")), ==, 0);
    g_assert_cmpuint(change(fixture, trusted, DEFINITION_GET, "emulatedpci_b", ""), ==, 0);
    g_assert_cmpuint(change(fixture, trusted, DEFINITION_GET, "emulatedpci_a", ""), ==,
                     VIR_ERR_NO_NODE_DEVICE);

    /* When a connection closes, the process that asks for its user ends. The next one starts. */
    for (i = 0; i < G_N_ELEMENTS(strangers); i++) {
        /* The processes were forked here and have the descriptor, too. */
        shutdown(strangers[i], SHUT_RDWR);
        close(strangers[i]);
    }
    settle(fixture);
    g_assert_cmpint(definitionServiceTimeout(fixture->service), ==, -1);
    close(trusted);
    close(sock);
}


/* If the users of a definition cannot be determined, it is not undefined. */
static void
testUnknownUse(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int fd = addPeer(fixture, FALSE);

    g_assert_cmpuint(change(fixture, fd, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==, 0);
    g_assert_cmpuint(change(fixture, fd, DEFINITION_UNDEFINE, "emulatedpci_a", ""), ==,
                     VIR_ERR_OPERATION_FAILED);
    g_assert_cmpuint(change(fixture, fd, DEFINITION_DESTROY, "emulatedpci_a", ""), ==,
                     VIR_ERR_OPERATION_FAILED);
    g_assert_cmpuint(change(fixture, fd, DEFINITION_GET, "emulatedpci_a", ""), ==, 0);
    close(fd);
}


static void
testUse(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int user = addPeer(fixture, FALSE);
    int other = addPeer(fixture, FALSE);
    int third = addPeer(fixture, FALSE);
    struct pollfd pfd = { .fd = other, .events = POLLIN };
    guint32 undefine;
    guint32 parked;

    g_assert_cmpuint(change(fixture, user, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==, 0);
    g_assert_cmpuint(change(fixture, user, DEFINITION_USE, "emulatedpci_a", ""), ==, 0);

    /* The request waits for the user of the definition, and a later request waits for it. */
    undefine = ask(other, DEFINITION_UNDEFINE, 0, "emulatedpci_a", "");
    settle(fixture);
    parked = ask(third, DEFINITION_USE, 0, "emulatedpci_a", "");
    settle(fixture);
    g_assert_cmpint(poll(&pfd, 1, 0), ==, 0);
    pfd.fd = third;
    g_assert_cmpint(poll(&pfd, 1, 0), ==, 0);
    g_assert_cmpint(definitionServiceTimeout(fixture->service), >, 0);
    g_assert_cmpuint(change(fixture, user, DEFINITION_GET, "emulatedpci_a", ""), ==, 0);

    ask(user, DEFINITION_RELEASE, 0, "", "");
    g_assert_cmpuint(result(fixture, other, undefine), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpuint(result(fixture, third, parked), ==, 0);
    g_assert_cmpint(definitionServiceTimeout(fixture->service), ==, -1);

    /* A connection that was closed uses no definition. */
    undefine = ask(other, DEFINITION_UNDEFINE, 0, "emulatedpci_a", "");
    settle(fixture);
    close(third);
    g_assert_cmpuint(result(fixture, other, undefine), ==, VIR_ERR_OPERATION_FAILED);
    close(user);
    close(other);
    settle(fixture);
}


static void
testEvents(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int one = addPeer(fixture, FALSE);
    int two = addPeer(fixture, TRUE);
    struct pollfd pfd = { .fd = two, .events = POLLIN };
    DefinitionMessage message;

    g_assert_cmpuint(change(fixture, one, DEFINITION_CREATE, "", DEFINITION("emulatedpci_a")), ==, 0);
    settle(fixture);
    g_assert_cmpint(poll(&pfd, 1, 0), ==, 0);

    g_assert_cmpuint(result(fixture, two, ask(two, DEFINITION_SUBSCRIBE, 1, "", "")), ==, 0);
    g_assert_cmpuint(change(fixture, one, DEFINITION_CREATE, "", DEFINITION("emulatedpci_b")), ==, 0);
    answer(fixture, two, &message);
    g_assert_cmpuint(message.kind, ==, DEFINITION_LIFECYCLE);
    g_assert_cmpuint(message.value, ==, VIR_NODE_DEVICE_EVENT_CREATED);
    g_assert_cmpuint(message.nameLen, ==, strlen("emulatedpci_b"));
    g_assert_true(definitionServiceHasTransient(fixture->service));
    close(one);
    close(two);
}


/* SIGHUP reloads files that the administrator has changed. */
static void
testReload(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->dir, "emulatedpci_b.xml", NULL);
    g_autofree char *changed = NULL;
    g_autoptr(GError) err = NULL;
    int fd = addPeer(fixture, FALSE);
    DefinitionMessage message;
    const DefinitionKind kinds[] = {
        DEFINITION_RELOADED, DEFINITION_LIFECYCLE, DEFINITION_LIFECYCLE,
        DEFINITION_RELOADED, DEFINITION_UPDATED,
        DEFINITION_RELOADED, DEFINITION_LIFECYCLE, DEFINITION_LIFECYCLE,
    };
    const guint32 values[] = {
        0, VIR_NODE_DEVICE_EVENT_DEFINED, VIR_NODE_DEVICE_EVENT_CREATED,
        0, 0,
        0, VIR_NODE_DEVICE_EVENT_DELETED, VIR_NODE_DEVICE_EVENT_UNDEFINED,
    };
    gsize i;

    g_assert_cmpuint(change(fixture, fd, DEFINITION_CREATE, "", DEFINITION("emulatedpci_a")), ==, 0);
    g_assert_cmpuint(result(fixture, fd, ask(fd, DEFINITION_SUBSCRIBE, 1, "", "")), ==, 0);

    g_file_set_contents(path, DEFINITION("emulatedpci_b"), -1, &err);
    g_assert_no_error(err);
    definitionServiceLoad(fixture->service, NULL, fixture->dir, &err);
    g_assert_no_error(err);

    ask(fd, DEFINITION_GET, 0, "emulatedpci_b", "");
    for (i = 0; i < 3; i++) {
        answer(fixture, fd, &message);
        g_assert_cmpuint(message.kind, ==, kinds[i]);
        g_assert_cmpuint(message.value, ==, values[i]);
    }
    answer(fixture, fd, &message);
    g_assert_cmpuint(message.kind, ==, DEFINITION_FOUND);
    changed = g_strndup(message.text, message.textLen);
    memcpy(strstr(changed, "0xc001"), "0xc002", 6);
    g_file_set_contents(path, changed, -1, &err);
    g_assert_no_error(err);
    definitionServiceLoad(fixture->service, NULL, fixture->dir, &err);
    g_assert_no_error(err);
    g_unlink(path);
    definitionServiceLoad(fixture->service, NULL, fixture->dir, &err);
    g_assert_no_error(err);

    for (; i < G_N_ELEMENTS(kinds); i++) {
        answer(fixture, fd, &message);
        g_assert_cmpuint(message.kind, ==, kinds[i]);
        if (message.kind == DEFINITION_LIFECYCLE)
            g_assert_cmpuint(message.value, ==, values[i]);
        if (message.kind != DEFINITION_RELOADED)
            g_assert_cmpmem(message.name, message.nameLen, "emulatedpci_b", strlen("emulatedpci_b"));
    }
    g_assert_cmpuint(change(fixture, fd, DEFINITION_GET, "emulatedpci_a", ""), ==, 0);
    close(fd);
}


/* An invalid message closes only the connection that sent it. */
static void
testMalformed(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);
    int good = addPeer(fixture, FALSE);
    guint i;

    for (i = 0; i < 300; i++) {
        DefinitionMessage message = {
            .kind = 1 + i % 12,
            .name = "emulatedpci_a",
            .nameLen = strlen("emulatedpci_a"),
            .text = DEFINITION("emulatedpci_a"),
            .textLen = strlen(DEFINITION("emulatedpci_a")),
        };
        g_autoptr(GByteArray) packet = definitionMessageEncode(&message);
        int bad = addPeer(fixture, i % 2 == 0);
        guint at = 12 + g_rand_int_range(rand, 0, 8);

        /* An incorrect length, an unknown kind, or a truncated packet */
        switch (i % 3) {
        case 0:
            packet->data[at / 4 * 4] = 0xff;
            packet->data[12] = 0x7f;
            break;
        case 1:
            packet->data[2] = 1 + g_rand_int_range(rand, 0, 255);
            break;
        default:
            g_byte_array_set_size(packet, g_rand_int_range(rand, 1, packet->len));
            break;
        }
        g_assert_cmpint(send(bad, packet->data, packet->len, MSG_NOSIGNAL), ==, packet->len);
        assertCutOff(fixture, bad);
    }
    g_assert_cmpuint(change(fixture, good, DEFINITION_GET, "emulatedpci_a", ""), ==,
                     VIR_ERR_NO_NODE_DEVICE);
    close(good);
}


/* Random bytes have any effect on their own connection, but the others are served. */
static void
testNoise(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(42);
    int good = addPeer(fixture, FALSE);
    guint i;
    gsize j;

    for (i = 0; i < 2000; i++) {
        guint8 noise[128];
        gsize len = g_rand_int_range(rand, 1, sizeof(noise));
        int bad = addPeer(fixture, TRUE);

        for (j = 0; j < len; j++)
            noise[j] = g_rand_int_range(rand, 0, 4) ? 0 : g_rand_int_range(rand, 0, 256);
        g_assert_cmpint(send(bad, noise, len, MSG_NOSIGNAL), ==, len);
        settle(fixture);
        close(bad);
    }
    g_assert_cmpuint(change(fixture, good, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==, 0);
    close(good);
}


/* A connection that sends requests and does not read the replies is closed, and no other one waits
 * for it. */
static void
testDeaf(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int good = addPeer(fixture, FALSE);
    int deaf = addPeer(fixture, FALSE);
    DefinitionMessage message = { .kind = DEFINITION_LIST };
    g_autoptr(GByteArray) packet = definitionMessageEncode(&message);
    gboolean cut = FALSE;
    guint i;

    for (i = 0; i < 200; i++) {
        g_autofree char *xml = g_strdup_printf(DEFINITION("emulatedpci_%u"), i);
        g_assert_cmpuint(change(fixture, good, DEFINITION_CREATE, "", xml), ==, 0);
    }
    for (i = 0; i < 100000 && !cut; i++) {
        ssize_t sent = send(deaf, packet->data, packet->len, MSG_NOSIGNAL | MSG_DONTWAIT);

        cut = sent < 0 && errno == EPIPE;
        settle(fixture);
    }
    g_assert_true(cut);
    g_assert_cmpuint(change(fixture, good, DEFINITION_GET, "emulatedpci_0", ""), ==, 0);
    assertCutOff(fixture, deaf);
    close(good);
}


/* More waiting changes than the calls of any client could cause */
static void
testFlood(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int holder = addPeer(fixture, FALSE);
    int flood = addPeer(fixture, FALSE);
    guint i;

    g_assert_cmpuint(change(fixture, holder, DEFINITION_DEFINE, "", DEFINITION("emulatedpci_a")), ==, 0);
    g_assert_cmpuint(change(fixture, holder, DEFINITION_USE, "emulatedpci_a", ""), ==, 0);
    for (i = 0; i < 300; i++) {
        DefinitionMessage message = {
            .kind = DEFINITION_UNDEFINE, .name = "emulatedpci_a", .nameLen = strlen("emulatedpci_a"),
        };
        g_autoptr(GByteArray) packet = definitionMessageEncode(&message);

        if (send(flood, packet->data, packet->len, MSG_NOSIGNAL) < 0)
            break;
        settle(fixture);
    }
    g_assert_cmpuint(i, <, 300);
    assertCutOff(fixture, flood);
    g_assert_cmpuint(change(fixture, holder, DEFINITION_GET, "emulatedpci_a", ""), ==, 0);
    close(holder);
}


static void
testList(Fixture *fixture, const void *data G_GNUC_UNUSED)
{
    int fd = addPeer(fixture, FALSE);
    g_autofree char *after = g_strdup("");
    DefinitionMessage message;
    guint pages = 0;
    guint count = 0;
    guint i;

    for (i = 0; i < 3000; i++) {
        g_autofree char *xml = g_strdup_printf(DEFINITION("emulatedpci_%04u"), i);
        g_assert_cmpuint(change(fixture, fd, DEFINITION_CREATE, "", xml), ==, 0);
    }
    do {
        const char *name;
        guint32 state;
        guint offset = 0;
        guint len;

        ask(fd, DEFINITION_LIST, 0, after, "");
        answer(fixture, fd, &message);
        g_assert_cmpuint(message.kind, ==, DEFINITION_NAMES);
        while (definitionNamesNext(message.text, message.textLen, &offset, &name, &len, &state)) {
            g_autofree char *got = g_strndup(name, len);
            g_autofree char *want = g_strdup_printf("emulatedpci_%04u", count++);

            g_assert_cmpstr(got, ==, want);
            g_assert_cmpuint(state & (DEFINITION_ACTIVE | DEFINITION_PERSISTENT), ==, DEFINITION_ACTIVE);
            g_free(after);
            after = g_steal_pointer(&got);
        }
        pages++;
    } while (message.value);
    g_assert_cmpuint(count, ==, 3000);
    g_assert_cmpuint(pages, >, 1);
    close(fd);
}


static void
testMessage(void)
{
    DefinitionMessage message = { .kind = DEFINITION_GET, .serial = 7, .value = 9, .name = "n",
                               .nameLen = 1, .text = "text", .textLen = 4 };
    g_autoptr(GByteArray) packet = definitionMessageEncode(&message);
    g_autofree char *big = g_strnfill(DEFINITION_STRINGS_MAX + 1, 'x');
    DefinitionMessage got;
    guint i;

    g_assert_true(definitionMessageDecode(packet->data, packet->len, &got));
    g_assert_cmpuint(got.kind, ==, DEFINITION_GET);
    g_assert_cmpuint(got.serial, ==, 7);
    g_assert_cmpuint(got.value, ==, 9);
    g_assert_cmpmem(got.name, got.nameLen, "n", 1);
    g_assert_cmpmem(got.text, got.textLen, "text", 4);
    for (i = 0; i < packet->len; i++)
        g_assert_false(definitionMessageDecode(packet->data, i, &got));

    message.text = big;
    message.textLen = DEFINITION_STRINGS_MAX + 1;
    g_assert_null(definitionMessageEncode(&message));
    message.textLen = DEFINITION_STRINGS_MAX;
    g_assert_null(definitionMessageEncode(&message));
}


#define ADD(path, func) \
    g_test_add("/definitionservice/" path, Fixture, NULL, setUp, func, tearDown)

int
main(int argc, char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/definitionservice/message", testMessage);
    ADD("read-only", testReadOnly);
    ADD("stranger", testStranger);
    ADD("slow-rights", testSlowRights);
    ADD("unknown-use", testUnknownUse);
    ADD("use", testUse);
    ADD("events", testEvents);
    ADD("reload", testReload);
    ADD("malformed", testMalformed);
    ADD("noise", testNoise);
    ADD("deaf", testDeaf);
    ADD("flood", testFlood);
    ADD("list", testList);
    return g_test_run();
}
