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

/* Compares the launcher, a file or a link to it, with QEMU. */
LauncherStale launcherStaleCheck(const char *launcher, const char *qemu);

/* Renews the ctime of LAUNCHER. If that would not change it, in seconds,
 * waits for the next second, or, unless WAIT, leaves it alone. FALSE with
 * errno set. */
gboolean launcherStaleRefresh(const char *launcher, gboolean wait);
