/*
 * qemu_launcher_path.h: the launcher's link for each QEMU program
 *
 * A domain's <emulator> is a link in the launch directory. The launcher derives the
 * path of QEMU from the name of the link, so no other state is required:
 *
 *   /usr/bin/qemu-system-x86_64        LAUNCH_DIR/qemu-system-x86_64
 *   /opt/q 1/bin/qemu-system-x86_64    LAUNCH_DIR/opt-q\x201-bin-qemu\x2dsystem\x2dx86_64
 *
 * A program of the distribution, QEMU_DIR/qemu-system-ARCH, keeps its name.
 * Any other absolute path is escaped as by systemd-escape --path (see
 * systemd.unit(5), "String Escaping for Inclusion in Unit Names"): the leading '/'
 * is dropped, the other '/' become '-', and every byte outside of [A-Za-z0-9:_.],
 * and a '.' at the beginning, becomes \xNN. If the result has another meaning
 * (a plain qemu-system-ARCH, or the name of the launcher program), the first
 * byte is escaped too, so that every name represents one path only.
 *
 * These functions only process strings and do not access files.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The program that the links point to */
#define QEMU_LAUNCHER_PROGRAM "emulatedpci-launcher"

/* The longest file name of Linux file systems (NAME_MAX), in bytes */
#define QEMU_LAUNCHER_NAME_MAX 255

/**
 * qemuLauncherPathFromQEMU:
 * @launchDir: the launch directory, which may end in '/', or NULL for the configured one
 * @qemuDir: the directory of the distribution's programs, which may end in '/', or NULL for
 *           the configured one
 * @qemu: the path of a QEMU program
 *
 * Gets the path of the link that represents @qemu.
 *
 * Returns the path, to be freed with g_free(), or NULL if @qemu is not an absolute path of
 * a file, or if its escaped name is longer than QEMU_LAUNCHER_NAME_MAX.
 */
char *qemuLauncherPathFromQEMU(const char *launchDir,
                               const char *qemuDir,
                               const char *qemu);

/**
 * qemuLauncherPathToQEMU:
 * @launchDir: the launch directory, as above
 * @qemuDir: the directory of the distribution's programs, as above
 * @path: the path of a link
 *
 * Gets the QEMU program that a link represents; the inverse of qemuLauncherPathFromQEMU().
 *
 * Returns the path of the program, to be freed with g_free(), or NULL if @path is not in
 * @launchDir, or if no path has that escaped name.
 */
char *qemuLauncherPathToQEMU(const char *launchDir,
                             const char *qemuDir,
                             const char *path);

/**
 * qemuLauncherNameFromQEMU, qemuLauncherNameToQEMU:
 * @qemuDir: the directory of the distribution's programs, as above
 * @qemu, @name: the path of a QEMU program, or the file name of a link
 *
 * The same conversions for the file name of the link.
 *
 * Returns the name or the path, to be freed with g_free(), or NULL as above.
 */
char *qemuLauncherNameFromQEMU(const char *qemuDir,
                               const char *qemu);
char *qemuLauncherNameToQEMU(const char *qemuDir,
                             const char *name);

/**
 * qemuLauncherExplainMissing:
 * @launchDir: the launch directory, or NULL
 * @text: an error of libvirt's
 *
 * Returns @text, newly allocated, with a sentence about the launcher in place of libvirt's one
 * about a QEMU program that it cannot find (virQEMUCapsNewForBinaryInternal() in its
 * src/qemu/qemu_capabilities.c). NULL if it is not about a launcher.
 */
char *qemuLauncherExplainMissing(const char *launchDir, const char *text);

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
