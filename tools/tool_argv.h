/*
 * tool_argv.h: a QEMU command line as libvirt writes it, and as we show it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Returns the arguments in NATIVE, what virConnectDomainXMLToNative() returned; the environment
 * before the program is left out. Returns NULL with ERR set. */
char **toolArgvParse(const char *native, GError **err);

/* Appends ARG to OUT, quoted for a shell if it needs to be. */
void toolArgvAppendQuoted(GString *out, const char *arg);

/* Returns the arguments as QEMU gets them when the launcher has done its part: the QEMU program
 * that PATH in argv[0] stands for, and the devices that it has. Descriptors are counted from 3; in
 * a real start they differ. Returns NULL with ERR set. */
char **toolArgvLaunched(char **argv, const char *launchDir, const char *qemuDir, GError **err);
