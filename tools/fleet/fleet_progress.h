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
    gboolean shown;         /* whether there is a bar at all */
    gboolean color;
    gboolean drawn;         /* whether it is on the screen now */
} FleetProgress;

void fleetProgressInit(FleetProgress *progress, gboolean wanted);

/* Draws it anew. */
void fleetProgressDraw(FleetProgress *progress, guint done, guint failed, guint total);

/* Takes it away: before anything else is written, and in the end. */
void fleetProgressClear(FleetProgress *progress);
