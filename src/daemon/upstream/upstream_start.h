/*
 * upstream_start.h: starting the user's own libvirt
 *
 * As libvirt's clients do it, with the lock that they use among each other:
 * whoever comes while one is being started waits, and then finds it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct _UpstreamStart UpstreamStart;

/* Finds the program and waits for the lock. Returns NULL with ERR set if there is no program, or no
 * lock can be had. */
UpstreamStart *upstreamStartBegin(GError **err);

/* Starts it in the background, until nobody has used it for two minutes. */
gboolean upstreamStartSpawn(const UpstreamStart *start, GError **err);

/* Gives the lock back. */
void upstreamStartEnd(UpstreamStart *start);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UpstreamStart, upstreamStartEnd)
