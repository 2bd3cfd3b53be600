/*
 * checksum-protocol.c: vfio-user, QEMU's protocol for devices in other processes
 *
 * Written from docs/interop/vfio-user.rst of QEMU, version 0.0, whose names are used here. A
 * message is a header of 16 bytes and a payload; both sides can send requests. QEMU is not
 * trusted: each number is checked before it is used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "checksum-engine.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CMD_VERSION = 1,
    CMD_DMA_MAP = 2,
    CMD_DMA_UNMAP = 3,
    CMD_DEVICE_GET_INFO = 4,
    CMD_DEVICE_GET_REGION_INFO = 5,
    CMD_DEVICE_GET_IRQ_INFO = 7,
    CMD_DEVICE_SET_IRQS = 8,
    CMD_REGION_READ = 9,
    CMD_REGION_WRITE = 10,
    CMD_DMA_READ = 11,
    CMD_DEVICE_RESET = 13,
};

typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size;              /* with the header */
    uint32_t flags;
    uint32_t error;
} Header;

#define TYPE 0xf
#define REPLY 1
#define NO_REPLY 0x10
#define ERROR 0x20

/* The largest message: the reply to DMA_READ. */
#define PAYLOAD_MAX (16 + DMA_CHUNK)
#define FDS_MAX 8

typedef struct {
    size_t length;              /* of the payload */
    int fds[FDS_MAX];
    size_t nfds;
    Header header;              /* it and the payload are sent in this layout */
    union {
        uint8_t bytes[PAYLOAD_MAX];
        struct { uint16_t major, minor; } version;
        struct { uint32_t argsz, flags; uint64_t offset, address, size; } map;
        struct { uint32_t argsz, flags; uint64_t address, size; } unmap;
        struct { uint32_t argsz, flags, regions, irqs; } info;
        struct { uint32_t argsz, flags, index, cap; uint64_t size, offset; } region;
        struct { uint32_t argsz, flags, index, count; } irq;
        struct { uint32_t argsz, flags, index, start, count; } irqs;
        struct { uint64_t offset; uint32_t region, count; uint8_t data[]; } access;
        struct { uint64_t address, count; uint8_t data[]; } memory;
    };
} Message;

static const char capabilities[] =
    "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":65536}}";


/* Removes the socket of a program that was killed. */
static void
removeStale(const struct sockaddr_un *address)
{
    struct stat st;
    const bool isSocket = lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (isSocket && connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0 &&
        errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
}


int
protocolListen(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const bool fits = strlen(path) < sizeof(address.sun_path);
    const mode_t mask = umask(0177);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fits) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        removeStale(&address);
    }
    if (fd >= 0 && (!fits || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                    listen(fd, 1) < 0)) {
        close(fd);
        fd = -1;
    }
    umask(mask);
    return fd;
}


/* --- messages */

static int
receiveAll(int fd,
           void *buf,
           size_t size)
{
    char *at = buf;

    while (size > 0) {
        const ssize_t got = recv(fd, at, size, 0);

        if (got <= 0)
            return -1;
        at += got;
        size -= (size_t) got;
    }
    return 0;
}


/* Receives the header and its descriptors. */
static int
receiveHeader(int fd,
              Message *message)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control;
    struct iovec iov = { &message->header, sizeof(message->header) };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof(control),
    };
    struct cmsghdr *cmsg;
    const ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

    message->nfds = 0;
    if (got <= 0)
        return -1;
    for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
        if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
            message->nfds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(message->fds, CMSG_DATA(cmsg), message->nfds * sizeof(int));
        }
    }
    return receiveAll(fd, (char *) &message->header + got, sizeof(message->header) - (size_t) got);
}


static int
receiveMessage(int fd,
               Message *message)
{
    if (receiveHeader(fd, message) < 0 || message->header.size < sizeof(message->header) ||
        message->header.size - sizeof(message->header) > PAYLOAD_MAX)
        return -1;
    message->length = message->header.size - sizeof(message->header);
    /* Bytes that the message does not contain are 0, not those of an earlier message. */
    memset(message->bytes, 0, sizeof(message->map));
    return receiveAll(fd, message->bytes, message->length);
}


/* QEMU reads all messages, so that the socket always has room. */
static int
sendMessage(int fd,
            Message *message,
            size_t length)
{
    message->header.size = (uint32_t) (sizeof(message->header) + length);
    return send(fd, &message->header, message->header.size, MSG_NOSIGNAL) ==
        (ssize_t) message->header.size ? 0 : -1;
}


/* --- requests: each returns the length of the reply's payload, or -1 with errno set */

static ssize_t
answerVersion(Message *message)
{
    if (message->length < sizeof(message->version) || message->version.major != 0) {
        errno = EPROTONOSUPPORT;
        return -1;
    }
    message->version.minor = 0;
    memcpy(message->bytes + sizeof(message->version), capabilities, sizeof(capabilities));
    return sizeof(message->version) + sizeof(capabilities);
}


static ssize_t
answerInfo(Message *message)
{
    message->info.argsz = sizeof(message->info);
    message->info.flags = 1 | 2;        /* can be reset; PCI */
    message->info.regions = REGIONS;
    message->info.irqs = IRQS;
    return sizeof(message->info);
}


static ssize_t
answerRegionInfo(Message *message)
{
    const uint32_t index = message->region.index;

    if (index >= REGIONS) {
        errno = EINVAL;
        return -1;
    }
    message->region.argsz = sizeof(message->region);
    message->region.size = deviceRegionSize(index);
    message->region.flags = message->region.size ? 1 | 2 : 0;   /* can be read and written */
    message->region.cap = 0;
    message->region.offset = 0;
    return sizeof(message->region);
}


static ssize_t
answerIRQInfo(Message *message)
{
    message->irq.argsz = sizeof(message->irq);
    message->irq.flags = 1;             /* with eventfd */
    message->irq.count = 0;
    if (message->irq.index == IRQ_INTX) {
        message->irq.flags |= 2 | 4;    /* can be masked, and masks itself */
        message->irq.count = 1;
    } else if (message->irq.index == IRQ_MSIX) {
        message->irq.flags |= 8;        /* the number of vectors is fixed while in use */
        message->irq.count = MSIX_VECTORS;
    }
    return sizeof(message->irq);
}


/* Sets the eventfds of interrupts to the descriptors of MESSAGE, and takes ownership of these. */
static void
setEventfds(Device *device,
            Message *message)
{
    int *fds = message->irqs.index == IRQ_INTX ? &device->intx : device->msix;
    const uint32_t max = message->irqs.index == IRQ_INTX ? 1 : MSIX_VECTORS;
    /* A count of 0 disables all interrupts. */
    const bool all = message->irqs.count == 0;
    const uint32_t start = all ? 0 : message->irqs.start;
    const uint32_t count = all ? max : message->irqs.count;
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (fds[start + i] >= 0)
            close(fds[start + i]);
        fds[start + i] = -1;
        if (i < message->nfds && !all) {
            fds[start + i] = message->fds[i];
            message->fds[i] = -1;
        }
    }
    if (message->irqs.index == IRQ_INTX) {
        device->masked = false;
        deviceRaiseINTx(device);
    }
}


static ssize_t
answerSetIRQs(Device *device,
              Message *message)
{
    const uint32_t max = message->irqs.index == IRQ_INTX ? 1 :
        message->irqs.index == IRQ_MSIX ? MSIX_VECTORS : 0;
    const uint32_t flags = message->irqs.flags;

    if (message->length < sizeof(message->irqs) || message->irqs.start > max ||
        message->irqs.count > max - message->irqs.start) {
        errno = EINVAL;
        return -1;
    }
    if (flags & 0x20) {                 /* the trigger: eventfds, or none */
        if (max > 0)
            setEventfds(device, message);
    } else if (message->irqs.index == IRQ_INTX) {
        device->masked = (flags & 0x08) != 0;
        deviceRaiseINTx(device);
    }
    return 0;
}


static ssize_t
answerAccess(Device *device,
             Message *message)
{
    const uint64_t size = deviceRegionSize(message->access.region);
    const uint32_t count = message->access.count;
    const bool isWrite = message->header.command == CMD_REGION_WRITE;

    if (message->length < sizeof(message->access) || message->access.offset > size ||
        count > size - message->access.offset || count > CONFIG_SIZE ||
        (isWrite && message->length - sizeof(message->access) != count)) {
        errno = EINVAL;
        return -1;
    }
    if (isWrite)
        deviceWrite(device, message->access.region, message->access.offset, message->access.data, count);
    else
        deviceRead(device, message->access.region, message->access.offset, message->access.data, count);
    return (ssize_t) sizeof(message->access) + (isWrite ? 0 : (ssize_t) count);
}


static ssize_t
answer(Device *device,
       Message *message)
{
    switch (message->header.command) {
    case CMD_VERSION:
        return answerVersion(message);
    case CMD_DMA_MAP:
        return dmaMap(device, message->nfds ? message->fds[0] : -1, message->map.offset,
                      message->map.address, message->map.size);
    case CMD_DMA_UNMAP:
        dmaUnmap(device, message->unmap.address, message->unmap.size);
        return sizeof(message->unmap);
    case CMD_DEVICE_GET_INFO:
        return answerInfo(message);
    case CMD_DEVICE_GET_REGION_INFO:
        return answerRegionInfo(message);
    case CMD_DEVICE_GET_IRQ_INFO:
        return answerIRQInfo(message);
    case CMD_DEVICE_SET_IRQS:
        return answerSetIRQs(device, message);
    case CMD_REGION_READ:
    case CMD_REGION_WRITE:
        return answerAccess(device, message);
    case CMD_DEVICE_RESET:
        deviceReset(device);
        return 0;
    default:
        errno = EOPNOTSUPP;
        return -1;
    }
}


/* --- the connection */

int
protocolReadMemory(Device *device,
                   uint64_t address,
                   uint32_t count)
{
    struct { Header header; uint64_t address, count; } request = {
        .header = { .id = ++device->messageId, .command = CMD_DMA_READ, .size = sizeof(request) },
        .address = address,
        .count = count,
    };

    return send(device->fd, &request, sizeof(request), MSG_NOSIGNAL) == (ssize_t) sizeof(request) ? 0 : -1;
}


/* Handles the reply to our DMA_READ. The reply to an earlier request is ignored. */
static void
takeMemory(Device *device,
           const Message *message)
{
    if (message->header.command != CMD_DMA_READ || message->header.id != device->messageId)
        return;
    if ((message->header.flags & ERROR) || message->length < sizeof(message->memory) ||
        message->memory.count != message->length - sizeof(message->memory))
        deviceContinue(device, NULL, 0);
    else
        deviceContinue(device, message->memory.data, message->memory.count);
}


int
protocolServe(Device *device)
{
    static Message message;
    const int result = receiveMessage(device->fd, &message);
    ssize_t length = 0;
    size_t i;

    if (result == 0 && (message.header.flags & TYPE) == REPLY) {
        takeMemory(device, &message);
        message.header.flags |= NO_REPLY;
    } else if (result == 0) {
        length = answer(device, &message);
        message.header.flags = (message.header.flags & NO_REPLY) | REPLY;
        message.header.error = 0;
        if (length < 0) {
            message.header.flags |= ERROR;
            message.header.error = (uint32_t) errno;
            length = 0;
        }
    }
    for (i = 0; i < message.nfds; i++) {
        if (message.fds[i] >= 0)
            close(message.fds[i]);
    }
    if (result < 0)
        return -1;
    return message.header.flags & NO_REPLY ? 0 : sendMessage(device->fd, &message, (size_t) length);
}


void
protocolClose(Device *device)
{
    size_t i;

    close(device->fd);
    device->fd = -1;
    if (device->intx >= 0)
        close(device->intx);
    device->intx = -1;
    for (i = 0; i < MSIX_VECTORS; i++) {
        if (device->msix[i] >= 0)
            close(device->msix[i]);
        device->msix[i] = -1;
    }
    dmaUnmapAll(device);
    deviceReset(device);
}
