/*
 * vfiouserunittest.c: vfio-user's messages and the JSON in them, without sockets
 *
 * Tests that replies follow the specification, that each kind of invalid message is detected, and
 * that rejected messages change nothing. vfiousertest.py tests the same with sockets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "testutils.h"
#include "vfio_user.h"
#include "vfio_user_json.h"

#include <errno.h>
#include <string.h>

static const uint32_t example[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_VENDORID] = 0x5853,
    [EMULATED_PCI_FIELD_DEVICEID] = 0xc000,
    [EMULATED_PCI_FIELD_STATUS] = 0xf900,
    [EMULATED_PCI_FIELD_REVISION] = 0x01,
    [EMULATED_PCI_FIELD_CLASSCODE] = 0xff8000,
    [EMULATED_PCI_FIELD_INTERRUPTPIN] = 0x01,
};

/* A device, and the last exchange with it */
typedef struct {
    VFIOUserSession session;
    PCIConfig config;
    guint8 request[VFIO_USER_MESSAGE_MAX];
    guint8 reply[VFIO_USER_REPLY_MAX];
    const char *why;
} Device;

typedef struct {
    guint16 id;
    guint16 command;
    guint32 size;
    guint32 flags;
    guint32 error;
} Header;


static void
deviceInit(Device *device)
{
    memset(device, 0, sizeof(*device));
    pciConfigInit(&device->config, example);
}


/* Sends COMMAND with LEN bytes of PAYLOAD. Returns the result of vfioUserAnswer(). */
static ssize_t
send(Device *device,
     guint16 command,
     guint32 flags,
     gconstpointer payload,
     gsize len)
{
    const Header header = { 0x1234, command, sizeof(header) + len, flags, 99 };
    /* The exact size, so that AddressSanitizer detects a read beyond the end. */
    g_autofree guint8 *request = g_malloc(sizeof(header) + len);

    memcpy(request, &header, sizeof(header));
    if (len > 0)
        memcpy(request + sizeof(header), payload, len);
    device->why = NULL;

    g_assert_cmpint(vfioUserRequestLength(request, sizeof(header) + len, &device->why), ==,
                    sizeof(header) + len);
    memset(device->reply, 0xee, sizeof(device->reply));
    return vfioUserAnswer(&device->session, &device->config, request, sizeof(header) + len,
                          device->reply, &device->why);
}


static Header
checkHeader(const Device *device,
            ssize_t got,
            guint16 command)
{
    Header header;

    g_assert_cmpint(got, >=, sizeof(header));
    memcpy(&header, device->reply, sizeof(header));
    g_assert_cmphex(header.id, ==, 0x1234);
    g_assert_cmpint(header.command, ==, command);
    g_assert_cmpint(header.size, ==, got);
    return header;
}


/* Expects a successful reply with LEN bytes of PAYLOAD. */
static void
expect(Device *device,
       guint16 command,
       gconstpointer request,
       gsize requestLen,
       gconstpointer payload,
       gsize len)
{
    const ssize_t got = send(device, command, 0, request, requestLen);
    const Header header = checkHeader(device, got, command);

    g_assert_cmphex(header.flags, ==, 1);
    g_assert_cmpint(header.error, ==, 0);
    g_assert_cmpmem(device->reply + sizeof(header), got - sizeof(header), payload, len);
}


/* Expects an error, which is only a header, and no change. */
static void
expectError(Device *device,
            guint16 command,
            gconstpointer request,
            gsize requestLen,
            int error)
{
    const Device before = *device;
    const ssize_t got = send(device, command, 0, request, requestLen);
    const Header header = checkHeader(device, got, command);

    g_assert_cmpint(got, ==, sizeof(header));
    g_assert_cmphex(header.flags, ==, 0x21);
    g_assert_cmpint(header.error, ==, error);
    g_assert_cmpmem(&device->config, sizeof(device->config), &before.config, sizeof(before.config));
    g_assert_cmpint(device->session.negotiated, ==, before.session.negotiated);
}


static void
expectClose(Device *device,
            guint16 command,
            gconstpointer request,
            gsize requestLen,
            const char *why)
{
    const Device before = *device;

    g_assert_cmpint(send(device, command, 0, request, requestLen), ==, -1);
    g_assert_cmpstr(device->why, ==, why);
    g_assert_cmpmem(&device->config, sizeof(device->config), &before.config, sizeof(before.config));
    g_assert_cmpint(device->session.negotiated, ==, 0);
}


/* Writes a VERSION message with TEXT (NULL: none). Returns the length of its payload. */
static gsize
version(guint8 *buf,
        guint16 major,
        guint16 minor,
        const char *text)
{
    memcpy(buf, &major, 2);
    memcpy(buf + 2, &minor, 2);
    if (!text)
        return 4;
    memcpy(buf + 4, text, strlen(text) + 1);
    return 4 + strlen(text) + 1;
}


static void
negotiate(Device *device)
{
    guint8 request[4];
    const gsize len = version(request, 0, 0, NULL);

    deviceInit(device);
    g_assert_cmpint(send(device, VFIO_USER_VERSION, 0, request, len), >, 0);
    g_assert_cmpint(device->session.negotiated, ==, 1);
}


static void
testVersion(void)
{
    static const struct {
        const char *proposed;
        guint16 minor;
        const char *answer;
    } good[] = {
        { NULL, 0, "{\"capabilities\":{}}" },
        { "{}", 1, "{\"capabilities\":{}}" },
        { "{\"capabilities\":{}}", 0xffff, "{\"capabilities\":{}}" },
        { "{\"capabilities\": {\"max_msg_fds\": 8, \"max_data_xfer_size\": 1048576, "
          "\"pgsizes\": 4096, \"max_dma_maps\": 65535, \"migration\": {\"pgsize\": 4096, "
          "\"max_bitmap_size\": 268435456}, \"write_multiple\": true}}", 0,
          "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":256}}" },
        { "{\"capabilities\":{\"max_msg_fds\":1}}", 0, "{\"capabilities\":{\"max_msg_fds\":8}}" },
        { "{\"capabilities\":{\"max_data_xfer_size\":4}}", 0,
          "{\"capabilities\":{\"max_data_xfer_size\":256}}" },
    };
    static const char *const bad[] = {
        "", "x", "[]", "{", "{\"capabilities\":1}", "{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}", "{\"capabilities\":{\"max_data_xfer_size\":1e3}}",
    };
    guint8 request[1024];
    guint8 answer[1024];
    Device device;
    gsize len;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(good); i++) {
        deviceInit(&device);
        len = version(request, 0, good[i].minor, good[i].proposed);
        expect(&device, VFIO_USER_VERSION, request, len,
               answer, version(answer, 0, 0, good[i].answer));
        g_assert_cmpint(device.session.negotiated, ==, 1);
        expectError(&device, VFIO_USER_VERSION, request, len, EINVAL);
    }

    deviceInit(&device);
    for (i = 0; i < G_N_ELEMENTS(bad); i++)
        expectError(&device, VFIO_USER_VERSION, request, version(request, 0, 0, bad[i]), EINVAL);

    /* No final NUL; a NUL before the end; no minor version */
    len = version(request, 0, 0, "{}");
    expectError(&device, VFIO_USER_VERSION, request, len - 1, EINVAL);
    request[len] = '\0';
    expectError(&device, VFIO_USER_VERSION, request, len + 1, EINVAL);
    expectError(&device, VFIO_USER_VERSION, request, 3, EINVAL);
    expectError(&device, VFIO_USER_VERSION, request, 0, EINVAL);

    expectClose(&device, VFIO_USER_VERSION, request, version(request, 1, 0, NULL), "major version");
    expectClose(&device, VFIO_USER_DEVICE_RESET, NULL, 0, "a command before VERSION");
    expectClose(&device, 999, NULL, 0, "a command before VERSION");
}


static void
testInfo(void)
{
    guint32 info[4] = { 16 };
    guint32 region[8] = { 32 };
    Device device;
    guint32 i;

    negotiate(&device);

    expect(&device, VFIO_USER_DEVICE_GET_INFO, info, 16, (guint32[]) { 16, 3, 9, 5 }, 16);
    expectError(&device, VFIO_USER_DEVICE_GET_INFO, info, 15, EINVAL);
    info[0] = 15;
    expectError(&device, VFIO_USER_DEVICE_GET_INFO, info, 16, EINVAL);

    for (i = 0; i < VFIO_USER_REGIONS; i++) {
        region[2] = i;
        expect(&device, VFIO_USER_DEVICE_GET_REGION_INFO, region, 32,
               i == 7 ? (guint32[]) { 32, 3, 7, 0, 256, 0, 0, 0 }
                      : (guint32[]) { 32, 0, i, 0, 0, 0, 0, 0 }, 32);
    }
    region[2] = VFIO_USER_REGIONS;
    expectError(&device, VFIO_USER_DEVICE_GET_REGION_INFO, region, 32, EINVAL);
    region[2] = G_MAXUINT32;
    expectError(&device, VFIO_USER_DEVICE_GET_REGION_INFO, region, 32, EINVAL);
    region[2] = 0;
    expectError(&device, VFIO_USER_DEVICE_GET_REGION_INFO, region, 31, EINVAL);
    region[0] = 31;
    expectError(&device, VFIO_USER_DEVICE_GET_REGION_INFO, region, 32, EINVAL);

    for (i = 0; i < VFIO_USER_IRQS; i++) {
        info[0] = 4096;
        info[2] = i;
        expect(&device, VFIO_USER_DEVICE_GET_IRQ_INFO, info, 16,
               i == VFIO_USER_IRQ_INTX ? (guint32[]) { 16, 7, 0, 1 } :
               i == VFIO_USER_IRQ_ERR ? (guint32[]) { 16, 1, 3, 1 } :
               (guint32[]) { 16, 0, i, 0 }, 16);
    }
    info[2] = VFIO_USER_IRQS;
    expectError(&device, VFIO_USER_DEVICE_GET_IRQ_INFO, info, 16, EINVAL);
    info[2] = 0;
    expectError(&device, VFIO_USER_DEVICE_GET_IRQ_INFO, info, 15, EINVAL);

    /* A device without a pin has no interrupt. */
    device.config.powerOn[PCI_CONFIG_INTERRUPTPIN] = 0;
    expect(&device, VFIO_USER_DEVICE_GET_IRQ_INFO, info, 16, (guint32[]) { 16, 7, 0, 0 }, 16);
}


static void
testSetIRQs(void)
{
    static const struct {
        guint32 flags, index, start, count;
        gsize data;
        gboolean good;
    } cases[] = {
        { 0x24, 0, 0, 1, 0, TRUE },     /* sent by QEMU to enable INTx ... */
        { 0x21, 0, 0, 0, 0, TRUE },     /* ... and to disable it */
        { 0x09, 0, 0, 1, 0, TRUE },
        { 0x11, 0, 0, 1, 0, TRUE },
        { 0x14, 0, 0, 1, 0, TRUE },
        { 0x22, 0, 0, 1, 1, TRUE },
        { 0x21, 2, 0, 0, 0, TRUE },
        { 0x21, 4, 0, 0, 0, TRUE },
        { 0x24, 3, 0, 1, 0, TRUE },     /* the error interrupt: the same */
        { 0x21, 3, 0, 0, 0, TRUE },
        { 0x24, 3, 0, 2, 0, FALSE },
        { 0x24, 4, 0, 1, 0, FALSE },
        { 0x22, 0, 0, 1, 0, FALSE },    /* no data */
        { 0x21, 5, 0, 0, 0, FALSE },    /* no such index */
        { 0x21, G_MAXUINT32, 0, 0, 0, FALSE },
        { 0x24, 0, 0, 2, 0, FALSE },    /* no such interrupt */
        { 0x24, 0, 1, 1, 0, FALSE },
        { 0x24, 0, 2, G_MAXUINT32, 0, FALSE },
        { 0x24, 2, 0, 1, 0, FALSE },
        { 0x00, 0, 0, 0, 0, FALSE },    /* flags that exclude each other */
        { 0x01, 0, 0, 0, 0, FALSE },
        { 0x20, 0, 0, 0, 0, FALSE },
        { 0x23, 0, 0, 1, 1, FALSE },
        { 0x39, 0, 0, 1, 0, FALSE },
        { 0x61, 0, 0, 1, 0, FALSE },
    };
    Device device;
    gsize i;

    negotiate(&device);
    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        const guint32 set[6] = {
            20 + cases[i].data, cases[i].flags, cases[i].index, cases[i].start, cases[i].count,
        };

        if (cases[i].good)
            expect(&device, VFIO_USER_DEVICE_SET_IRQS, set, 20 + cases[i].data, NULL, 0);
        else
            expectError(&device, VFIO_USER_DEVICE_SET_IRQS, set, 20 + cases[i].data, EINVAL);
    }
    expectError(&device, VFIO_USER_DEVICE_SET_IRQS, (guint32[5]) { 20, 0x21 }, 19, EINVAL);
}


static void
testDMA(void)
{
    const guint64 map[4] = { 32 | G_GUINT64_CONSTANT(3) << 32, 0, 0xfffffffffffff000, 0xffffffffffffffff };
    const guint64 unmap[3] = { 24, 0x1000, 0x2000 };
    Device device;

    negotiate(&device);
    expect(&device, VFIO_USER_DMA_MAP, map, 32, NULL, 0);
    expect(&device, VFIO_USER_DMA_MAP, map, 32, NULL, 0);
    expect(&device, VFIO_USER_DMA_UNMAP, unmap, 24, unmap, 24);
    expectError(&device, VFIO_USER_DMA_MAP, map, 31, EINVAL);
    expectError(&device, VFIO_USER_DMA_UNMAP, unmap, 23, EINVAL);
}


/* Writes the payload of REGION_READ or REGION_WRITE: 16 bytes, then DATA. */
static gsize
fillAccess(guint8 *buf,
           guint64 offset,
           guint32 region,
           guint32 count,
           gconstpointer data,
           gsize len)
{
    memcpy(buf, &offset, 8);
    memcpy(buf + 8, &region, 4);
    memcpy(buf + 12, &count, 4);
    if (len > 0)
        memcpy(buf + 16, data, len);
    return 16 + len;
}


static void
testReadWrite(void)
{
    guint8 ones[300];
    guint8 request[400];
    guint8 answer[400];
    PCIConfig model;
    Device device;
    guint32 offset;
    guint32 count;
    gsize len;

    memset(ones, 0xff, sizeof(ones));
    negotiate(&device);

    /* Every offset with every count */
    for (offset = 0; offset <= 256; offset++) {
        for (count = 0; count <= 256 - offset; count++) {
            len = fillAccess(request, offset, 7, count, NULL, 0);
            expect(&device, VFIO_USER_REGION_READ, request, len,
                   answer, fillAccess(answer, offset, 7, count, device.config.now + offset, count));
        }
        len = fillAccess(request, offset, 7, count, ones, count);
        expectError(&device, VFIO_USER_REGION_READ, request, 16, EINVAL);
        expectError(&device, VFIO_USER_REGION_WRITE, request, len, EINVAL);
    }

    /* A write changes the same registers as pciConfigWrite(). */
    for (offset = 0; offset < 256; offset++) {
        for (count = 0; count <= 4 && offset + count <= 256; count++) {
            pciConfigInit(&model, example);
            pciConfigReset(&device.config);
            if (count > 0)
                pciConfigWrite(&model, offset, 0xffffffff, count);
            len = fillAccess(request, offset, 7, count, ones, count);
            expect(&device, VFIO_USER_REGION_WRITE, request, len, request, 16);
            g_assert_cmpmem(&device.config, sizeof(device.config), &model, sizeof(model));
        }
    }
    pciConfigReset(&device.config);
    len = fillAccess(request, 0, 7, 256, ones, 256);
    expect(&device, VFIO_USER_REGION_WRITE, request, len, request, 16);
    g_assert_cmphex(pciConfigRead(&device.config, 4, 4), ==, PCI_CONFIG_COMMAND_WRITABLE);
    expect(&device, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
    g_assert_cmphex(pciConfigRead(&device.config, 4, 4), ==, 0xf9000000);
    expectError(&device, VFIO_USER_DEVICE_RESET, ones, 1, EINVAL);

    /* Beyond the end, the regions of BARs, a region that does not exist, and lengths that differ
     * from those of the data */
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, G_MAXUINT64, 7, 1, NULL, 0), EINVAL);
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, 0, 7, G_MAXUINT32, NULL, 0), EINVAL);
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, G_MAXUINT64 - 3, 7, 4, NULL, 0), EINVAL);
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, 0, 0, 4, NULL, 0), EINVAL);
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, 0, 9, 0, NULL, 0), EINVAL);
    expectError(&device, VFIO_USER_REGION_READ, request, 15, EINVAL);
    expectError(&device, VFIO_USER_REGION_WRITE, request,
                fillAccess(request, 0, 0, 4, ones, 4), EINVAL);
    expectError(&device, VFIO_USER_REGION_WRITE, request,
                fillAccess(request, 4, 7, 4, ones, 3), EINVAL);
    expectError(&device, VFIO_USER_REGION_WRITE, request,
                fillAccess(request, 4, 7, 4, ones, 5), EINVAL);
    expectError(&device, VFIO_USER_REGION_WRITE, request, 15, EINVAL);
    expect(&device, VFIO_USER_REGION_READ, request, fillAccess(request, 0, 3, 0, NULL, 0), request, 16);
}


/* Reads COUNT registers at OFFSET, which include the interrupt pin, as a client does. Returns the
 * value of the pin. */
static guint8
readPin(Device *device,
        guint offset,
        guint count)
{
    guint8 request[16];
    const gsize len = fillAccess(request, offset, 7, count, NULL, 0);

    g_assert_cmpint(send(device, VFIO_USER_REGION_READ, 0, request, len), ==, 16 + 16 + count);
    return device->reply[16 + 16 + PCI_CONFIG_INTERRUPTPIN - offset];
}


/* QEMU rejects a pin above 4 when it sets up the device and after a reset. */
static void
testPin(void)
{
    static const struct {
        guint8 pin;
        guint8 before;      /* the value before the first reset */
        guint8 reset;       /* the value of the first read after a reset */
    } cases[] = {
        { 0, 0, 0 }, { 1, 1, 1 }, { 4, 4, 4 }, { 5, 0, 0 }, { 9, 0, 0 }, { 255, 0, 0 },
    };
    gsize i;
    int resets;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 request[32];
        Device device;

        negotiate(&device);
        device.config.powerOn[PCI_CONFIG_INTERRUPTPIN] = cases[i].pin;
        pciConfigReset(&device.config);

        g_assert_cmpint(readPin(&device, 0x3d, 1), ==, cases[i].before);
        g_assert_cmpint(readPin(&device, 0x3c, 4), ==, cases[i].before);
        g_assert_cmpint(readPin(&device, 0, 256), ==, cases[i].before);
        /* The neighbouring registers have their values. */
        g_assert_cmphex(device.reply[32], ==, 0x53);
        expect(&device, VFIO_USER_REGION_READ, request, fillAccess(request, 0x3d, 7, 0, NULL, 0),
               request, 16);

        for (resets = 0; resets < 2; resets++) {
            expect(&device, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
            g_assert_cmpint(readPin(&device, 0x3d, 1), ==, cases[i].reset);
            g_assert_cmpint(readPin(&device, 0x3d, 1), ==, cases[i].pin);

            /* A read that differs from QEMU's own */
            expect(&device, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
            g_assert_cmpint(readPin(&device, 0x3c, 4), ==, cases[i].pin);
            expect(&device, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
            g_assert_cmpint(readPin(&device, 0, 256), ==, cases[i].pin);
            g_assert_cmpint(readPin(&device, 0x3d, 1), ==, cases[i].pin);
        }

        /* A rejected reset has no effect. */
        device.session.pin = VFIO_USER_PIN_HIDDEN;
        expectError(&device, VFIO_USER_DEVICE_RESET, "", 1, EINVAL);
        g_assert_cmpint(readPin(&device, 0x3c, 4), ==, cases[i].before);
    }
}


/* A client that limits the size of transfers */
static void
testPeerLimit(void)
{
    guint8 request[128];
    Device device;

    deviceInit(&device);
    g_assert_cmpint(send(&device, VFIO_USER_VERSION, 0, request,
                         version(request, 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":4}}")),
                    >, 0);
    g_assert_cmpint(send(&device, VFIO_USER_REGION_READ, 0, request,
                         fillAccess(request, 0, 7, 4, NULL, 0)), ==, 16 + 16 + 4);
    expectError(&device, VFIO_USER_REGION_READ, request,
                fillAccess(request, 0, 7, 5, NULL, 0), EINVAL);
}


static void
testNoReply(void)
{
    guint8 request[32];
    Device device;

    negotiate(&device);
    g_assert_cmpint(send(&device, VFIO_USER_REGION_WRITE, VFIO_USER_FLAGS_NO_REPLY, request,
                         fillAccess(request, 4, 7, 2, "\x07\x00", 2)), ==, 0);
    g_assert_cmphex(pciConfigRead(&device.config, 4, 2), ==, 7);
    g_assert_cmpint(send(&device, VFIO_USER_REGION_WRITE, VFIO_USER_FLAGS_NO_REPLY, request,
                         fillAccess(request, 4, 7, 3, "\x00\x00", 2)), ==, 0);
    g_assert_cmphex(pciConfigRead(&device.config, 4, 2), ==, 7);
    g_assert_cmpint(send(&device, 999, VFIO_USER_FLAGS_NO_REPLY, NULL, 0), ==, 0);
    g_assert_cmpint(send(&device, VFIO_USER_DEVICE_RESET, VFIO_USER_FLAGS_NO_REPLY, NULL, 0), ==, 0);
    g_assert_cmphex(pciConfigRead(&device.config, 4, 2), ==, 0);
}


static void
testUnsupported(void)
{
    static const guint16 commands[] = { 0, 6, 11, 12, 14, 15, 16, 17, 18, 19, 0x100, 0xffff };
    const guint8 payload[64] = { 0 };
    Device device;
    gsize i;

    negotiate(&device);
    for (i = 0; i < G_N_ELEMENTS(commands); i++) {
        expectError(&device, commands[i], NULL, 0, ENOTSUP);
        expectError(&device, commands[i], payload, sizeof(payload), ENOTSUP);
    }
}


static void
testLength(void)
{
    static const struct {
        guint32 size, flags;
        const char *why;
    } bad[] = {
        { 0, 0, "size of a message" },
        { 15, 0, "size of a message" },
        { VFIO_USER_MESSAGE_MAX + 1, 0, "size of a message" },
        { G_MAXUINT32, 0, "size of a message" },
        { 16, 1, "a message that is no command" },
        { 16, 2, "a message that is no command" },
        { 16, 0x1f, "a message that is no command" },
        { 16, 0x21, "a message that is no command" },
    };
    Header header = { 1, 4, 16, 0, 0 };
    const char *why = NULL;
    gsize i;

    for (i = 0; i < sizeof(header); i++)
        g_assert_cmpint(vfioUserRequestLength((guint8 *) &header, i, &why), ==, 0);
    g_assert_cmpint(vfioUserRequestLength((guint8 *) &header, i, &why), ==, 16);
    header.size = VFIO_USER_MESSAGE_MAX;
    g_assert_cmpint(vfioUserRequestLength((guint8 *) &header, i, &why), ==, VFIO_USER_MESSAGE_MAX);
    /* Reserved bits, and the error bits in a command */
    header.flags = 0xfffffff0;
    g_assert_cmpint(vfioUserRequestLength((guint8 *) &header, i, &why), ==, VFIO_USER_MESSAGE_MAX);
    g_assert_null(why);

    for (i = 0; i < G_N_ELEMENTS(bad); i++) {
        header.size = bad[i].size;
        header.flags = bad[i].flags;
        why = NULL;
        g_assert_cmpint(vfioUserRequestLength((guint8 *) &header, sizeof(header), &why), ==, -1);
        g_assert_cmpstr(why, ==, bad[i].why);
    }
}


static int
parse(VFIOUserCapabilities *capabilities,
      const char *text)
{
    /* The exact size, without a NUL after it */
    g_autofree char *copy = g_memdup2(*text ? text : " ", MAX(strlen(text), 1));

    return vfioUserCapabilitiesParse(capabilities, copy, strlen(text));
}


static void
testJSONGood(void)
{
    static const struct {
        const char *text;
        gint64 fds;             /* -1: absent */
        guint64 data;           /* 0: absent */
    } cases[] = {
        { "{}", -1, 0 },
        { " {\t}\r\n", -1, 0 },
        { "{\"a\":null,\"b\":[],\"c\":[1,-2.5e+3,0,0.1E-9,true,false,\"x\"],\"d\":{\"e\":{}}}", -1, 0 },
        { "{ \"capabilities\" : { \"max_msg_fds\" : 0 , \"max_data_xfer_size\" : 18446744073709551615 } }",
          0, G_MAXUINT64 },
        { "{\"capabilities\":{\"max_msg_fds\":1,\"max_msg_fds\":2}}", 2, 0 },
        { "{\"capabilities\":{\"max_msg_fds\":1},\"capabilities\":{\"max_data_xfer_size\":2}}", -1, 2 },
        { "{\"x\":{\"max_msg_fds\":1},\"max_msg_fds\":\"\"}", -1, 0 },
        { "{\"capabilities\":{\"max_msg_fds2\":\"\",\"max_msg_fd\":[],\"\":{}}}", -1, 0 },
        { "{\"\\u00e9\\n\\\"\\\\\\/\":\"\\uD834\xc3\xa9\"}", -1, 0 },
        { "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", -1, 0 },
    };
    VFIOUserCapabilities capabilities;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(parse(&capabilities, cases[i].text), ==, 0);
        g_assert_cmpint(capabilities.hasMaxMsgFds, ==, cases[i].fds >= 0);
        if (cases[i].fds >= 0)
            g_assert_cmpint(capabilities.maxMsgFds, ==, cases[i].fds);
        g_assert_cmpint(capabilities.hasMaxDataXferSize, ==, cases[i].data != 0);
        g_assert_true(capabilities.maxDataXferSize == cases[i].data);
    }
}


static void
testJSONBad(void)
{
    static const char *const texts[] = {
        "", " ", "{", "}", "[]", "1", "null", "\"\"", "{}{}", "{},", "{,}", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[}",
        "{\"a\":[}]", "{\"a\":01}", "{\"a\":-}", "{\"a\":1.}", "{\"a\":.1}", "{\"a\":1e}", "{\"a\":+1}",
        "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":tru}", "{\"a\":nul", "{\"a\":TRUE}", "{\"a", "{\"a\":\"\\",
        "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u123", "{\"a\":\"\n\"}", "{\"a\":\"\x01\"}",
        "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
        "{\"capabilities\":[]}", "{\"capabilities\":null}", "{\"capabilities\":{}",
        "{\"capabilities\":{\"max_msg_fds\":null}}", "{\"capabilities\":{\"max_msg_fds\":true}}",
        "{\"capabilities\":{\"max_msg_fds\":-0}}", "{\"capabilities\":{\"max_msg_fds\":1.0}}",
        "{\"capabilities\":{\"max_msg_fds\":18446744073709551616}}",
        "{\"capabilities\":{\"max_msg_fds\":99999999999999999999999999999999}}",
        "{\"capabilities\":{\"max_data_xfer_size\":{}}}",
    };
    const char *all = "{\"capabilities\":{\"max_msg_fds\":8,\"x\":[\"\\u0041\",-1.5e3,true,null]}}";
    VFIOUserCapabilities capabilities;
    g_autofree char *deep = g_strnfill(100000, '[');
    g_autofree char *deepMember = g_strdup_printf("{\"a\":%s", deep);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_test_message("%s", texts[i]);
        g_assert_cmpint(parse(&capabilities, texts[i]), ==, -1);
    }
    g_assert_cmpint(parse(&capabilities, deepMember), ==, -1);
    g_assert_cmpint(vfioUserCapabilitiesParse(&capabilities, "{}\0", 3), ==, -1);
    g_assert_cmpint(vfioUserCapabilitiesParse(&capabilities, "{\"a\0\":1}", 8), ==, -1);

    /* Only the complete text is valid. */
    g_assert_cmpint(parse(&capabilities, all), ==, 0);
    for (i = 0; i < strlen(all); i++) {
        g_autofree char *part = g_strndup(all, i);

        g_assert_cmpint(parse(&capabilities, part), ==, -1);
    }
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/vfio-user/json/good", testJSONGood);
    g_test_add_func("/vfio-user/json/bad", testJSONBad);
    g_test_add_func("/vfio-user/length", testLength);
    g_test_add_func("/vfio-user/version", testVersion);
    g_test_add_func("/vfio-user/info", testInfo);
    g_test_add_func("/vfio-user/set-irqs", testSetIRQs);
    g_test_add_func("/vfio-user/dma", testDMA);
    g_test_add_func("/vfio-user/read-write", testReadWrite);
    g_test_add_func("/vfio-user/pin", testPin);
    g_test_add_func("/vfio-user/peer-limit", testPeerLimit);
    g_test_add_func("/vfio-user/no-reply", testNoReply);
    g_test_add_func("/vfio-user/unsupported", testUnsupported);

    return g_test_run();
}
