/*
 * qemu_programs.h: what QEMU programs can do, remembered
 *
 * Reading a program takes milliseconds, and every connection is a process of its own: what
 * was found is remembered for all, as long as the file is the same.
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
