/*
 * tool_launcher.h: checks that the launcher in a lowered <emulator> exists
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"
#include "tool.h"

/**
 * toolLauncherWarn:
 * @file: the name of the document, for messages
 * @xml: the lowered XML
 * @len: its length, in bytes
 * @options: the options with which it was lowered
 *
 * Prints a warning for each <emulator> that is the path of a launcher and does not exist on this
 * host, with the command that creates it. This is not an error, because the document may be for
 * another host.
 */
void toolLauncherWarn(const char *file,
                      const char *xml,
                      gsize len,
                      const ProjectionOptions *options);
