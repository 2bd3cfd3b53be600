/*
 * definition_files.h: a directory of small files that survives power loss
 *
 * A file is written under another name and then renamed. The file and its directory are
 * synchronized to disk before a function returns. At any time, either the old file or the
 * new one exists.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

/* The system calls that make changes. Tests replace them. */
typedef struct {
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *data, size_t len);
    int (*fchmod)(int fd, mode_t mode);
    int (*fsync)(int fd);
    int (*renameat)(int fromDir, const char *from, int toDir, const char *to);
    int (*unlinkat)(int dir, const char *name, int flags);
    int (*mkdir)(const char *path, mode_t mode);
} DefinitionFilesCalls;

extern DefinitionFilesCalls definitionFilesCalls;

/* Errors are VIR_ERR_SYSTEM_ERROR and contain the path, unless noted otherwise. */

/**
 * definitionFilesList:
 * @dir: a directory, which need not exist
 * @err: return location for an error
 *
 * Returns the sorted names of the files that end in ".xml" and do not begin with ".", an array
 * that owns them, or NULL with @err set if the directory cannot be read.
 */
GPtrArray *definitionFilesList(const char *dir, GError **err);

/**
 * definitionFilesClean:
 * @dir: a directory
 *
 * Removes the temporary files of a program that was terminated while it wrote a file.
 */
void definitionFilesClean(const char *dir);

/**
 * definitionFilesRead:
 * @dir: a directory
 * @file: the name of a file in it
 * @max: the maximum size, in bytes
 * @len: set to the size, in bytes
 * @err: return location for an error
 *
 * Returns the contents followed by a NUL byte, to be freed with g_free(), or NULL with @err set;
 * to VIR_ERR_XML_ERROR if the file is larger than @max or not a regular file.
 */
char *definitionFilesRead(const char *dir, const char *file, gsize max, gsize *len, GError **err);

/**
 * definitionFilesWrite:
 * @dir: a directory, which is created if it does not exist
 * @file: the name of a file in it
 * @data: the new contents
 * @len: their length, in bytes
 * @err: return location for an error
 *
 * Replaces a file atomically.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean definitionFilesWrite(const char *dir, const char *file, const char *data, gsize len,
                              GError **err);

/**
 * definitionFilesRemove:
 * @dir: a directory
 * @file: the name of a file in it, which need not exist
 * @err: return location for an error
 *
 * Returns TRUE if the file does not exist any more, or FALSE with @err set.
 */
gboolean definitionFilesRemove(const char *dir, const char *file, GError **err);

/**
 * definitionFilesSetAside:
 * @dir: a directory
 * @file: the name of a file in it
 * @err: return location for an error
 *
 * Renames a damaged file to FILE.damaged, or to FILE.damaged.1 … if that exists.
 *
 * Returns the new name, to be freed with g_free(), or NULL with @err set.
 */
char *definitionFilesSetAside(const char *dir, const char *file, GError **err);
