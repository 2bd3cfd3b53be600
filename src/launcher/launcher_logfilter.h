/*
 * launcher_logfilter.h: removes repeated lines from the domain's log
 *
 * QEMU's x-pci-proxy-dev logs the same line thousands of times during a start; log_lines.h explains
 * the reason. emulatedpci-logfilter runs between QEMU's standard error and the domain's log.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The longest time that it may take to get ready, in milliseconds. */
#define LAUNCHER_LOGFILTER_TIMEOUT 10000

typedef struct {
    int ready;          /* the pipe to which the process writes when it is ready; or -1 */
    int output;         /* the pipe that becomes QEMU's standard error; or -1 */
    int saved;          /* a copy of the previous standard error; or -1 */
} LauncherLogfilter;

#define LAUNCHER_LOGFILTER_INIT { -1, -1, -1 }

/**
 * launcherLogfilterStart:
 * @filter: filled in
 * @home: the directory that launcherPathsGetHome() returned
 * @monitor: the listening socket of the monitor, or -1
 *
 * Starts the process, unless standard error is closed or /dev/null. If that fails, the domain
 * starts without it, after a warning in its log.
 */
void launcherLogfilterStart(LauncherLogfilter *filter,
                            const char *home,
                            int monitor);

/**
 * launcherLogfilterEnter:
 * @filter: a filter that was started, or LAUNCHER_LOGFILTER_INIT
 *
 * Waits until the process reads, and makes its pipe the standard error of this process. To be
 * called directly before exec().
 */
void launcherLogfilterEnter(LauncherLogfilter *filter);

/**
 * launcherLogfilterLeave:
 * @filter: see launcherLogfilterEnter()
 *
 * Restores standard error after an exec() that has failed.
 */
void launcherLogfilterLeave(LauncherLogfilter *filter);

/**
 * launcherLogfilterClear:
 * @filter: the filter
 *
 * Closes the descriptors that QEMU does not inherit, so that the process exits if QEMU is not
 * started.
 */
void launcherLogfilterClear(LauncherLogfilter *filter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherLogfilter, launcherLogfilterClear)
