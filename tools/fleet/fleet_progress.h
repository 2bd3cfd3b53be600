/*
 * fleet_progress.h: a progress bar on standard error
 *
 * The bar is only shown on a terminal, and has its width. A narrow terminal only shows numbers. If
 * NO_COLOR is set, there are no colors.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool.h"

typedef struct {
    gboolean shown;         /* whether the bar is shown */
    gboolean color;
    gboolean drawn;         /* whether the bar is on the screen now */
} FleetProgress;

/**
 * fleetProgressInit:
 * @progress: the progress bar
 * @wanted: whether the user wants a progress bar
 *
 * Initializes the progress bar. It is only shown on a terminal.
 */
void fleetProgressInit(FleetProgress *progress, gboolean wanted);

/**
 * fleetProgressDraw:
 * @progress: the progress bar
 * @done: the number of finished domains
 * @failed: the number of domains among them that have failed
 * @total: the number of all domains
 *
 * Draws the progress bar on standard error.
 */
void fleetProgressDraw(FleetProgress *progress, guint done, guint failed, guint total);

/**
 * fleetProgressClear:
 * @progress: the progress bar
 *
 * Removes the progress bar from the terminal. To be called before other output, and at the end.
 */
void fleetProgressClear(FleetProgress *progress);
