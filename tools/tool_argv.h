/*
 * tool_argv.h: QEMU's command line, in libvirt's format and for users
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * toolArgvParse:
 * @native: the command line that virConnectDomainXMLToNative() returned
 * @err: set to a GShellError if the quotes are malformed
 *
 * Returns the arguments without the environment variables before the program, to be freed with
 * g_strfreev(), or NULL with @err set.
 */
char **toolArgvParse(const char *native, GError **err);

/**
 * toolArgvAppendQuoted:
 * @out: the string to which the argument is appended
 * @arg: the argument
 *
 * Appends an argument, with quotes if a shell requires them.
 */
void toolArgvAppendQuoted(GString *out, const char *arg);

/**
 * toolArgvLaunched:
 * @argv: the arguments of QEMU in libvirt's command line
 * @launchDir: the directory of the launchers; NULL: the installed one
 * @qemuDir: the directory of QEMU's programs; NULL: the installed one
 * @err: set on failure, see launcherArgsParse() and launcherArgsRewrite()
 *
 * Returns the arguments that QEMU gets from the launcher, to be freed with g_strfreev(): with the
 * QEMU program that the launcher in argv[0] replaces, and the devices that this QEMU supports.
 * File descriptors are counted from 3; when the domain is started, they are different. NULL with
 * @err set on failure.
 */
char **toolArgvLaunched(char **argv, const char *launchDir, const char *qemuDir, GError **err);
