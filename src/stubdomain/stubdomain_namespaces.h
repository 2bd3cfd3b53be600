/*
 * stubdomain_namespaces.h: a world of its own for one process
 *
 * Linux's namespaces, see namespaces(7), made without privileges: in a user
 * namespace that has nothing but this user in it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Each returns 0, or -1 with errno set and *WHAT (translated) saying what
 * could not be done. */

/* Puts this process into a new user, mount, network, IPC and UTS namespace,
 * and its next child into a new pid namespace. The root directory is still
 * what it was. Needs /proc, and one thread only. */
int stubdomainEnter(const char **what);

/* Makes the root directory of this process, and of all in its mount
 * namespace, an empty one in which nothing can be made. What they have open
 * stays open. */
int stubdomainEmptyRoot(const char **what);

/* Gives up all privileges in the namespaces. */
int stubdomainDropPrivileges(const char **what);
