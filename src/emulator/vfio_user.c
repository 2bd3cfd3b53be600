/*
 * vfio_user.c: the device's end of vfio-user (QEMU's vfio-user-pci)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vfio_user.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"
#include "vfio_user_json.h"

typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size;
    uint32_t flags;
    uint32_t error;
} VFIOUserHeader;

verify(sizeof(VFIOUserHeader) == VFIO_USER_HEADER_SIZE);

typedef struct {
    uint16_t major;
    uint16_t minor;
} VFIOUserVersion;

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t size;
} VFIOUserDMAMap;

verify(sizeof(VFIOUserDMAMap) == 32);

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint64_t address;
    uint64_t size;
} VFIOUserDMAUnmap;

verify(sizeof(VFIOUserDMAUnmap) == 24);

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t nregions;
    uint32_t nirqs;
} VFIOUserDeviceInfo;

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t capOffset;
    uint64_t size;
    uint64_t offset;
} VFIOUserRegionInfo;

verify(sizeof(VFIOUserRegionInfo) == 32);

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t count;
} VFIOUserIRQInfo;

typedef struct {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t start;
    uint32_t count;
} VFIOUserIRQSet;

verify(sizeof(VFIOUserIRQSet) == 20);

typedef struct {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
} VFIOUserRegionAccess;

verify(sizeof(VFIOUserRegionAccess) == 16);

verify(sizeof(VFIOUserSession) <= sizeof(EmulatorSession));
verify(VFIO_USER_MESSAGE_MAX <= EMULATOR_REQUEST_MAX);
verify(VFIO_USER_REPLY_MAX <= EMULATOR_REPLY_MAX);

/* The flags of these structures, as in linux/vfio.h */
enum {
    DEVICE_FLAGS_RESET = 1 << 0,
    DEVICE_FLAGS_PCI = 1 << 1,

    REGION_FLAG_READ = 1 << 0,
    REGION_FLAG_WRITE = 1 << 1,

    IRQ_FLAG_EVENTFD = 1 << 0,
    IRQ_FLAG_MASKABLE = 1 << 1,
    IRQ_FLAG_AUTOMASKED = 1 << 2,

    IRQ_SET_DATA_NONE = 1 << 0,
    IRQ_SET_DATA_BOOL = 1 << 1,
    IRQ_SET_DATA_EVENTFD = 1 << 2,
    IRQ_SET_ACTION_MASK = 1 << 3,
    IRQ_SET_ACTION_UNMASK = 1 << 4,
    IRQ_SET_ACTION_TRIGGER = 1 << 5,
};

/* The number of descriptors per message that the server reports. Received descriptors are closed
 * at once, so the value only has to be large enough for QEMU. */
#define MAX_MSG_FDS 8

/* The default of the specification for clients that do not send the value */
#define PEER_DATA_DEFAULT 1048576

/* One message and its reply. A handler reads the payload, writes the payload of the reply, and
 * returns the length of the latter, or a negative errno. */
typedef struct {
    VFIOUserSession *session;
    PCIConfig *config;
    const uint8_t *payload;
    size_t len;
    uint8_t *reply;
} Exchange;


/* The fixed part of a payload. A longer payload belongs to a later version, and its rest is
 * ignored. */
static bool
exchangeGet(const Exchange *exchange,
            void *fixed,
            size_t size)
{
    if (exchange->len < size)
        return false;

    memcpy(fixed, exchange->payload, size);
    return true;
}


static ssize_t
exchangePut(const Exchange *exchange,
            const void *fixed,
            size_t size)
{
    memcpy(exchange->reply, fixed, size);
    return size;
}


/* Writes the supported capabilities of those that the client proposed: "a
 * subset of those proposed". Returns the length with the final NUL. */
static size_t
formatCapabilities(const VFIOUserCapabilities *proposed,
                   char *text,
                   size_t size)
{
    char fds[32] = "";
    char data[48] = "";

    if (proposed->hasMaxMsgFds)
        snprintf(fds, sizeof(fds), "\"max_msg_fds\":%d", MAX_MSG_FDS);
    if (proposed->hasMaxDataXferSize)
        snprintf(data, sizeof(data), "\"max_data_xfer_size\":%d", VFIO_USER_DATA_MAX);

    return 1 + snprintf(text, size, "{\"capabilities\":{%s%s%s}}",
                        fds, *fds && *data ? "," : "", data);
}


static ssize_t
handleVersion(Exchange *exchange)
{
    VFIOUserVersion version;
    VFIOUserCapabilities capabilities = { 0 };
    const char *text = (const char *) exchange->payload + sizeof(version);
    size_t len;

    if (exchange->session->negotiated || !exchangeGet(exchange, &version, sizeof(version)))
        return -EINVAL;

    len = exchange->len - sizeof(version);
    if (len > 0 && (text[len - 1] != '\0' ||
                    vfioUserCapabilitiesParse(&capabilities, text, len - 1) < 0))
        return -EINVAL;

    exchange->session->negotiated = 1;
    exchange->session->peerDataMax = capabilities.hasMaxDataXferSize ?
        capabilities.maxDataXferSize : PEER_DATA_DEFAULT;

    /* The only supported minor version is the lowest one. */
    version.minor = 0;
    exchangePut(exchange, &version, sizeof(version));
    return sizeof(version) +
        formatCapabilities(&capabilities, (char *) exchange->reply + sizeof(version),
                           VFIO_USER_DATA_MAX);
}


/* Guest memory is never accessed, so that mappings need not be stored. The kernel has closed the
 * descriptor. */
static ssize_t
handleDMAMap(Exchange *exchange)
{
    VFIOUserDMAMap map;

    return exchangeGet(exchange, &map, sizeof(map)) ? 0 : -EINVAL;
}


static ssize_t
handleDMAUnmap(Exchange *exchange)
{
    VFIOUserDMAUnmap unmap;

    if (!exchangeGet(exchange, &unmap, sizeof(unmap)))
        return -EINVAL;
    return exchangePut(exchange, &unmap, sizeof(unmap));
}


static ssize_t
handleGetInfo(Exchange *exchange)
{
    VFIOUserDeviceInfo info;

    if (!exchangeGet(exchange, &info, sizeof(info)) || info.argsz < sizeof(info))
        return -EINVAL;

    info = (VFIOUserDeviceInfo) {
        .argsz = sizeof(info),
        .flags = DEVICE_FLAGS_RESET | DEVICE_FLAGS_PCI,
        .nregions = VFIO_USER_REGIONS,
        .nirqs = VFIO_USER_IRQS,
    };
    return exchangePut(exchange, &info, sizeof(info));
}


static uint32_t
regionSize(uint32_t index)
{
    return index == VFIO_USER_REGION_CONFIG ? PCI_CONFIG_SIZE : 0;
}


static ssize_t
handleGetRegionInfo(Exchange *exchange)
{
    VFIOUserRegionInfo info;

    if (!exchangeGet(exchange, &info, sizeof(info)) || info.argsz < sizeof(info) ||
        info.index >= VFIO_USER_REGIONS)
        return -EINVAL;

    info = (VFIOUserRegionInfo) {
        .argsz = sizeof(info),
        .flags = regionSize(info.index) ? REGION_FLAG_READ | REGION_FLAG_WRITE : 0,
        .index = info.index,
        .size = regionSize(info.index),
    };
    return exchangePut(exchange, &info, sizeof(info));
}


/* A device with an interrupt pin has one interrupt. Every device has an error interrupt, because
 * QEMU warns about devices without it. Neither is ever raised. */
static uint32_t
irqCount(const PCIConfig *config,
         uint32_t index)
{
    switch (index) {
    case VFIO_USER_IRQ_INTX:
        return config->powerOn[PCI_CONFIG_INTERRUPTPIN] != 0;
    case VFIO_USER_IRQ_ERR:
        return 1;
    default:
        return 0;
    }
}


static uint32_t
irqFlags(uint32_t index)
{
    switch (index) {
    case VFIO_USER_IRQ_INTX:
        return IRQ_FLAG_EVENTFD | IRQ_FLAG_MASKABLE | IRQ_FLAG_AUTOMASKED;
    case VFIO_USER_IRQ_ERR:
        return IRQ_FLAG_EVENTFD;
    default:
        return 0;
    }
}


static ssize_t
handleGetIRQInfo(Exchange *exchange)
{
    VFIOUserIRQInfo info;

    if (!exchangeGet(exchange, &info, sizeof(info)) || info.argsz < sizeof(info) ||
        info.index >= VFIO_USER_IRQS)
        return -EINVAL;

    info = (VFIOUserIRQInfo) {
        .argsz = sizeof(info),
        .flags = irqFlags(info.index),
        .index = info.index,
        .count = irqCount(exchange->config, info.index),
    };
    return exchangePut(exchange, &info, sizeof(info));
}


static ssize_t
handleSetIRQs(Exchange *exchange)
{
    VFIOUserIRQSet set;
    uint32_t count;

    if (!exchangeGet(exchange, &set, sizeof(set)) || set.index >= VFIO_USER_IRQS)
        return -EINVAL;

    count = irqCount(exchange->config, set.index);
    if (set.start > count || set.count > count - set.start)
        return -EINVAL;

    switch (set.flags & (IRQ_SET_DATA_NONE | IRQ_SET_DATA_BOOL | IRQ_SET_DATA_EVENTFD)) {
    case IRQ_SET_DATA_NONE:
    case IRQ_SET_DATA_EVENTFD:
        break;
    case IRQ_SET_DATA_BOOL:
        if (exchange->len - sizeof(set) < set.count)
            return -EINVAL;
        break;
    default:
        return -EINVAL;
    }

    switch (set.flags & ~(IRQ_SET_DATA_NONE | IRQ_SET_DATA_BOOL | IRQ_SET_DATA_EVENTFD)) {
    case IRQ_SET_ACTION_MASK:
    case IRQ_SET_ACTION_UNMASK:
    case IRQ_SET_ACTION_TRIGGER:
        return 0;
    default:
        return -EINVAL;
    }
}


/* Returns whether all of an access lies within its region. The regions of BARs have
 * no bytes. */
static bool
accessIsValid(const VFIOUserRegionAccess *access)
{
    return access->region < VFIO_USER_REGIONS &&
        access->offset <= regionSize(access->region) &&
        access->count <= regionSize(access->region) - access->offset;
}


/* Returns whether an access reads the interrupt pin when QEMU would reject its value: see
 * VFIOUserPin. */
static bool
pinIsHidden(const Exchange *exchange,
            const VFIOUserRegionAccess *access)
{
    if (access->offset > PCI_CONFIG_INTERRUPTPIN ||
        access->count <= PCI_CONFIG_INTERRUPTPIN - access->offset ||
        exchange->config->now[PCI_CONFIG_INTERRUPTPIN] <= VFIO_USER_PIN_MAX)
        return false;

    return exchange->session->pin == VFIO_USER_PIN_HIDDEN ||
        (exchange->session->pin == VFIO_USER_PIN_RESET && access->count == 1);
}


static ssize_t
handleRegionRead(Exchange *exchange)
{
    VFIOUserRegionAccess access;
    uint8_t *data = exchange->reply + sizeof(access);
    uint32_t i;

    if (!exchangeGet(exchange, &access, sizeof(access)) || !accessIsValid(&access) ||
        access.count > exchange->session->peerDataMax)
        return -EINVAL;

    exchangePut(exchange, &access, sizeof(access));
    for (i = 0; i < access.count; i++)
        data[i] = pciConfigRead(exchange->config, access.offset + i, 1);
    if (pinIsHidden(exchange, &access))
        data[PCI_CONFIG_INTERRUPTPIN - access.offset] = 0;

    return sizeof(access) + access.count;
}


/* The result does not depend on the width of the access, because registers have no side
 * effects. */
static ssize_t
handleRegionWrite(Exchange *exchange)
{
    VFIOUserRegionAccess access;
    const uint8_t *data = exchange->payload + sizeof(access);
    uint32_t i;

    if (!exchangeGet(exchange, &access, sizeof(access)) || !accessIsValid(&access) ||
        access.count != exchange->len - sizeof(access))
        return -EINVAL;

    for (i = 0; i < access.count; i++)
        pciConfigWrite(exchange->config, access.offset + i, data[i], 1);

    return exchangePut(exchange, &access, sizeof(access));
}


static ssize_t
handleReset(Exchange *exchange)
{
    if (exchange->len != 0)
        return -EINVAL;

    pciConfigReset(exchange->config);
    exchange->session->pin = VFIO_USER_PIN_RESET;
    return 0;
}


static ssize_t
handle(Exchange *exchange,
       uint16_t command)
{
    switch ((VFIOUserCommand) command) {
    case VFIO_USER_VERSION:
        return handleVersion(exchange);
    case VFIO_USER_DMA_MAP:
        return handleDMAMap(exchange);
    case VFIO_USER_DMA_UNMAP:
        return handleDMAUnmap(exchange);
    case VFIO_USER_DEVICE_GET_INFO:
        return handleGetInfo(exchange);
    case VFIO_USER_DEVICE_GET_REGION_INFO:
        return handleGetRegionInfo(exchange);
    case VFIO_USER_DEVICE_GET_IRQ_INFO:
        return handleGetIRQInfo(exchange);
    case VFIO_USER_DEVICE_SET_IRQS:
        return handleSetIRQs(exchange);
    case VFIO_USER_REGION_READ:
        return handleRegionRead(exchange);
    case VFIO_USER_REGION_WRITE:
        return handleRegionWrite(exchange);
    case VFIO_USER_DEVICE_RESET:
        return handleReset(exchange);
    case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
    default:
        /* Direct access, migration, coalesced writes: not offered */
        return -ENOTSUP;
    }
}


ssize_t
vfioUserRequestLength(const uint8_t *data,
                      size_t len,
                      const char **why)
{
    VFIOUserHeader header;

    if (len < sizeof(header))
        return 0;

    memcpy(&header, data, sizeof(header));

    /* The emulator sends no requests, so that replies are unexpected. */
    if ((header.flags & VFIO_USER_FLAGS_TYPE) != VFIO_USER_FLAGS_COMMAND) {
        *why = "a message that is no command";
        return -1;
    }
    if (header.size < sizeof(header) || header.size > VFIO_USER_MESSAGE_MAX) {
        *why = "size of a message";
        return -1;
    }
    return header.size;
}


ssize_t
vfioUserAnswer(VFIOUserSession *session,
               PCIConfig *config,
               const uint8_t *request,
               size_t len,
               uint8_t reply[VFIO_USER_REPLY_MAX],
               const char **why)
{
    Exchange exchange = {
        .session = session,
        .config = config,
        .payload = request + VFIO_USER_HEADER_SIZE,
        .len = len - VFIO_USER_HEADER_SIZE,
        .reply = reply + VFIO_USER_HEADER_SIZE,
    };
    VFIOUserHeader header;
    VFIOUserVersion version;
    ssize_t rc;

    memcpy(&header, request, sizeof(header));

    if (!session->negotiated) {
        if (header.command != VFIO_USER_VERSION) {
            *why = "a command before VERSION";
            return -1;
        }
        if (exchangeGet(&exchange, &version, sizeof(version)) && version.major != 0) {
            *why = "major version";
            return -1;
        }
    }

    rc = handle(&exchange, header.command);
    if (header.command != VFIO_USER_DEVICE_RESET && session->pin == VFIO_USER_PIN_RESET)
        session->pin = VFIO_USER_PIN_VISIBLE;

    if (header.flags & VFIO_USER_FLAGS_NO_REPLY)
        return 0;

    header.flags = VFIO_USER_FLAGS_REPLY | (rc < 0 ? VFIO_USER_FLAGS_ERROR : 0);
    header.error = rc < 0 ? -rc : 0;
    header.size = sizeof(header) + (rc < 0 ? 0 : rc);
    memcpy(reply, &header, sizeof(header));
    return header.size;
}


static ssize_t
protocolAnswer(EmulatorSession *session,
               PCIConfig *config,
               const uint8_t *request,
               size_t len,
               uint8_t reply[EMULATOR_REPLY_MAX],
               const char **why)
{
    VFIOUserSession own;
    ssize_t rc;

    memcpy(&own, session->words, sizeof(own));
    rc = vfioUserAnswer(&own, config, request, len, reply, why);
    memcpy(session->words, &own, sizeof(own));
    return rc;
}


const EmulatorProtocol vfioUserProtocol = {
    .name = "vfio-user",
    .requestLength = vfioUserRequestLength,
    .answer = protocolAnswer,
};
