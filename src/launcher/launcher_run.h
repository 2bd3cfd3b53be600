/*
 * launcher_run.h: stands in for QEMU, and becomes it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Exit status of a launcher that does not become QEMU, as env(1) and others
 * have it: its own failure, QEMU not executable, QEMU not found. */
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
