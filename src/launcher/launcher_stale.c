/*
 * launcher_stale.c: makes libvirt notice that a QEMU program was replaced
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_stale.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>


static gboolean
launcherStaleIsNewer(const struct timespec *a,
                     const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}


LauncherStale
launcherStaleCheck(const char *launcher,
                   const char *qemu)
{
    struct stat own;
    struct stat file;
    struct stat link;

    if (stat(launcher, &own) < 0)
        return LAUNCHER_STALE_ERROR;
    if (stat(qemu, &file) < 0 || lstat(qemu, &link) < 0)
        return errno == ENOENT || errno == ENOTDIR ? LAUNCHER_STALE_NO_QEMU : LAUNCHER_STALE_ERROR;

    /* A link whose target is another, older file now also counts as replaced. */
    if (launcherStaleIsNewer(&file.st_ctim, &own.st_ctim) ||
        launcherStaleIsNewer(&link.st_ctim, &own.st_ctim))
        return LAUNCHER_STALE_YES;
    return LAUNCHER_STALE_NO;
}


gboolean
launcherStaleRefresh(const char *launcher,
                     gboolean wait)
{
    struct stat st;
    time_t now;

    if (stat(launcher, &st) < 0)
        return FALSE;

    /* File systems use the same clock as time(). */
    while ((now = time(NULL)) == st.st_ctime) {
        const struct timespec pause = { 0, 10 * 1000 * 1000 };

        if (!wait)
            return TRUE;
        nanosleep(&pause, NULL);
    }
    return chmod(launcher, st.st_mode & 07777) == 0;
}
