/*
 * upstream_start.h: starting the user's own libvirt
 *
 * This works as in libvirt's clients, and uses the same lock: another program that starts libvirt
 * at the same time waits, and then connects to it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct _UpstreamStart UpstreamStart;

/* Finds the program and waits for the lock. Returns NULL with ERR set if there is no program, or no
 * lock can be had. */
UpstreamStart *upstreamStartBegin(GError **err);

/* Starts libvirt in the background; it exits after two minutes without a client. */
gboolean upstreamStartSpawn(const UpstreamStart *start, GError **err);

/* Gives the lock back. */
void upstreamStartEnd(UpstreamStart *start);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UpstreamStart, upstreamStartEnd)
