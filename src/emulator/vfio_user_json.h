/*
 * vfio_user_json.h: the capabilities in vfio-user's VERSION message
 *
 * A parser for JSON text (RFC 8259) that reads a few numbers and skips the rest. The peer can be
 * hostile: nesting is limited, nothing is allocated, and no byte beyond the text is read.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The maximum nesting of objects and arrays; current messages have 3 levels. */
#define VFIO_USER_JSON_DEPTH_MAX 16

typedef struct {
    bool hasMaxMsgFds;
    uint64_t maxMsgFds;
    bool hasMaxDataXferSize;
    uint64_t maxDataXferSize;
} VFIOUserCapabilities;

/**
 * vfioUserCapabilitiesParse:
 * @capabilities: set to the capabilities; undefined on failure
 * @text: an object, which can contain an object "capabilities"
 * @len: its length, in bytes
 *
 * If a member occurs twice, the last one is used. Names are compared without processing escapes,
 * because no known name requires one.
 *
 * Returns 0, or -1 if the text is not such an object, or if a known capability is not an integer
 * from 0 to 2^64 - 1.
 */
int vfioUserCapabilitiesParse(VFIOUserCapabilities *capabilities,
                              const char *text,
                              size_t len);
