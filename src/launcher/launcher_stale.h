/*
 * launcher_stale.h: makes libvirt notice that a QEMU was replaced
 *
 * libvirt keeps a QEMU's capabilities and asks for them again when the ctime
 * (in seconds) of the program in <emulator> changes, or the mtime of the
 * directory of the distribution's QEMU modules. <emulator> leads to the
 * launcher, so a new QEMU under it would go unnoticed unless its modules were
 * replaced with it. Therefore the launcher's ctime must never be older than
 * its QEMUs': it is renewed by setting the mode that the file has, which
 * changes nothing else.
 *
 * The links of a launch directory lead to one file, so all QEMUs are asked
 * again when one was replaced: some tenths of a second each, once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef enum {
    LAUNCHER_STALE_ERROR = -1,      /* errno is set */
    LAUNCHER_STALE_NO = 0,
    LAUNCHER_STALE_YES,             /* QEMU is newer */
    LAUNCHER_STALE_NO_QEMU,         /* there is none */
} LauncherStale;

/**
 * launcherStaleCheck:
 * @launcher: path of the launcher or of a link to it
 * @qemu: path of QEMU
 *
 * Returns whether QEMU was replaced after the launcher's ctime.
 */
LauncherStale launcherStaleCheck(const char *launcher, const char *qemu);

/**
 * launcherStaleRefresh:
 * @launcher: path of the launcher
 * @wait: whether to wait for the next second, if the ctime would not change before
 *
 * Renews the ctime of @launcher, which libvirt reads in seconds. Without @wait it
 * leaves a ctime alone that is of this second.
 *
 * Returns FALSE with errno set on failure.
 */
gboolean launcherStaleRefresh(const char *launcher, gboolean wait);
