/*
 * launcher_qemu.h: determines the version and the devices of QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_program.h"

/**
 * launcherQEMUInspect:
 * @qemu: filled in
 * @program: QEMU's path
 * @err: set on failure
 *
 * Determines the version and the devices of @program: from its file or, if it is a
 * script, from its output with --version and, if that is 10.1 or newer, with
 * -device vfio-user-pci,help.
 *
 * Returns FALSE on failure.
 */
gboolean launcherQEMUInspect(QEMUProgram *qemu, const char *program, GError **err);
