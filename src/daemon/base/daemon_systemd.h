/*
 * daemon_systemd.h: socket activation and notification of systemd
 *
 * The two protocols, sd_listen_fds(3) and sd_notify(3), are stable and documented.
 * docs/dependencies.md explains why libsystemd is not used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/**
 * daemonSystemdSockets:
 *
 * Takes the listening sockets that systemd has passed: descriptors from 3 on. Sets close-on-exec
 * for them, and removes the environment variables. The protocol is that of sd_listen_fds(3).
 *
 * Returns the number of sockets, at most 16; 0 without systemd.
 */
int daemonSystemdSockets(void);

/**
 * daemonSystemdNotify:
 * @state: the message, such as "READY=1"
 *
 * Sends a message to systemd, with the protocol of sd_notify(3). Does nothing if NOTIFY_SOCKET is
 * not set. An error is logged.
 */
void daemonSystemdNotify(const char *state);
