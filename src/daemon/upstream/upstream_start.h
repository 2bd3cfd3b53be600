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

/**
 * upstreamStartBegin:
 * @err: set to VIR_ERR_INTERNAL_ERROR if neither virtqemud nor libvirtd is installed, or to
 *       VIR_ERR_SYSTEM_ERROR if the lock is not available within 30 s
 *
 * Finds the program and waits for the lock that clients of libvirt use (DIR/PROGRAM.lock in the
 * user's runtime directory), so that only one of them starts the daemon.
 *
 * Returns the locked state, to be freed with upstreamStartEnd(), or NULL with @err set.
 */
UpstreamStart *upstreamStartBegin(GError **err);

/**
 * upstreamStartSpawn:
 * @start: the state
 * @err: set to VIR_ERR_INTERNAL_ERROR on failure
 *
 * Starts the daemon in the background, with libvirt's selection of environment variables. The
 * daemon exits after two minutes without a client.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean upstreamStartSpawn(const UpstreamStart *start, GError **err);

/**
 * upstreamStartEnd:
 * @start: the state, or NULL
 *
 * Releases the lock and frees the state.
 */
void upstreamStartEnd(UpstreamStart *start);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UpstreamStart, upstreamStartEnd)
