/*
 * launcher_machine.h: the machine type in QEMU's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * launcherMachineGetType:
 * @argc: the number of arguments
 * @argv: QEMU's command line
 *
 * Finds the machine type: "-machine TYPE[,…]" or "-machine type=TYPE", the same with -M, each also
 * with two dashes. The last one applies.
 *
 * Returns the machine type, to be freed with g_free(), or NULL if there is none, so that QEMU uses
 * its default.
 */
char *launcherMachineGetType(int argc, char *const *argv);
