/*
 * tool_output.h: results on standard output, and errors on standard error
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool.h"

/**
 * toolOutputWrite:
 * @data: the output
 * @len: its length, in bytes
 *
 * Writes to standard output.
 *
 * Returns TRUE, or FALSE on failure; toolOutputFinish() prints the error.
 */
gboolean toolOutputWrite(const char *data, gsize len);

/**
 * toolOutputFinish:
 *
 * Closes standard output, and prints an error if some output could not be written. To be called
 * last.
 *
 * Returns TRUE if all output has been written.
 */
gboolean toolOutputFinish(void);

/**
 * toolOutputError:
 * @file: the name of the document or the object that the message is about, or NULL
 * @err: the error, which remains the caller's
 *
 * Prints "virt-emulatedpci: FILE: error: MESSAGE [VIR_ERR_…]" on standard error. The code is
 * omitted for an error that has no code of libvirt.
 */
void toolOutputError(const char *file, const GError *err);

/**
 * toolOutputErrorCode:
 * @file: the name of the document or the object that the message is about, or NULL
 * @code: an error code of libvirt (virErrorNumber)
 * @message: the message, translated
 *
 * Prints "virt-emulatedpci: FILE: error: MESSAGE [VIR_ERR_…]" on standard error.
 */
void toolOutputErrorCode(const char *file, int code, const char *message);

/**
 * toolOutputWarning:
 * @file: the name of the document or the object that the message is about, or NULL
 * @format: the message, as for printf(); translated
 *
 * Prints "virt-emulatedpci: FILE: warning: MESSAGE" on standard error.
 */
void toolOutputWarning(const char *file, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * toolOutputUsageError:
 * @command: the subcommand, or NULL
 * @format: the message, as for printf(); translated
 *
 * Prints an error in the command line on standard error, and a reference to --help.
 *
 * Returns TOOL_EXIT_USAGE.
 */
ToolExit toolOutputUsageError(const ToolCommand *command,
                              const char *format, ...) G_GNUC_PRINTF(2, 3);
