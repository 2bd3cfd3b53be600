/*
 * counter-vfio-user.c: the protocol of QEMU's vfio-user-pci
 *
 * Supports the part of docs/interop/vfio-user.rst in QEMU that a device without
 * memory and interrupts requires. QEMU connects to a path, once for each device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "counter-emulator.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    VFIO_USER_VERSION = 1,
    VFIO_USER_DMA_MAP = 2,
    VFIO_USER_DMA_UNMAP = 3,
    VFIO_USER_GET_INFO = 4,
    VFIO_USER_GET_REGION_INFO = 5,
    VFIO_USER_GET_IRQ_INFO = 7,
    VFIO_USER_SET_IRQS = 8,
    VFIO_USER_REGION_READ = 9,
    VFIO_USER_REGION_WRITE = 10,
    VFIO_USER_DEVICE_RESET = 13,
};

#define FLAG_REPLY 0x01
#define FLAG_NO_REPLY 0x10
#define FLAG_ERROR 0x20

#define CONFIG_REGION 7
#define REGIONS 9
#define IRQS 5
#define INTX 0
#define ERR 3

#define DMA_UNMAP_SIZE 24

/* QEMU's longest message is VFIO_USER_VERSION, with some 300 bytes. */
#define PAYLOAD_MAX 4096

typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size;              /* with the header */
    uint32_t flags;
    uint32_t error;
} Header;

typedef struct {
    Header header;
    union {
        struct {
            uint16_t major;
            uint16_t minor;
            char capabilities[PAYLOAD_MAX - 4];
        } version;
        struct {
            uint32_t argsz;
            uint32_t flags;
            uint32_t regions;
            uint32_t irqs;
        } info;
        struct {
            uint32_t argsz;
            uint32_t flags;
            uint32_t index;
            uint32_t capabilities;
            uint64_t size;
            uint64_t offset;
        } region;
        struct {
            uint32_t argsz;
            uint32_t flags;
            uint32_t index;
            uint32_t count;
        } irq;
        struct {
            uint64_t offset;
            uint32_t region;
            uint32_t count;
            uint8_t data[PAYLOAD_MAX - 16];
        } access;
        uint8_t space[PAYLOAD_MAX];
    } payload;
} Message;


int
vfioUserListen(Device *device)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const mode_t mask = umask(0177);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd >= 0 && strlen(device->path) < sizeof(address.sun_path)) {
        memcpy(address.sun_path, device->path, strlen(device->path));
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0 && listen(fd, 1) == 0) {
            umask(mask);
            return fd;
        }
    }
    umask(mask);
    if (fd >= 0)
        close(fd);
    return -1;
}


/* Handles the read or write in MESSAGE, which has LEN bytes of payload. Returns
 * the length of the payload of the reply, or 0 for an error. */
static uint32_t
serveAccess(Device *device,
            Message *message,
            uint32_t len)
{
    const uint32_t count = message->payload.access.count;

    if (len < 16 || message->payload.access.region != CONFIG_REGION || count > CONFIG_SIZE ||
        message->payload.access.offset > CONFIG_SIZE - count)
        return 0;

    if (message->header.command == VFIO_USER_REGION_READ) {
        deviceRead(device, (uint32_t) message->payload.access.offset, message->payload.access.data, count);
        return 16 + count;
    }
    if (len != 16 + count)
        return 0;
    deviceWrite(device, (uint32_t) message->payload.access.offset, message->payload.access.data, count);
    return 16;
}


/* Replaces MESSAGE, which has LEN bytes of payload, by its reply. Returns the
 * length of the payload of the reply. Sets *KNOWN to 0 for an error. */
static uint32_t
serveCommand(Device *device,
             Message *message,
             uint32_t len,
             int *known)
{
    static const char capabilities[] = "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";

    switch (message->header.command) {
    case VFIO_USER_VERSION:
        message->payload.version.major = 0;
        message->payload.version.minor = 0;
        memcpy(message->payload.version.capabilities, capabilities, sizeof(capabilities));
        return 4 + sizeof(capabilities);

    case VFIO_USER_GET_INFO:
        message->payload.info.argsz = sizeof(message->payload.info);
        message->payload.info.flags = 3;        /* a PCI device that can be reset */
        message->payload.info.regions = REGIONS;
        message->payload.info.irqs = IRQS;
        return sizeof(message->payload.info);

    case VFIO_USER_GET_REGION_INFO:
        *known = len >= 12 && message->payload.region.index < REGIONS;
        message->payload.region.argsz = sizeof(message->payload.region);
        message->payload.region.flags = message->payload.region.index == CONFIG_REGION ? 3 : 0;
        message->payload.region.capabilities = 0;
        message->payload.region.size = message->payload.region.index == CONFIG_REGION ? CONFIG_SIZE : 0;
        message->payload.region.offset = 0;
        return sizeof(message->payload.region);

    case VFIO_USER_GET_IRQ_INFO:
        *known = len >= 12 && message->payload.irq.index < IRQS;
        message->payload.irq.argsz = sizeof(message->payload.irq);
        message->payload.irq.flags = message->payload.irq.index == INTX ? 7 : 1;
        message->payload.irq.count = message->payload.irq.index == INTX || message->payload.irq.index == ERR;
        return sizeof(message->payload.irq);

    case VFIO_USER_REGION_READ:
    case VFIO_USER_REGION_WRITE:
        len = serveAccess(device, message, len);
        *known = len > 0;
        return len;

    case VFIO_USER_DEVICE_RESET:
        deviceReset(device);
        return 0;

    case VFIO_USER_DMA_UNMAP:
        *known = len >= DMA_UNMAP_SIZE;
        return DMA_UNMAP_SIZE;  /* the reply repeats it */

    case VFIO_USER_DMA_MAP:
    case VFIO_USER_SET_IRQS:
        return 0;

    default:
        *known = 0;
        return 0;
    }
}


/* Handles one message and sends its reply. */
static int
vfioUserServe(Device *device)
{
    Message message;
    Header *header = &message.header;
    int known = 1;
    uint32_t len;

    if (receiveAll(device->fd, header, sizeof(*header)) < 0 ||
        header->size < sizeof(*header) || header->size - sizeof(*header) > PAYLOAD_MAX ||
        receiveAll(device->fd, &message.payload, header->size - sizeof(*header)) < 0)
        return -1;

    len = serveCommand(device, &message, header->size - (uint32_t) sizeof(*header), &known);
    if (header->flags & FLAG_NO_REPLY)
        return 0;
    if (!known)
        len = 0;
    header->size = (uint32_t) sizeof(*header) + len;
    header->flags = known ? FLAG_REPLY : FLAG_REPLY | FLAG_ERROR;
    header->error = known ? 0 : EINVAL;
    return sendAll(device->fd, &message, header->size);
}


/* Accepts the connection of QEMU, whose messages are then served. */
int
vfioUserAccept(Device *device)
{
    const int fd = accept(device->fd, NULL, NULL);

    if (fd < 0)
        return -1;
    unlink(device->path);
    close(device->fd);
    device->fd = fd;
    device->serve = vfioUserServe;
    return 0;
}
