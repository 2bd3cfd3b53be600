/*
 * launcher_stale.h: makes libvirt notice that a QEMU program was replaced
 *
 * libvirt caches the capabilities of QEMU. It requests them again when the ctime (in seconds) of
 * the program in <emulator> changes, or the mtime of the directory of the distribution's QEMU
 * modules. <emulator> is the launcher, so that libvirt would not notice a new QEMU unless its
 * modules were replaced, too. Therefore the ctime of the launcher must not be older than those of
 * its QEMU programs. It is updated by setting the current mode of the file, which has no other
 * effect.
 *
 * The links of a launch directory point to one file. Therefore libvirt probes all QEMU programs
 * again if one of them was replaced, which takes some tenths of a second for each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef enum {
    LAUNCHER_STALE_ERROR = -1,      /* errno is set */
    LAUNCHER_STALE_NO = 0,
    LAUNCHER_STALE_YES,             /* QEMU is newer */
    LAUNCHER_STALE_NO_QEMU,         /* there is no QEMU */
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
 * @launcher: the path of the launcher
 * @wait: whether to wait for the next second if the ctime would not change before
 *
 * Updates the ctime of @launcher, which libvirt reads in seconds. Without @wait, a ctime of the
 * current second is not changed.
 *
 * Returns TRUE, or FALSE with errno set.
 */
gboolean launcherStaleRefresh(const char *launcher, gboolean wait);
