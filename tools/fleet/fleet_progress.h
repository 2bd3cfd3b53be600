/*
 * fleet_progress.h: a progress bar on standard error
 *
 * On a terminal only. Follows the terminal's width; in a narrow one it is just
 * numbers. No colour if NO_COLOR is set.
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
