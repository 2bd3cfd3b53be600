/*
 * rpctest.c: frames, XDR and the channel of src/rpc
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "rpc_channel.h"
#include "rpc_frame.h"
#include "rpc_message.h"
#include "rpc_xdr.h"
#include "testutils.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A channel between two socket pairs, and the frames that its owner received */
typedef struct {
    int feed;                   /* data written here is read by the channel */
    int in;
    int out;
    int drain;                  /* data written by the channel is read here */
    RPCChannel *channel;
    guint32 collect;            /* the procedure whose frames are collected */
    guint32 wait;               /* the procedure whose frames have to wait */
    GString *headers;           /* the procedures that were seen */
    GPtrArray *frames;          /* collected frames */
} Fixture;


static RPCVerdict
fixtureHeader(RPCChannel *channel G_GNUC_UNUSED, const RPCHeader *header, void *opaque)
{
    Fixture *fix = opaque;

    if (header->procedure == fix->wait)
        return RPC_VERDICT_WAIT;
    g_string_append_printf(fix->headers, "%u ", header->procedure);
    return header->procedure == fix->collect ? RPC_VERDICT_COLLECT : RPC_VERDICT_PASS;
}


static void
fixtureFrame(RPCChannel *channel G_GNUC_UNUSED,
             const RPCHeader *header,
             RPCFrame *frame,
             void *opaque)
{
    Fixture *fix = opaque;

    g_assert_cmpuint(header->length, ==, frame->bytes->len);
    g_ptr_array_add(fix->frames, frame);
}


static void
fixtureSetUp(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    int a[2];
    int b[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), ==, 0);
    fix->feed = a[0];
    fix->in = a[1];
    fix->out = b[0];
    fix->drain = b[1];
    fix->collect = G_MAXUINT32;
    fix->wait = G_MAXUINT32;
    fix->headers = g_string_new(NULL);
    fix->frames = g_ptr_array_new_with_free_func((GDestroyNotify) rpcFrameFree);
    fix->channel = rpcChannelNew(fix->in, fix->out, RPC_CALL_WITH_FDS,
                                 fixtureHeader, fixtureFrame, fix);
}


static void
fixtureTearDown(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    rpcChannelFree(fix->channel);
    g_ptr_array_unref(fix->frames);
    g_string_free(fix->headers, TRUE);
    close(fix->feed);
    close(fix->in);
    close(fix->out);
    close(fix->drain);
}


static GByteArray *
makeFrame(guint32 procedure, guint32 type, gsize size, guint8 fill)
{
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE, .version = 1, .procedure = procedure,
        .type = type, .serial = procedure + 1000,
    };
    GByteArray *frame = rpcMessageNew(&header);

    g_assert_cmpuint(size, >=, RPC_HEADER_SIZE);
    g_byte_array_set_size(frame, size);
    memset(frame->data + RPC_HEADER_SIZE, fill, size - RPC_HEADER_SIZE);
    rpcMessageFinish(frame);
    return frame;
}


static void
feed(Fixture *fix, const void *data, gsize len)
{
    g_assert_cmpint(send(fix->feed, data, len, MSG_DONTWAIT), ==, len);
}


static void
feedFD(Fixture *fix, int fd)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char byte = 0;
    struct iovec iov = { &byte, 1 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control.buf, .msg_controllen = sizeof(control.buf),
    };
    struct cmsghdr *cmsg = &control.align;

    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
    g_assert_cmpint(sendmsg(fix->feed, &msg, 0), ==, 1);
}


/* Reads once from the channel's input, and forwards the data. */
static RPCChannelStatus
turn(Fixture *fix)
{
    RPCChannelStatus status = RPC_CHANNEL_OK;

    if (rpcChannelWantsRead(fix->channel))
        status = rpcChannelRead(fix->channel);
    return status == RPC_CHANNEL_OK ? rpcChannelPump(fix->channel) : status;
}


static void
expect(Fixture *fix, const void *data, gsize len)
{
    g_autofree guint8 *got = g_malloc(len + 1);
    gsize have = 0;

    while (have < len) {
        ssize_t n = recv(fix->drain, got + have, len - have, MSG_DONTWAIT);

        g_assert_cmpint(n, >, 0);
        have += n;
    }
    g_assert_cmpmem(got, len, data, len);
}


static void
expectNothing(Fixture *fix)
{
    char byte;

    g_assert_cmpint(recv(fix->drain, &byte, 1, MSG_DONTWAIT), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}


/* Reads one byte with a descriptor, as libvirt does. */
static int
expectFD(Fixture *fix)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    char byte;
    struct iovec iov = { &byte, 1 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control.buf, .msg_controllen = sizeof(control.buf),
    };
    struct cmsghdr *cmsg;
    int fd;

    g_assert_cmpint(recvmsg(fix->drain, &msg, MSG_DONTWAIT), ==, 1);
    cmsg = CMSG_FIRSTHDR(&msg);
    if (!cmsg)
        g_error("no descriptor came");
    g_assert_cmpint(cmsg->cmsg_type, ==, SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
    return fd;
}


/* --- frames --- */

static void
testHeader(void)
{
    /* A call of CONNECT_OPEN, byte by byte according to RFC 4506 and libvirt's documentation */
    static const guint8 bytes[RPC_HEADER_SIZE] = {
        0, 0, 0, 28, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2,
    };
    guint8 again[RPC_HEADER_SIZE];
    RPCHeader header;

    rpcHeaderDecode(bytes, &header);
    g_assert_cmpuint(header.length, ==, 28);
    g_assert_cmphex(header.program, ==, RPC_PROGRAM_REMOTE);
    g_assert_cmpuint(header.version, ==, 1);
    g_assert_cmpuint(header.procedure, ==, 1);
    g_assert_cmpuint(header.type, ==, RPC_CALL);
    g_assert_cmpuint(header.serial, ==, 7);
    g_assert_cmpuint(header.status, ==, RPC_CONTINUE);

    rpcHeaderEncode(again, &header);
    g_assert_cmpmem(again, sizeof(again), bytes, sizeof(bytes));

    g_assert_false(rpcLengthIsValid(0));
    g_assert_false(rpcLengthIsValid(27));
    g_assert_true(rpcLengthIsValid(28));
    g_assert_true(rpcLengthIsValid(33554436));
    g_assert_false(rpcLengthIsValid(33554437));
    g_assert_false(rpcLengthIsValid(G_MAXUINT32));
}


static void
testXDR(void)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    static const guint8 expected[] = {
        0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0,
        0xff, 0xff, 0xff, 0xfe,
        0, 0, 0, 0,
        0, 0, 0, 1, 0, 0, 0, 4, 'f', 'o', 'u', 'r',
        'x', 'y', 0, 0,
        0, 0, 0, 1, 0, 0, 0, 2,
    };
    RPCReader reader;
    const guint8 *fixed;
    const char *str;
    guint64 wide;
    gint32 number;
    guint len;

    rpcWriteString(out, "hello", 5);
    rpcWriteI32(out, -2);
    rpcWriteOptString(out, NULL, 0);
    rpcWriteOptString(out, "four", 4);
    rpcWriteFixed(out, "xy", 2);
    rpcWriteU32(out, 1);
    rpcWriteU32(out, 2);
    g_assert_cmpmem(out->data, out->len, expected, sizeof(expected));

    rpcReaderInit(&reader, out->data, out->len);
    g_assert_true(rpcReadString(&reader, 5, &str, &len));
    g_assert_cmpmem(str, len, "hello", 5);
    g_assert_true(rpcReadI32(&reader, &number));
    g_assert_cmpint(number, ==, -2);
    g_assert_true(rpcReadOptString(&reader, 100, &str, &len));
    g_assert_null(str);
    g_assert_true(rpcReadOptString(&reader, 100, &str, &len));
    g_assert_cmpmem(str, len, "four", 4);
    g_assert_true(rpcReadFixed(&reader, 2, &fixed));
    g_assert_cmpmem(fixed, 2, "xy", 2);
    g_assert_true(rpcReadU64(&reader, &wide));
    g_assert_cmphex(wide, ==, G_GUINT64_CONSTANT(0x100000002));
    g_assert_cmpuint(rpcReaderPosition(&reader), ==, out->len);
    g_assert_false(rpcReadI32(&reader, &number));
}


/* Tests every length of a string with every amount of available data. */
static void
testXDRBounds(void)
{
    static const guint32 lengths[] = {
        0, 1, 4, 5, 8, 12, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffd, 0xffffffff,
    };
    guint8 *data = g_malloc0(64);
    gsize i;
    guint size;

    for (i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (size = 0; size <= 24; size++) {
            gboolean fits = size >= 4 && lengths[i] <= 20 &&
                (lengths[i] + 3u) / 4 * 4 + 4 <= size;
            gboolean fitsOpt = size >= 8 && lengths[i] <= 20 &&
                (lengths[i] + 3u) / 4 * 4 + 8 <= size;
            guint8 *copy = g_memdup2(data, 64);
            RPCReader reader;
            const char *str;
            guint len;

            rpcPutU32(copy, lengths[i]);
            rpcReaderInit(&reader, copy, size);
            g_assert_cmpint(rpcReadString(&reader, G_MAXUINT, &str, &len), ==, fits);
            if (!fits)
                g_assert_cmpuint(rpcReaderPosition(&reader), ==, 0);

            rpcPutU32(copy, 1);
            rpcPutU32(copy + 4, lengths[i]);
            rpcReaderInit(&reader, copy, size);
            g_assert_cmpint(rpcReadOptString(&reader, G_MAXUINT, &str, &len), ==, fitsOpt);
            if (!fitsOpt)
                g_assert_cmpuint(rpcReaderPosition(&reader), ==, 0);
            g_free(copy);
        }
    }

    /* A limit; and the flag of an optional string, which must be 0 or 1. */
    {
        RPCReader reader;
        const char *str;
        guint len;

        rpcPutU32(data, 8);
        rpcReaderInit(&reader, data, 64);
        g_assert_false(rpcReadString(&reader, 7, &str, &len));
        g_assert_true(rpcReadString(&reader, 8, &str, &len));
        rpcPutU32(data, 2);
        rpcReaderInit(&reader, data, 64);
        g_assert_false(rpcReadOptString(&reader, 8, &str, &len));
    }
    g_free(data);
}


static void
testError(void)
{
    RPCHeader call = { .program = RPC_PROGRAM_REMOTE, .version = 1, .procedure = 11, .serial = 5 };
    g_autoptr(GByteArray) frame = NULL;
    g_autofree char *message = NULL;
    RPCHeader header;
    int code;

    frame = rpcMessageNewError(&call, VIR_ERR_XML_ERROR, VIR_FROM_DOMAIN, "no \xff good", 0);
    rpcHeaderDecode(frame->data, &header);
    g_assert_cmpuint(header.length, ==, frame->len);
    g_assert_cmpuint(header.type, ==, RPC_REPLY);
    g_assert_cmpuint(header.status, ==, RPC_ERROR);
    g_assert_cmpuint(header.serial, ==, 5);
    g_assert_true(rpcMessageReadError(frame, &code, &message));
    g_assert_cmpint(code, ==, VIR_ERR_XML_ERROR);
    g_assert_cmpstr(message, ==, "XML error: no \xef\xbf\xbd good");

    g_byte_array_set_size(frame, 40);
    g_clear_pointer(&message, g_free);
    g_assert_false(rpcMessageReadError(frame, &code, &message));
}


/* --- the channel --- */

static void
testPass(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL, 28, 0);
    g_autoptr(GByteArray) b = makeFrame(2, RPC_STREAM, 5000, 'b');
    g_autoptr(GByteArray) both = g_byte_array_new();

    feed(fix, a->data, a->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, a->data, a->len);
    g_assert_true(rpcChannelIsIdle(fix->channel));

    g_byte_array_append(both, a->data, a->len);
    g_byte_array_append(both, b->data, b->len);
    feed(fix, both->data, both->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, both->data, both->len);
    g_assert_cmpstr(fix->headers->str, ==, "1 1 2 ");

    close(fix->feed);
    fix->feed = -1;
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    g_assert_true(rpcChannelAtEnd(fix->channel));
    g_assert_false(rpcChannelWantsRead(fix->channel));
}


/* Byte by byte: a body is forwarded as it arrives, a header when whole. */
static void
testBytewise(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) frame = makeFrame(1, RPC_CALL, 60, 'x');
    gsize i;

    for (i = 0; i < frame->len; i++) {
        feed(fix, frame->data + i, 1);
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
        if (i + 1 < RPC_HEADER_SIZE)
            expectNothing(fix);
        else if (i + 1 == RPC_HEADER_SIZE)
            expect(fix, frame->data, RPC_HEADER_SIZE);
        else
            expect(fix, frame->data + i, 1);
    }
    g_assert_true(rpcChannelIsIdle(fix->channel));
}


/* A frame is larger than the buffer, and the receiver does not read: the sender is stopped, and no
 * data is lost. */
static void
testBackpressure(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    const gsize size = 4 * RPC_CHANNEL_BUFFER;
    g_autoptr(GByteArray) frame = makeFrame(1, RPC_STREAM, size, 'x');
    g_autofree guint8 *got = g_malloc(size);
    gsize fed = 0;
    gsize have = 0;
    gsize i;

    for (i = RPC_HEADER_SIZE; i < size; i++)
        frame->data[i] = (guint8) (i * 31 >> 3);

    for (i = 0; i < 100; i++) {
        ssize_t n = send(fix->feed, frame->data + fed, size - fed, MSG_DONTWAIT);

        if (n > 0)
            fed += n;
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    }
    g_assert_cmpuint(fed, <, size);
    g_assert_false(rpcChannelWantsRead(fix->channel));
    g_assert_true(rpcChannelWantsWrite(fix->channel));

    while (have < size) {
        ssize_t n = recv(fix->drain, got + have, size - have, MSG_DONTWAIT);

        if (n > 0)
            have += n;
        n = send(fix->feed, frame->data + fed, size - fed, MSG_DONTWAIT);
        if (n > 0)
            fed += n;
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    }
    g_assert_cmpmem(got, have, frame->data, size);
    g_assert_true(rpcChannelIsIdle(fix->channel));

    rpcChannelTrim(fix->channel);
    feed(fix, frame->data, 100);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, frame->data, 100);
}


static void
testCollect(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL, 40, 'a');
    g_autoptr(GByteArray) b = makeFrame(2, RPC_CALL, 3000, 'b');
    g_autoptr(GByteArray) c = makeFrame(3, RPC_CALL, 44, 'c');
    RPCFrame *frame;

    fix->collect = 2;
    feed(fix, a->data, a->len);
    feed(fix, b->data, b->len);
    feed(fix, c->data, c->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);

    expect(fix, a->data, a->len);
    expect(fix, c->data, c->len);
    g_assert_cmpuint(fix->frames->len, ==, 1);
    frame = g_ptr_array_index(fix->frames, 0);
    g_assert_cmpmem(frame->bytes->data, frame->bytes->len, b->data, b->len);
}


/* An injected frame is sent between two frames, never inside one. */
static void
testInject(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL, 100, 'a');
    g_autoptr(GByteArray) b = makeFrame(2, RPC_CALL, 50, 'b');
    g_autoptr(GByteArray) c = makeFrame(3, RPC_CALL, 40, 'c');

    feed(fix, a->data, 60);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    rpcChannelInject(fix->channel, rpcFrameNew(g_byte_array_ref(b)));
    g_assert_cmpuint(rpcChannelInjected(fix->channel), ==, 50);
    g_assert_cmpint(rpcChannelPump(fix->channel), ==, RPC_CHANNEL_OK);
    expect(fix, a->data, 60);
    expectNothing(fix);

    feed(fix, a->data + 60, 40);
    feed(fix, c->data, c->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, a->data + 60, 40);
    expect(fix, b->data, b->len);
    expect(fix, c->data, c->len);
    g_assert_cmpuint(rpcChannelInjected(fix->channel), ==, 0);
}


static void
testWait(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL, 40, 'a');

    fix->wait = 1;
    feed(fix, a->data, a->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    g_assert_true(rpcChannelWaits(fix->channel));
    expectNothing(fix);

    fix->wait = G_MAXUINT32;
    g_assert_cmpint(rpcChannelPump(fix->channel), ==, RPC_CHANNEL_OK);
    g_assert_false(rpcChannelWaits(fix->channel));
    expect(fix, a->data, a->len);
}


/* Descriptors are forwarded in their order, each with its byte. Those of a collected frame are
 * passed with it. */
static void
testFDs(Fixture *fix, const void *data)
{
    gboolean collect = data != NULL;
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL_WITH_FDS, 40, 0);
    g_autoptr(GByteArray) b = makeFrame(2, RPC_CALL, 40, 'b');
    struct stat sent;
    struct stat got;
    int fds[2];
    int i;

    if (collect)
        fix->collect = 1;
    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    g_assert_cmpint(fstat(fds[0], &sent), ==, 0);
    rpcPutU32(a->data + RPC_HEADER_SIZE, 2);

    feed(fix, a->data, a->len);
    feedFD(fix, fds[0]);
    feedFD(fix, fds[1]);
    feed(fix, b->data, b->len);
    for (i = 0; i < 5; i++)
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);

    if (collect) {
        RPCFrame *frame;

        g_assert_cmpuint(fix->frames->len, ==, 1);
        frame = g_ptr_array_steal_index(fix->frames, 0);
        g_assert_cmpuint(frame->nfds, ==, 2);
        rpcChannelInject(fix->channel, frame);
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
        expect(fix, b->data, b->len);
    }

    expect(fix, a->data, a->len);
    i = expectFD(fix);
    g_assert_cmpint(fstat(i, &got), ==, 0);
    g_assert_cmpuint(got.st_ino, ==, sent.st_ino);
    g_assert_cmpint(fcntl(i, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    close(i);
    i = expectFD(fix);
    g_assert_cmpint(fcntl(i, F_GETFL) & O_ACCMODE, ==, O_WRONLY);
    close(i);
    if (!collect)
        expect(fix, b->data, b->len);

    close(fds[0]);
    close(fds[1]);
    g_assert_true(rpcChannelIsIdle(fix->channel));
}


static int
countFDs(void)
{
    int count = 0;
    int fd;

    for (fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}


/* A descriptor that no frame announced is closed. If a descriptor that was announced is missing, or
 * too many are announced, the connection is closed. */
static void
testFDsHostile(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) a = makeFrame(1, RPC_CALL, 29, 0);
    g_autoptr(GByteArray) b = makeFrame(2, RPC_CALL_WITH_FDS, 32, 0);
    int before = countFDs();

    /* The last byte of a body, with a descriptor. */
    feed(fix, a->data, 28);
    feedFD(fix, 0);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, a->data, 29);
    g_assert_cmpint(countFDs(), ==, before);

    rpcPutU32(b->data + RPC_HEADER_SIZE, 1);
    feed(fix, b->data, b->len);
    feed(fix, "x", 1);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_ERROR_FDS);
    expect(fix, b->data, b->len);

    fixtureTearDown(fix, NULL);
    fixtureSetUp(fix, NULL);
    rpcPutU32(b->data + RPC_HEADER_SIZE, 33);
    feed(fix, b->data, b->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_ERROR_FDS);

    fixtureTearDown(fix, NULL);
    fixtureSetUp(fix, NULL);
    rpcPutU32(b->data, 28);
    feed(fix, b->data, 28);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_ERROR_LENGTH);

    /* In frames of the other direction, this field is not a number of descriptors. */
    fixtureTearDown(fix, NULL);
    fixtureSetUp(fix, NULL);
    rpcPutU32(b->data, 32);
    rpcPutU32(b->data + 16, RPC_REPLY_WITH_FDS);
    feed(fix, b->data, b->len);
    g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    expect(fix, b->data, b->len);
}


static void
testLengths(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    static const guint32 bad[] = { 0, 3, 4, 27, 33554437, 0x80000000, 0xffffffff };
    g_autoptr(GByteArray) good = makeFrame(1, RPC_CALL, 28, 0);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(bad); i++) {
        guint8 word[4];

        rpcPutU32(word, bad[i]);
        feed(fix, good->data, good->len);
        feed(fix, word, 4);
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_ERROR_LENGTH);
        expect(fix, good->data, good->len);
        fixtureTearDown(fix, NULL);
        fixtureSetUp(fix, NULL);
    }

    /* A frame of the maximum size is announced. It uses no memory before its data arrives. */
    fix->collect = 9;
    {
        g_autoptr(GByteArray) head = makeFrame(9, RPC_CALL, 28, 0);

        rpcPutU32(head->data, RPC_FRAME_MAX);
        feed(fix, head->data, head->len);
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
    }
}


/* Frames of all kinds that arrive in pieces of any size give the same result. */
static void
testRandom(Fixture *fix, const void *data G_GNUC_UNUSED)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    g_autoptr(GByteArray) passed = g_byte_array_new();
    g_autoptr(GByteArray) got = g_byte_array_new();
    guint collected = 0;
    gsize fed = 0;
    int i;

    fix->collect = 3;
    for (i = 0; i < 300; i++) {
        guint32 procedure = g_test_rand_int_range(1, 5);
        gsize size = g_test_rand_int_range(28, i % 50 == 0 ? 100000 : 300);
        g_autoptr(GByteArray) frame = makeFrame(procedure, RPC_CALL, size, (guint8) i);

        g_byte_array_append(all, frame->data, frame->len);
        if (procedure == 3)
            collected++;
        else
            g_byte_array_append(passed, frame->data, frame->len);
    }

    while (fed < all->len || got->len < passed->len) {
        gsize some = g_test_rand_int_range(1, 3000);
        gsize n = MIN(all->len - fed, some);
        guint8 buf[4096];
        ssize_t size;

        if (n > 0)
            feed(fix, all->data + fed, n);
        fed += n;
        g_assert_cmpint(turn(fix), ==, RPC_CHANNEL_OK);
        size = recv(fix->drain, buf, sizeof(buf), MSG_DONTWAIT);
        if (size > 0)
            g_byte_array_append(got, buf, size);
    }
    g_assert_cmpmem(got->data, got->len, passed->data, passed->len);
    g_assert_cmpuint(fix->frames->len, ==, collected);
}


#define CHANNEL_TEST(path, data, function) \
    g_test_add(path, Fixture, data, fixtureSetUp, function, fixtureTearDown)

int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/rpc/header", testHeader);
    g_test_add_func("/rpc/xdr", testXDR);
    g_test_add_func("/rpc/xdr-bounds", testXDRBounds);
    g_test_add_func("/rpc/error", testError);
    CHANNEL_TEST("/rpc/channel/pass", NULL, testPass);
    CHANNEL_TEST("/rpc/channel/bytewise", NULL, testBytewise);
    CHANNEL_TEST("/rpc/channel/backpressure", NULL, testBackpressure);
    CHANNEL_TEST("/rpc/channel/collect", NULL, testCollect);
    CHANNEL_TEST("/rpc/channel/inject", NULL, testInject);
    CHANNEL_TEST("/rpc/channel/wait", NULL, testWait);
    CHANNEL_TEST("/rpc/channel/fds", NULL, testFDs);
    CHANNEL_TEST("/rpc/channel/fds-collected", "", testFDs);
    CHANNEL_TEST("/rpc/channel/fds-hostile", NULL, testFDsHostile);
    CHANNEL_TEST("/rpc/channel/lengths", NULL, testLengths);
    CHANNEL_TEST("/rpc/channel/random", NULL, testRandom);

    return g_test_run();
}
