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
    const char *name;       /* the name for messages */
    char *data;             /* NUL-terminated */
    gsize len;
} ToolInput;

/**
 * toolInputRead:
 * @input: filled in; to be cleared with toolInputClear()
 * @file: the path of the file, which must exist as long as @input; NULL or "-": standard input
 *
 * Reads a document. An error is printed, also for a directory, for an empty file, and for a file
 * larger than TOOL_INPUT_MAX.
 *
 * Returns TRUE, or FALSE if there was an error.
 */
gboolean toolInputRead(ToolInput *input, const char *file);

/**
 * toolInputClear:
 * @input: the document
 *
 * Frees the data. The struct itself belongs to the caller.
 */
void toolInputClear(ToolInput *input);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolInput, toolInputClear)

/* Calls FUNC for every one of FILES (NULL or empty: standard input), also
 * after failures. Returns whether all were read and FUNC was TRUE for all. */
typedef gboolean (*ToolInputFunc)(const ToolInput *input, void *opaque);

/**
 * toolInputForEach:
 * @files: the paths of files, terminated by NULL; NULL or empty: standard input
 * @func: called for each file that can be read, and returns whether it succeeded
 * @opaque: passed to @func
 *
 * Reads all files, also after a failure.
 *
 * Returns TRUE if all files have been read and @func returned TRUE for all of them.
 */
gboolean toolInputForEach(char **files, ToolInputFunc func, void *opaque);
