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

/* Runs the QEMU that NAME, a file name of the launch directory, stands for,
 * with ARGV. Returns only if that fails: the exit status, after one line on
 * stderr. */
int launcherRun(const char *name, int argc, char **argv);
