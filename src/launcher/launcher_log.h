/*
 * launcher_log.h: messages on standard error, which libvirt shows or logs
 *
 * libvirt connects QEMU's standard error with the domain's log, and shows the end of the log to the
 * user if QEMU does not start. Therefore a message has one line with the name of the program, and
 * is written at once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The maximum length of a line with its line break, in bytes; longer lines are cut. */
#define LAUNCHER_LOG_LINE_MAX 1024

/**
 * launcherLog:
 * @fmt: a printf() format, without a newline
 *
 * Writes "emulatedpci-launcher: MESSAGE" to standard error. Control characters are
 * replaced by '?'.
 */
void launcherLog(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
