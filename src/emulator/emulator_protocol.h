/*
 * emulator_protocol.h: the interface of a protocol between QEMU and the emulator
 *
 * A protocol consists of two functions on buffers. They make no system call and change only their
 * arguments: a request that is processed twice from the same state has the same result, which
 * emulator_device.h requires.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "pci_config.h"

/* The maximum lengths of a request and of a reply of any protocol, in bytes */
#define EMULATOR_REQUEST_MAX 2048
#define EMULATOR_REPLY_MAX 288

/* The state of a connection; a new connection is all zeros. */
typedef struct {
    uint64_t words[2];
} EmulatorSession;

typedef struct {
    const char *name;       /* up to 15 bytes */

    /* Returns the length of the message that begins with the LEN bytes at DATA, at most
     * EMULATOR_REQUEST_MAX; 0 if more bytes are required to determine it; or -1 if the bytes
     * violate the protocol, with *WHY set to a static string in English. */
    ssize_t (*requestLength)(const uint8_t *data,
                             size_t len,
                             const char **why);

    /* Processes the complete message of LEN bytes at REQUEST. Returns the length of the reply in
     * REPLY, 0 if there is none, or -1 as above. */
    ssize_t (*answer)(EmulatorSession *session,
                      PCIConfig *config,
                      const uint8_t *request,
                      size_t len,
                      uint8_t reply[EMULATOR_REPLY_MAX],
                      const char **why);
} EmulatorProtocol;
