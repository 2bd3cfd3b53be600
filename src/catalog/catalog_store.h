/*
 * catalog_store.h: a directory of small files that survives power loss
 *
 * A file is written under another name, then renamed; file and directory are
 * on disk before a function returns. At any moment there is the old file or
 * the new one. Knows file names and bytes, no definition.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

/* The system calls that change something. The table is there for the tests,
 * which put themselves between. */
typedef struct {
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *data, size_t len);
    int (*fchmod)(int fd, mode_t mode);
    int (*fsync)(int fd);
    int (*renameat)(int fromDir, const char *from, int toDir, const char *to);
    int (*unlinkat)(int dir, const char *name, int flags);
    int (*mkdir)(const char *path, mode_t mode);
} CatalogStoreCalls;

extern CatalogStoreCalls catalogStoreCalls;

/* Errors are VIR_ERR_SYSTEM_ERROR with the path, unless said otherwise. */

/* The names in DIR that end in ".xml" and do not begin with ".", sorted; none
 * if DIR does not exist. NULL with ERR set if it cannot be read. */
GPtrArray *catalogStoreList(const char *dir, GError **err);

/* Removes from DIR what a program that ended while writing has left. */
void catalogStoreClean(const char *dir);

/* The file's bytes, newly allocated, and a NUL. NULL with ERR set; to
 * VIR_ERR_XML_ERROR if it has more than MAX or is no regular file. */
char *catalogStoreRead(const char *dir, const char *file, gsize max, gsize *len, GError **err);

/* Makes DIR if it does not exist, and writes the file. */
gboolean catalogStoreWrite(const char *dir, const char *file, const char *data, gsize len,
                           GError **err);

/* Removes the file, if it is there. */
gboolean catalogStoreRemove(const char *dir, const char *file, GError **err);

/* Renames the file to FILE.damaged, or FILE.damaged.1 … if there is one. The
 * new name, newly allocated, or NULL with ERR set. */
char *catalogStoreSetAside(const char *dir, const char *file, GError **err);
