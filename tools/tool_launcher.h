/*
 * tool_launcher.h: checks that the launcher in a lowered <emulator> exists
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"
#include "tool.h"

/* Warns, in the name of FILE, of every <emulator> in the lowered XML that is a launcher's
 * path but no program of this machine, and says what would make it one.
 * (The document may be for another machine: so it is no error.) */
void toolLauncherWarn(const char *file,
                      const char *xml,
                      gsize len,
                      const ProjectionOptions *options);
