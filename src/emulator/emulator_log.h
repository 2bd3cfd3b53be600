/*
 * emulator_log.h: messages of pci-emulator on standard error
 *
 * Libvirt shows the standard error of a domain to its users and stores it in a file under
 * /var/log. Therefore a message has one line, and a process that serves a hostile guest writes a
 * limited number of them: see EMULATOR_LOG_MAX. If nobody reads standard error, the process does
 * not block, and the line is dropped.
 *
 * Allocates nothing, and uses only system calls that the sandbox allows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The maximum number of lines of a process; a last line then reports that there are no more. */
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
