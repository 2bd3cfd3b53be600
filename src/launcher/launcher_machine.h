/*
 * launcher_machine.h: which machine type QEMU's command line asks for
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Returns the machine type in ARGV: of "-machine TYPE[,…]", "-machine type=TYPE", or the same with
 * -M, each also with two dashes. The last one counts. The caller frees the result. Returns NULL if
 * there is none, and QEMU takes its default. */
char *launcherMachineGetType(int argc, char *const *argv);
