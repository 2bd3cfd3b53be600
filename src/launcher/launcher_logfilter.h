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
    int ready;          /* what the process announces itself on; or -1 */
    int output;         /* what is to be QEMU's standard error; or -1 */
    int saved;          /* what standard error was before; or -1 */
} LauncherLogfilter;

#define LAUNCHER_LOGFILTER_INIT { -1, -1, -1 }

/**
 * launcherLogfilterStart:
 * @filter: filled in
 * @home: what launcherPathsGetHome() returned
 * @monitor: the monitor's listening socket, or -1
 *
 * Starts the process, unless standard error leads nowhere. Without it the
 * domain starts all the same: the log gets a warning then.
 */
void launcherLogfilterStart(LauncherLogfilter *filter,
                            const char *home,
                            int monitor);

/**
 * launcherLogfilterEnter:
 * @filter: what was started, or LAUNCHER_LOGFILTER_INIT
 *
 * Waits until the process reads, and gives it this process's standard error. To
 * be called right before exec().
 */
void launcherLogfilterEnter(LauncherLogfilter *filter);

/**
 * launcherLogfilterLeave:
 * @filter: as above
 *
 * After an exec() that has failed: standard error is the log itself again.
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
