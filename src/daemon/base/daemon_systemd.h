/*
 * daemon_systemd.h: the two protocols that a service speaks with systemd
 *
 * Both are stable and documented, sd_listen_fds(3) and sd_notify(3), and are
 * a few lines each; see docs/dependencies.md for why not libsystemd.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* How many listening sockets systemd has passed, from descriptor 3 on; they
 * are close-on-exec now, and the environment no longer tells of them. 0 if
 * none. */
int daemonSystemdSockets(void);

/* Tells systemd STATE, such as "READY=1". Does nothing without systemd. */
void daemonSystemdNotify(const char *state);
