/*
 * vmstate_sandbox.h: what is left to emulatedpci-vmstate once it serves QEMU
 *
 * As for the emulator (sandbox.h), except that GLib needs threads and memory,
 * and more of it than one version does: a system call that is not allowed fails
 * and does not end the process. None that is allowed opens or runs anything.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sandbox.h"

/**
 * vmstateSandboxEnter:
 * @filter: SANDBOX_FILTER_KILL for the sandbox, LOG to log what it would refuse, or NONE
 *
 * Enters the sandbox, for this thread and those that it makes.
 *
 * Returns 0, or -1 with errno set.
 */
int vmstateSandboxEnter(SandboxFilter filter);
