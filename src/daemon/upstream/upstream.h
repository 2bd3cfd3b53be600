/*
 * upstream.h: the libvirtd or virtqemud that does the work
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * upstreamPaths:
 * @name: the path of libvirtd's read-write socket, or a URI: qemu:///system, qemu:///session, or
 *        one with socket=PATH; NULL or "": the default
 * @system: whether the default is the system's libvirtd (otherwise the user's)
 * @readonly: whether the paths of the read-only sockets are returned
 * @err: set to VIR_ERR_INVALID_ARG if @name is neither a path nor a supported URI
 *
 * Returns the paths of the sockets to try, in this order: those of virtqemud and libvirtd, or only
 * the one that @name contains. To be freed with g_strfreev(). NULL with @err set on failure.
 */
GStrv upstreamPaths(const char *name, gboolean system, gboolean readonly, GError **err);

/**
 * upstreamMayStart:
 * @name: the path of libvirtd's read-write socket, or a URI: qemu:///system, qemu:///session, or
 *        one with socket=PATH; NULL or "": the default
 * @system: whether the default is the system's libvirtd (otherwise the user's)
 *
 * Returns TRUE if a client that connects to @name directly would start the daemon: the user's own
 * one, unless the user is root or LIBVIRT_AUTOSTART is 0.
 */
gboolean upstreamMayStart(const char *name, gboolean system);

/**
 * upstreamIsSame:
 * @path: a path
 * @other: another path
 *
 * Returns TRUE if both files exist and are the same file.
 */
gboolean upstreamIsSame(const char *path, const char *other);

/**
 * upstreamConnect:
 * @paths: the paths of upstreamPaths()
 * @own: the path of this daemon's socket, to which it must not connect, or NULL
 * @start: whether the user's libvirt is started if no socket has a listener
 * @errnum: set to errno on failure
 * @err: set on failure: to VIR_ERR_SYSTEM_ERROR, with libvirt's message, or to
 *       VIR_ERR_INTERNAL_ERROR
 *
 * Connects to the first socket that has a listener. This can block: at most 30 s if a listener
 * does not accept, and 60 s in addition if the user's libvirt is started.
 *
 * Returns a socket in blocking mode, which the caller closes, or -1 with @errnum and @err set.
 */
int upstreamConnect(const char *const *paths,
                    const char *own,
                    gboolean start,
                    int *errnum,
                    GError **err);
