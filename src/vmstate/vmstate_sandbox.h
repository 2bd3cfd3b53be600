/*
 * vmstate_sandbox.h: the sandbox of emulatedpci-vmstate
 *
 * It is the same as for the emulator (sandbox.h), except that the libraries require memory, and
 * later versions may require more: a forbidden system call fails, and does not kill the process. No
 * allowed system call opens a file, runs a program, or starts a process or thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sandbox.h"

/**
 * vmstateSandboxEnter:
 * @filter: SANDBOX_FILTER_KILL for the sandbox, LOG to log what it would refuse, or NONE
 *
 * Enters the sandbox.
 *
 * Returns 0, or -1 with errno set.
 */
int vmstateSandboxEnter(SandboxFilter filter);
