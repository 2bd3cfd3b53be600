/*
 * vfio_user.h: the device's end of vfio-user (QEMU's vfio-user-pci)
 *
 * The requests and replies of the protocol, for a device that only has a configuration space. The
 * format is that of docs/interop/vfio-user.rst in QEMU 10.1, version 0.0: host byte order, a
 * header of 16 bytes, then the payload. "The specification" is that document.
 *
 * The functions use no socket, make no system call, allocate nothing, and change only the session
 * and the configuration space in their arguments. A request that is processed again from the same
 * state therefore has the same reply.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "emulator_protocol.h"
#include "pci_config.h"

typedef enum {
    VFIO_USER_VERSION = 1,
    VFIO_USER_DMA_MAP = 2,
    VFIO_USER_DMA_UNMAP = 3,
    VFIO_USER_DEVICE_GET_INFO = 4,
    VFIO_USER_DEVICE_GET_REGION_INFO = 5,
    VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
    VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
    VFIO_USER_DEVICE_SET_IRQS = 8,
    VFIO_USER_REGION_READ = 9,
    VFIO_USER_REGION_WRITE = 10,
    VFIO_USER_DEVICE_RESET = 13,
} VFIOUserCommand;

#define VFIO_USER_HEADER_SIZE 16

/* Header flags: the type of a message, then single bits. */
#define VFIO_USER_FLAGS_TYPE 0x0f
#define VFIO_USER_FLAGS_COMMAND 0x00
#define VFIO_USER_FLAGS_REPLY 0x01
#define VFIO_USER_FLAGS_NO_REPLY 0x10
#define VFIO_USER_FLAGS_ERROR 0x20

/* Regions and interrupt indexes of a PCI device, as in linux/vfio.h. */
#define VFIO_USER_REGIONS 9
#define VFIO_USER_REGION_CONFIG 7
#define VFIO_USER_IRQS 5
#define VFIO_USER_IRQ_INTX 0
#define VFIO_USER_IRQ_ERR 3

/* The highest interrupt pin that QEMU accepts: INTD#. */
#define VFIO_USER_PIN_MAX 4

/* The maximum length of the data of REGION_READ or REGION_WRITE: the size of the configuration
 * space, in bytes */
#define VFIO_USER_DATA_MAX PCI_CONFIG_SIZE

/* The maximum length of a message, in bytes. The longest one of QEMU is VERSION with its
 * capabilities, about 250 bytes; the rest allows for a longer list. */
#define VFIO_USER_MESSAGE_MAX 2048

/* The length of the longest reply, which is that of REGION_READ for all registers */
#define VFIO_USER_REPLY_MAX (VFIO_USER_HEADER_SIZE + 16 + VFIO_USER_DATA_MAX)

/* Determines whether the interrupt pin can be read. QEMU itself reads the pin when it sets the
 * device up, and once after each reset, and rejects a value above VFIO_USER_PIN_MAX. The guest does
 * not run before the first reset. Therefore such a pin reads as 0, which means no interrupt, on
 * these two occasions; the guest reads the user's value. */
typedef enum {
    VFIO_USER_PIN_HIDDEN = 0,       /* no DEVICE_RESET has come yet */
    VFIO_USER_PIN_RESET,            /* the last message was DEVICE_RESET */
    VFIO_USER_PIN_VISIBLE,
} VFIOUserPin;

/* The state of a connection; a new connection is all zeros. */
typedef struct {
    uint32_t negotiated;            /* not 0: VERSION was answered */
    uint32_t pin;                   /* VFIOUserPin */
    uint64_t peerDataMax;           /* data that the peer takes in one message */
} VFIOUserSession;

/**
 * vfioUserRequestLength:
 * @data: the beginning of a message
 * @len: the number of bytes
 * @why: set to a static string in English if the result is -1
 *
 * Returns the length of the message including the header, VFIO_USER_HEADER_SIZE to
 * VFIO_USER_MESSAGE_MAX; 0 if more bytes are required to determine it; or -1 if it violates the
 * protocol or is too long.
 */
ssize_t vfioUserRequestLength(const uint8_t *data,
                              size_t len,
                              const char **why);

/**
 * vfioUserAnswer:
 * @session: the state of the connection
 * @config: the configuration space
 * @request: a complete message, see vfioUserRequestLength()
 * @len: its length, in bytes
 * @reply: set to the reply
 * @why: set to a static string in English if the result is -1
 *
 * Processes a message.
 *
 * Returns the length of the reply; 0 if there is none; or -1 if the connection must be closed, in
 * which case nothing was changed.
 */
ssize_t vfioUserAnswer(VFIOUserSession *session,
                       PCIConfig *config,
                       const uint8_t *request,
                       size_t len,
                       uint8_t reply[VFIO_USER_REPLY_MAX],
                       const char **why);

/* These functions as a protocol, for emulator_device.h */
extern const EmulatorProtocol vfioUserProtocol;
