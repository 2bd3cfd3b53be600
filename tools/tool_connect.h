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

/* To be called first, in the main thread. Returns FALSE after showing an error. */
gboolean toolConnectInit(void);

/* Returns the URI if there is no --connect: $LIBVIRT_DEFAULT_URI, or else our daemon's on this
 * machine, the system's for root, the session's for others. */
const char *toolConnectDefaultURI(void);

/* Connects to @uri and prompts for passwords on the terminal if required, in one thread at a
 * time. Returns the connection, or NULL with @err set. */
virConnectPtr toolConnectOpen(const char *uri, GError **err);

/* Returns whether CONN leads to a virtemulatedpcid. If not, ERR says what URI would. */
gboolean toolConnectCheckDaemon(virConnectPtr conn, const char *uri, GError **err);

/* Sets ERR to what libvirt said last in this thread. */
void toolConnectReport(GError **err);
