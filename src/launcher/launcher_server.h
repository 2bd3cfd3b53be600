/*
 * launcher_server.h: the vfio-user server at a socket of somebody else's
 *
 * With <driver socket='/path'/>, QEMU itself connects to the socket. If that fails, QEMU's
 * message does not tell what to do; so the launcher looks first.
 *
 * Many servers end, or are busy for a while, after their first client has gone. So the check
 * does not connect: the kernel looks up the socket in the same way for a socket of another
 * type, and then refuses. Only where the user gave a version does the launcher connect
 * once, to ask for the server's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/* The longest time that the server may take to accept a connection and to tell its version,
 * in milliseconds: as long as QEMU waits for it. */
#define LAUNCHER_SERVER_TIMEOUT 5000

/* The largest answer to VERSION that is read, in bytes: a list of capabilities has some
 * hundred. */
#define LAUNCHER_SERVER_REPLY_MAX 4096

/**
 * launcherServerCheck:
 * @path: the socket
 * @name: the device's name, for messages
 * @err: set on failure
 *
 * Checks that this process, which becomes QEMU, can connect to a stream socket at @path.
 * The server does not notice.
 *
 * Returns FALSE with VIR_ERR_CONFIG_UNSUPPORTED if it does not exist, may not be used (the
 * message names the directory or the socket), is no stream socket, or nobody listens.
 */
gboolean launcherServerCheck(const char *path, const char *name, GError **err);

/**
 * launcherServerNegotiate:
 * @path: the socket
 * @name: the device's name, for messages
 * @err: set on failure
 *
 * Connects to the server, proposes the version of the protocol that QEMU speaks (0.0), reads
 * the answer and disconnects ("VFIO_USER_VERSION" in QEMU's docs/interop/vfio-user.rst).
 *
 * Returns FALSE with VIR_ERR_CONFIG_UNSUPPORTED if the server does not answer within
 * LAUNCHER_SERVER_TIMEOUT, with anything else, or with another major version.
 */
gboolean launcherServerNegotiate(const char *path, const char *name, GError **err);
