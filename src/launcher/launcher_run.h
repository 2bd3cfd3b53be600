/*
 * launcher_run.h: starts the emulators and becomes QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The exit status of a launcher that does not become QEMU, with the meaning that env(1) gives
 * them: the launcher has failed, QEMU is not executable, QEMU is not found */
#define LAUNCHER_EXIT_FAILURE 125
#define LAUNCHER_EXIT_CANNOT_RUN 126
#define LAUNCHER_EXIT_NOT_FOUND 127

/**
 * launcherRun:
 * @argc: number of arguments
 * @argv: QEMU's command line; argv[0] is a link in the launch directory
 *
 * Starts the emulators of the devices in @argv and becomes the QEMU that the
 * link stands for.
 *
 * Returns only on failure: the exit status, after one line on standard error
 * that libvirt shows to the user.
 */
int launcherRun(int argc, char **argv);
