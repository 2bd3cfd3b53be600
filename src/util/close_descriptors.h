/*
 * close_descriptors.h: closing the descriptors that a program has inherited
 *
 * This file and its .c use only the C library and allocate nothing. The emulator and the
 * programs around it link them, and a child can call them between fork() and exec().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * closeDescriptorsExcept:
 * @keep: descriptors above standard error, in ascending order
 * @n: their number
 *
 * Closes all descriptors above standard error except @keep.
 *
 * Returns false with errno set on failure.
 */
bool closeDescriptorsExcept(const int *keep, size_t n);

/**
 * closeDescriptorsExceptSlowly:
 * @keep: descriptors above standard error, in ascending order
 * @n: their number
 *
 * The same as closeDescriptorsExcept() without close_range(2), which Linux supports since 5.9.
 * closeDescriptorsExcept() uses it if close_range() is unsupported.
 *
 * Returns true.
 */
bool closeDescriptorsExceptSlowly(const int *keep, size_t n);
