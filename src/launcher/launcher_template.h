/*
 * launcher_template.h: processes of pci-emulator that are started in advance
 *
 * "pci-emulator --requests-fd" (src/emulator/emulator_requests.h) reads command lines. A device that
 * is attached to a running domain then gets an emulator without the time that it takes to start
 * a program.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_emulator.h"

/* The number of the first descriptor of a message, and the maximum number of descriptors, as in
 * emulator_requests.h */
#define LAUNCHER_TEMPLATE_FD 20
#define LAUNCHER_TEMPLATE_FDS 4

/**
 * launcherTemplateStart:
 * @program: the path of pci-emulator
 * @qemu: QEMU's pid, or NULL
 *
 * Starts a process that reads command lines.
 *
 * Returns the socket of the process, which exits when the socket is closed; -1 if it was not started.
 */
int launcherTemplateStart(const char *program, const char *qemu);

/**
 * launcherTemplateServe:
 * @emulator: is set, for launcherEmulatorWait()
 * @template: the socket that launcherTemplateStart() has returned
 * @spec: one device, without arguments for its emulator; the emulator's end of its socket is closed
 *
 * Requests that a process serves a device. It does not wait until the process is ready.
 *
 * Returns FALSE if the process of @template has exited: @spec is unchanged then.
 */
gboolean launcherTemplateServe(LauncherEmulator *emulator,
                               int template,
                               const LauncherEmulatorSpec *spec);
