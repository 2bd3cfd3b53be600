/*
 * emulator_log.h: what pci-emulator says on standard error
 *
 * Libvirt shows a domain's standard error to its users and keeps it in a file
 * under /var/log. So a message is one line, and a process that serves a
 * hostile guest writes a bounded number of them: see EMULATOR_LOG_MAX. A
 * standard error that nobody reads never holds the process up; the line is
 * dropped instead.
 *
 * Allocates nothing, and uses only system calls that the sandbox allows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* Lines that one process writes; then one that says so, then none. */
#define EMULATOR_LOG_MAX 300

/**
 * emulatorLogSetProgram:
 * @name: what begins each line, "pci-emulator: " if this is not called; kept
 */
void emulatorLogSetProgram(const char *name);

/**
 * emulatorLog:
 * @format: a printf() format, without a newline
 *
 * Writes "PROGRAM: MESSAGE" to standard error. A line is cut at 511 bytes, and
 * control characters are replaced by '?'. After EMULATOR_LOG_MAX lines it does
 * nothing.
 */
void emulatorLog(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/**
 * emulatorLogLast:
 * @format: as above
 *
 * The same without the limit. For a message that a process writes only once.
 */
void emulatorLogLast(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
