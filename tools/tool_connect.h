/*
 * tool_connect.h: connections to libvirt, for subcommands that need one
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool.h"

#include <libvirt/libvirt.h>

typedef virConnect ToolConnection;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolConnection, virConnectClose)

typedef virDomain ToolDomain;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolDomain, virDomainFree)

typedef virNodeDevice ToolNodeDevice;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ToolNodeDevice, virNodeDeviceFree)

/**
 * toolConnectInit:
 *
 * Initializes libvirt's library. To be called in the main thread before the other functions.
 *
 * Returns TRUE, or FALSE after an error has been printed.
 */
gboolean toolConnectInit(void);

/**
 * toolConnectDefaultURI:
 *
 * Returns the URI if the option --connect is not given: LIBVIRT_DEFAULT_URI, otherwise that of the
 * daemon on this host (the system's for root, the session's for other users). It must not be
 * freed.
 */
const char *toolConnectDefaultURI(void);

/**
 * toolConnectOpen:
 * @uri: the URI
 * @err: set to libvirt's error on failure
 *
 * Connects to libvirt. Passwords are requested on the terminal, in one thread at a time.
 *
 * Returns the connection, to be closed with virConnectClose(), or NULL with @err set.
 */
virConnectPtr toolConnectOpen(const char *uri, GError **err);

/**
 * toolConnectCheckDaemon:
 * @conn: a connection
 * @uri: the URI of the connection, for the message
 * @err: set to VIR_ERR_NO_CONNECT if there is no virtemulatedpcid, or to libvirt's error
 *
 * Checks that the connection is one to virtemulatedpcid. If not, the message contains a URI that
 * connects to it.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean toolConnectCheckDaemon(virConnectPtr conn, const char *uri, GError **err);

/**
 * toolConnectReport:
 * @err: return location for an error
 *
 * Sets @err to the latest error of libvirt in this thread.
 */
void toolConnectReport(GError **err);
