/*
 * stubdomain_namespaces.h: creates the namespaces of a process
 *
 * They are created without privileges, in a user namespace in which only this user is mapped. See
 * namespaces(7).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/**
 * stubdomainEnter:
 * @what: set on failure to a translated text that says what has failed
 *
 * Moves this process into new user, mount, network, IPC and UTS namespaces, and its
 * next child into a new pid namespace. The root directory does not change. Requires
 * /proc, and a process with one thread.
 *
 * Returns 0, or -1 with errno set.
 */
int stubdomainEnter(const char **what);

/**
 * stubdomainEmptyRoot:
 * @what: as above
 *
 * Changes the root directory of all processes in this mount namespace to an
 * empty, read-only one. Open files stay open. See pivot_root(2), NOTES.
 *
 * Returns 0, or -1 with errno set.
 */
int stubdomainEmptyRoot(const char **what);

/**
 * stubdomainDropPrivileges:
 * @what: as above
 *
 * Drops all capabilities in the namespaces, and sets no_new_privs.
 *
 * Returns 0, or -1 with errno set.
 */
int stubdomainDropPrivileges(const char **what);
