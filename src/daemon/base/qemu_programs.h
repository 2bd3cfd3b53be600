/*
 * qemu_programs.h: a cache of the features of QEMU programs
 *
 * Reading a program takes milliseconds, and each connection is a separate process. Therefore all
 * processes share the results, which are valid until the file changes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_program.h"

/* Lets all processes that are forked afterwards share what is found out; without it, each
 * qemuProgramsGet() reads the file. */
void qemuProgramsInit(void);

/* For ProjectionOptions.program: qemuProgramReadFile() of PATH, read once. OPAQUE is not used.
 * Returns FALSE if it is not known what the program is. */
gboolean qemuProgramsGet(const char *path, QEMUProgram *qemu, void *opaque);
