/*
 * launcher_qemu.h: the QEMU that is about to be run
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_program.h"

/* Finds out what the PROGRAM is: reads it or, if that does not help, runs it
 * with --version, and from 10.1 on with -device vfio-user-pci,help. FALSE
 * with ERR set. */
gboolean launcherQEMUInspect(QEMUProgram *qemu, const char *program, GError **err);
