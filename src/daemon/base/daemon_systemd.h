/*
 * daemon_systemd.h: the two protocols that a service speaks with systemd
 *
 * Both are stable and documented, sd_listen_fds(3) and sd_notify(3), and are
 * a few lines each; see docs/dependencies.md for why not libsystemd.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Returns the number of listening sockets that systemd has passed, from descriptor 3 on, or 0.
 * Sets close-on-exec for them and removes the environment variables. */
int daemonSystemdSockets(void);

/* Tells systemd STATE, such as "READY=1". Does nothing without systemd. */
void daemonSystemdNotify(const char *state);
