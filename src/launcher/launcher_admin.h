/*
 * launcher_admin.h: the program under its own name, for the administrator
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Reads the command line and does what it says. Returns the exit status. */
int launcherAdmin(int argc, char **argv);
