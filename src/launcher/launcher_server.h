/*
 * launcher_server.h: checks of a vfio-user server
 *
 * With <driver socket='/path'/>, QEMU itself connects to the socket. QEMU's message about a failure
 * does not explain the solution. Therefore the launcher checks the socket first.
 *
 * Many servers exit, or are busy for some time, after their first client has disconnected.
 * Therefore the check does not connect: it uses a socket of another type, for which the kernel
 * makes the same lookup and then reports an error. Only if the user has specified the version does
 * the launcher connect once, to negotiate it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/* The longest time that the server may take to accept a connection and to send its version, in
 * milliseconds; QEMU waits as long */
#define LAUNCHER_SERVER_TIMEOUT 5000

/* The maximum size of an answer to VERSION, in bytes; a list of capabilities has a few hundred */
#define LAUNCHER_SERVER_REPLY_MAX 4096

/**
 * launcherServerCheck:
 * @path: the path of the socket
 * @name: the name of the device, for messages
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Checks that this process, which becomes QEMU, can connect to a stream socket at @path. The
 * server does not notice the check.
 *
 * Returns TRUE, or FALSE with @err set if the socket does not exist, is not accessible (the
 * message names the directory or the socket), is not a stream socket, or has no listener.
 */
gboolean launcherServerCheck(const char *path, const char *name, GError **err);

/**
 * launcherServerNegotiate:
 * @path: the path of the socket
 * @name: the name of the device, for messages
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Connects to the server, proposes the version of the protocol that QEMU supports (0.0), reads the
 * answer and disconnects ("VFIO_USER_VERSION" in QEMU's docs/interop/vfio-user.rst).
 *
 * Returns TRUE, or FALSE with @err set if the server does not answer within
 * LAUNCHER_SERVER_TIMEOUT, sends another message, or has another major version.
 */
gboolean launcherServerNegotiate(const char *path, const char *name, GError **err);
