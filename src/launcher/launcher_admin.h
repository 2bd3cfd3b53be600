/*
 * launcher_admin.h: the command line of emulatedpci-launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/**
 * launcherAdmin:
 * @argc: number of arguments
 * @argv: the command line of emulatedpci-launcher(8)
 *
 * Executes the command line.
 *
 * Returns the exit status; messages go to standard error.
 */
int launcherAdmin(int argc, char **argv);
