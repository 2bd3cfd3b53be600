/*
 * emulator_protocol.h: what the emulator must know of a link with QEMU
 *
 * A protocol is a pair of pure functions over buffers. They make no system
 * call, remember nothing outside of what they are given, and change nothing
 * else: a request that is handled twice from the same state has the same
 * outcome. emulator_device.h rests on that.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "pci_config.h"

/* No request of any protocol is longer, no answer either. */
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

    /* Acts on the complete message of LEN bytes at REQUEST. Returns the
     * length of the answer in REPLY, 0 if there is none, or -1 as above. */
    ssize_t (*answer)(EmulatorSession *session,
                      PCIConfig *config,
                      const uint8_t *request,
                      size_t len,
                      uint8_t reply[EMULATOR_REPLY_MAX],
                      const char **why);
} EmulatorProtocol;
