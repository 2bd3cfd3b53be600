/*
 * vfio_user_json.h: the capabilities in vfio-user's VERSION message
 *
 * A reader of JSON text (RFC 8259) that looks for a few numbers and skips
 * everything else. The text comes from a hostile peer: nesting has a limit,
 * nothing is allocated, and no byte beyond the text is looked at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Objects and arrays within each other; the messages of today have 3. */
#define VFIO_USER_JSON_DEPTH_MAX 16

typedef struct {
    bool hasMaxMsgFds;
    uint64_t maxMsgFds;
    bool hasMaxDataXferSize;
    uint64_t maxDataXferSize;
} VFIOUserCapabilities;

/* Reads LEN bytes of TEXT, an object that may have an object "capabilities".
 * Of a member that is there twice the last one counts. Names are compared as
 * they are written: none that we know needs an escape. Returns 0, or -1 if it
 * is no such object, or if a capability that we know is no whole number from
 * 0 to 2^64 - 1; *CAPABILITIES is undefined then. */
int vfioUserCapabilitiesParse(VFIOUserCapabilities *capabilities,
                              const char *text,
                              size_t len);
