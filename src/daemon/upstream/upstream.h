/*
 * upstream.h: the libvirtd or virtqemud that does the work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Returns the paths to try for a connection, in their order: NAME's, if it is not NULL or "", else
 * those of virtqemud and libvirtd. NAME is the path of a read-write socket, or a URI:
 * qemu:///system, qemu:///session, or one with socket=PATH. The system's sockets are meant if
 * SYSTEM, else the user's. Returns NULL with ERR set if NAME is neither. */
GStrv upstreamPaths(const char *name, gboolean system, gboolean readonly, GError **err);

/* Returns whether a client that connects to NAME directly would start the daemon if
 * there is none: a user's own, unless LIBVIRT_AUTOSTART is 0. */
gboolean upstreamMayStart(const char *name, gboolean system);

/* Returns whether two paths lead to the same socket. */
gboolean upstreamIsSame(const char *path, const char *other);

/* Returns a new non-blocking connection to the first of PATHS that has a listener; except OWN, if
 * it is not NULL, the path of a socket of ours. If none has one and START is TRUE, the user's
 * libvirt is started. Returns -1 with *ERRNUM and ERR set, in libvirt's words, if there is no
 * connection. */
int upstreamConnect(const char *const *paths,
                    const char *own,
                    gboolean start,
                    int *errnum,
                    GError **err);
