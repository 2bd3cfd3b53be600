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

/**
 * qemuProgramsInit:
 *
 * Creates a cache that all processes share that are forked afterwards. Without it, each call of
 * qemuProgramsGet() reads the program.
 */
void qemuProgramsInit(void);

/**
 * qemuProgramsGet:
 * @path: the path of the program
 * @qemu: set to the properties of the program
 * @opaque: not used
 *
 * For ProjectionOptions.program: the same as qemuProgramReadFile(), with a cache. A changed file
 * is read again.
 *
 * Returns FALSE if the program is not known to be a QEMU.
 */
gboolean qemuProgramsGet(const char *path, QEMUProgram *qemu, void *opaque);
