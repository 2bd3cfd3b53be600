/*
 * tool_output.h: results on standard output, and errors on standard error
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool.h"

/* Writes LEN bytes to standard output as they are. Returns FALSE if that is not possible;
 * toolOutputFinish() will say so. */
gboolean toolOutputWrite(const char *data, gsize len);

/* To be called last: whether everything arrived; an error on stderr if not. */
gboolean toolOutputFinish(void);

/* "virt-emulatedpci: FILE: error: MESSAGE [VIR_ERR_…]" on stderr. FILE may be
 * NULL. The code is left out for errors that are not libvirt's kind. */
void toolOutputError(const char *file, const GError *err);

/* The same for a message with a code of libvirt's. */
void toolOutputErrorCode(const char *file, int code, const char *message);

/* "virt-emulatedpci: FILE: warning: MESSAGE" on stderr. */
void toolOutputWarning(const char *file, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Prints an error in the command line of @command (or NULL), and a hint to --help. Returns
 * TOOL_EXIT_USAGE. */
ToolExit toolOutputUsageError(const ToolCommand *command,
                              const char *format, ...) G_GNUC_PRINTF(2, 3);
