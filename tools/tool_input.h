/*
 * tool_input.h: the documents that the tool reads
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool.h"

/* The largest document that is read, in bytes; libvirt's own limit for a
 * document in an API call is a quarter of it. */
#define TOOL_INPUT_MAX (64 * 1024 * 1024)

typedef struct {
    const char *name;       /* as messages call it */
    char *data;             /* NUL-terminated */
    gsize len;
} ToolInput;

/* Reads FILE, or standard input if it is NULL or "-". A directory, an empty
 * file and one above TOOL_INPUT_MAX are errors, which are shown; FALSE then.
 * FILE must live as long as INPUT. */
gboolean toolInputRead(ToolInput *input, const char *file);

void toolInputClear(ToolInput *input);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolInput, toolInputClear)

/* Calls FUNC for every one of FILES (NULL or empty: standard input), also
 * after failures. Returns whether all were read and FUNC was TRUE for all. */
typedef gboolean (*ToolInputFunc)(const ToolInput *input, void *opaque);

gboolean toolInputForEach(char **files, ToolInputFunc func, void *opaque);
