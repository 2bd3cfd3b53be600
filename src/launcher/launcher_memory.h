/*
 * launcher_memory.h: whether a server can map the guest's memory
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * launcherMemoryIsShared:
 * @argc: number of arguments
 * @argv: QEMU's command line
 *
 * Returns TRUE if any of the guest's memory is in a file that QEMU shares: a memory backend
 * of type memfd or file, with share=on.
 */
gboolean launcherMemoryIsShared(int argc, char *const *argv);
