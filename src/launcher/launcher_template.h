/*
 * launcher_template.h: pci-emulator processes that are there before they are needed
 *
 * "pci-emulator --requests-fd" takes command lines: src/emulator/emulator_requests.h. This is how
 * a device that is attached to a running domain gets its emulator without the time that it
 * takes to start a program.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_emulator.h"

/* As in emulator_requests.h */
#define LAUNCHER_TEMPLATE_FD 20
#define LAUNCHER_TEMPLATE_FDS 4

/**
 * launcherTemplateStart:
 * @program: the path of pci-emulator
 * @qemu: QEMU's pid, or NULL
 *
 * Starts a process that takes command lines.
 *
 * Returns the socket of a new process, which ends when that is closed; -1 if it was not started.
 */
int launcherTemplateStart(const char *program, const char *qemu);

/**
 * launcherTemplateServe:
 * @emulator: filled in, for launcherEmulatorWait()
 * @template: what launcherTemplateStart() returned
 * @spec: has one device, and no arguments of its own; the emulator's end of the socket is closed
 *        here
 *
 * Has a process serve a device, without waiting until it is ready.
 *
 * Returns FALSE if @template has ended: nothing has changed then.
 */
gboolean launcherTemplateServe(LauncherEmulator *emulator,
                               int template,
                               const LauncherEmulatorSpec *spec);
