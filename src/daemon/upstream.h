/*
 * upstream.h: the libvirtd or virtqemud that does the work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The paths to try for a connection, in their order: NAME's, if it is not NULL
 * or "", else those of virtqemud and libvirtd. NAME is the path of a
 * read-write socket, or a URI: qemu:///system, qemu:///session, or one with
 * socket=PATH. The system's sockets are meant if SYSTEM, else the user's. NULL
 * with ERR set if NAME is neither. */
GStrv upstreamPaths(const char *name, gboolean system, gboolean readonly, GError **err);

/* A new non-blocking connection to the first of PATHS that has a listener. -1
 * with *ERRNUM and ERR set, in libvirt's words, if none has. */
int upstreamConnect(const char *const *paths, int *errnum, GError **err);
