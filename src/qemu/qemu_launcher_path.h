/*
 * qemu_launcher_path.h: which launcher stands for which QEMU
 *
 * A domain's <emulator> names a link in the launch directory; the link's name
 * tells the launcher which QEMU to run, so neither needs any state:
 *
 *   /usr/bin/qemu-system-x86_64        LAUNCH_DIR/qemu-system-x86_64
 *   /opt/q 1/bin/qemu-system-x86_64    LAUNCH_DIR/opt-q\x201-bin-qemu\x2dsystem\x2dx86_64
 *
 * A program of the distribution's, QEMU_DIR/qemu-system-ARCH, keeps its name.
 * Any other absolute path is written into one file name the way
 * systemd-escape --path does it: the leading '/' is dropped, the other '/'
 * become '-', and every byte outside of [A-Za-z0-9:_.], and a '.' at the
 * beginning, becomes \xNN. Where that would give a name with another meaning
 * (a plain qemu-system-ARCH, or the launcher program's own name) the first
 * byte is escaped too, so that every name stands for one path only.
 *
 * Pure functions on strings; what is on the disk they do not know. DIR
 * arguments may end in '/'; NULL stands for the directory that configure
 * chose. Results are newly allocated, to be freed with g_free().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The program that the links lead to. */
#define QEMU_LAUNCHER_PROGRAM "emulatedpci-launcher"

/* The longest file name that Linux file systems take. */
#define QEMU_LAUNCHER_NAME_MAX 255

/* The launcher's path that stands for the program QEMU. NULL if QEMU is not
 * an absolute path of a file, or its escaped name would be longer than
 * QEMU_LAUNCHER_NAME_MAX. */
char *qemuLauncherPathFromQEMU(const char *launchDir,
                               const char *qemuDir,
                               const char *qemu);

/* The QEMU that the launcher's PATH stands for; the exact inverse of the
 * above. NULL if PATH is not in launchDir or no path of a QEMU gives its
 * name. */
char *qemuLauncherPathToQEMU(const char *launchDir,
                             const char *qemuDir,
                             const char *path);

/* The same for the file name alone. */
char *qemuLauncherNameFromQEMU(const char *qemuDir,
                               const char *qemu);
char *qemuLauncherNameToQEMU(const char *qemuDir,
                             const char *name);

/**
 * qemuLauncherReplacePaths:
 * @launchDir: the launch directory, or NULL
 * @qemuDir: the directory of the distribution's programs, or NULL
 * @text: a message
 *
 * Returns @text with the path of the QEMU program in place of each launcher's
 * path, newly allocated, or NULL if it names no launcher.
 */
char *qemuLauncherReplacePaths(const char *launchDir,
                               const char *qemuDir,
                               const char *text);
