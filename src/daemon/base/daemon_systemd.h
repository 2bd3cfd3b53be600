/*
 * daemon_systemd.h: socket activation and notification of systemd
 *
 * The two protocols, sd_listen_fds(3) and sd_notify(3), are stable and documented.
 * docs/dependencies.md explains why libsystemd is not used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Returns the number of listening sockets that systemd has passed, from descriptor 3 on, or 0.
 * Sets close-on-exec for them and removes the environment variables. */
int daemonSystemdSockets(void);

/* Tells systemd STATE, such as "READY=1". Does nothing without systemd. */
void daemonSystemdNotify(const char *state);
