/*
 * login_session.h: moves a connection process to the login session of its client
 *
 * libvirtd asks polkit about the process that connects to it. polkit finds the login session of a
 * process by its control group, and asks for a password through the agent of that session. A
 * connection process in the control group of the daemon's unit is in no session: rules on
 * subject.active refuse it, and no prompt appears.
 *
 * systemd owns the control groups. It does not move a foreign process into the scope of a session,
 * but into a new scope in the user's slice. polkit takes the main session of the user for such a
 * process, as for a program that the user's own systemd has started. Only root can write to that
 * control group, so the client cannot freeze its process there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "identity.h"

/**
 * loginSessionJoin:
 * @id: the client; this process must still be root
 *
 * Moves this process to a scope of the user whose login session the client is in. Does nothing for
 * root, for a client without a session, and on a host without systemd.
 *
 * Returns TRUE if the process was moved. It is then no longer in the unit of the daemon, and
 * systemd does not end it with the unit.
 */
gboolean loginSessionJoin(const Identity *id);

/**
 * loginSessionCommand:
 * @cgroups: the text of /proc/PID/cgroup of a client
 * @pid: the process to be moved
 *
 * Returns the command that asks systemd to move @pid, or NULL if the client is in no session.
 */
char **loginSessionCommand(const char *cgroups, pid_t pid);
