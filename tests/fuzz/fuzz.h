/*
 * fuzz.h: the interface of a libFuzzer target
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>
#include <stdint.h>

/* Tests SIZE bytes of DATA, and aborts if the test fails. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
