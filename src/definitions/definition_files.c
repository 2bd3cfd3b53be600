/*
 * definition_files.c: a directory of small files that survives power loss
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_files.h"

#include "emulatedpci_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gettext.h"

#define _(s) gettext(s)

#define DIR_MODE 0755
#define FILE_MODE 0644

/* While FILE is being written it is ".FILE.new". */
#define NEW_PREFIX "."
#define NEW_SUFFIX ".new"
#define DAMAGED_SUFFIX ".damaged"

/* So many damaged files of one name are kept. */
#define DAMAGED_MAX 1000


static int
callOpenat(int dir,
           const char *name,
           int flags,
           mode_t mode)
{
    return openat(dir, name, flags, mode);
}


DefinitionFilesCalls definitionFilesCalls = {
    .openat = callOpenat,
    .write = write,
    .fchmod = fchmod,
    .fsync = fsync,
    .renameat = renameat,
    .unlinkat = unlinkat,
    .mkdir = mkdir,
};


/* FORMAT has the path and the reason. */
#define reportSystem(err, format, path) \
    emulatedPCIReportError((err), VIR_ERR_SYSTEM_ERROR, (format), (path), g_strerror(errno))


static void
closeKeepingErrno(int *fd)
{
    const int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}


typedef int AutoFD;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AutoFD, closeKeepingErrno)


/* Returns a descriptor of DIR, or -1 with errno set. */
static int
openDir(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}


static int
compareNames(gconstpointer a,
             gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* Returns the names in DIR that end in SUFFIX, and begin with a dot or do not. */
static GPtrArray *
listNames(const char *dir,
          gboolean hidden,
          const char *suffix,
          GError **err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) bad = NULL;
    g_autoptr(GDir) handle = g_dir_open(dir, 0, &bad);
    const char *name;

    if (!handle) {
        if (!g_error_matches(bad, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, "%s", bad->message);
            return NULL;
        }
        return g_steal_pointer(&names);
    }
    while ((name = g_dir_read_name(handle))) {
        if ((*name == *NEW_PREFIX) == hidden && g_str_has_suffix(name, suffix))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compareNames);
    return g_steal_pointer(&names);
}


GPtrArray *
definitionFilesList(const char *dir,
                    GError **err)
{
    return listNames(dir, FALSE, ".xml", err);
}


void
definitionFilesClean(const char *dir)
{
    g_autoptr(GPtrArray) names = listNames(dir, TRUE, ".xml" NEW_SUFFIX, NULL);
    g_auto(AutoFD) fd = openDir(dir);
    guint i;

    for (i = 0; fd >= 0 && names && i < names->len; i++)
        definitionFilesCalls.unlinkat(fd, g_ptr_array_index(names, i), 0);
}


char *
definitionFilesRead(const char *dir,
                    const char *file,
                    gsize max,
                    gsize *len,
                    GError **err)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *data = NULL;
    g_auto(AutoFD) fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    gsize have = 0;

    if (fd < 0 || fstat(fd, &st) < 0) {
        reportSystem(err, _("cannot read '%1$s': %2$s"), path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("'%1$s' is not a regular file"), path);
        return NULL;
    }

    data = g_malloc(max + 2);
    while (have <= max) {
        ssize_t n = read(fd, data + have, max + 1 - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            reportSystem(err, _("cannot read '%1$s': %2$s"), path);
            return NULL;
        }
        if (n == 0)
            break;
        have += n;
    }
    if (have > max) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("'%1$s' is too long: at most %2$zu bytes are allowed"), path, max);
        return NULL;
    }
    data[have] = '\0';
    *len = have;
    return g_steal_pointer(&data);
}


/* Some file systems have no such thing for a directory. */
static gboolean
syncDir(int fd,
        const char *dir,
        GError **err)
{
    if (definitionFilesCalls.fsync(fd) == 0 || errno == EINVAL)
        return TRUE;
    reportSystem(err, _("cannot write '%1$s' to disk: %2$s"), dir);
    return FALSE;
}


/* Creates DIR and its parents unless they exist. All users can read it, independent of the
 * umask. */
static gboolean
makeDir(const char *dir,
        GError **err)
{
    g_autofree char *parent = g_path_get_dirname(dir);
    g_auto(AutoFD) fd = -1;

    if (g_file_test(dir, G_FILE_TEST_IS_DIR))
        return TRUE;
    if (strcmp(parent, dir) != 0 && !makeDir(parent, err))
        return FALSE;
    if (definitionFilesCalls.mkdir(dir, DIR_MODE) < 0) {
        if (errno == EEXIST)
            return TRUE;
        reportSystem(err, _("cannot create directory '%1$s': %2$s"), dir);
        return FALSE;
    }
    if (chmod(dir, DIR_MODE) < 0) {
        reportSystem(err, _("cannot create directory '%1$s': %2$s"), dir);
        return FALSE;
    }

    fd = openDir(parent);
    if (fd < 0) {
        reportSystem(err, _("cannot read '%1$s': %2$s"), parent);
        return FALSE;
    }
    return syncDir(fd, parent, err);
}


static gboolean
writeAll(int fd,
         const char *data,
         gsize len)
{
    while (len > 0) {
        ssize_t n = definitionFilesCalls.write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        data += n;
        len -= n;
    }
    return TRUE;
}


/* Writes the file NAME in DIR, which is open as DIRFD. */
static gboolean
writeFile(int dirfd,
          const char *name,
          const char *data,
          gsize len)
{
    g_auto(AutoFD) fd = definitionFilesCalls.openat(dirfd, name,
                                                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
                                                    O_NONBLOCK | O_CLOEXEC, FILE_MODE);
    int closed = -1;

    if (fd < 0 ||
        definitionFilesCalls.fchmod(fd, FILE_MODE) < 0 ||
        !writeAll(fd, data, len) ||
        definitionFilesCalls.fsync(fd) < 0)
        return FALSE;

    /* network file systems may report errors only now */
    closed = close(fd);
    fd = -1;
    return closed == 0;
}


gboolean
definitionFilesWrite(const char *dir,
                     const char *file,
                     const char *data,
                     gsize len,
                     GError **err)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *name = g_strconcat(NEW_PREFIX, file, NEW_SUFFIX, NULL);
    g_auto(AutoFD) dirfd = -1;

    if (!makeDir(dir, err))
        return FALSE;
    dirfd = openDir(dir);
    if (dirfd < 0) {
        reportSystem(err, _("cannot read '%1$s': %2$s"), dir);
        return FALSE;
    }
    if (!writeFile(dirfd, name, data, len) ||
        definitionFilesCalls.renameat(dirfd, name, dirfd, file) < 0) {
        reportSystem(err, _("cannot write '%1$s': %2$s"), path);
        definitionFilesCalls.unlinkat(dirfd, name, 0);
        return FALSE;
    }
    return syncDir(dirfd, dir, err);
}


gboolean
definitionFilesRemove(const char *dir,
                      const char *file,
                      GError **err)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_auto(AutoFD) dirfd = openDir(dir);

    if (dirfd < 0 ? errno != ENOENT
                  : definitionFilesCalls.unlinkat(dirfd, file, 0) < 0 && errno != ENOENT) {
        reportSystem(err, _("cannot remove '%1$s': %2$s"), path);
        return FALSE;
    }
    return dirfd < 0 || syncDir(dirfd, dir, err);
}


char *
definitionFilesSetAside(const char *dir,
                        const char *file,
                        GError **err)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autofree char *name = g_strconcat(file, DAMAGED_SUFFIX, NULL);
    g_auto(AutoFD) dirfd = openDir(dir);
    int i;

    for (i = 1; dirfd >= 0 && i <= DAMAGED_MAX; i++) {
        if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno != ENOENT || definitionFilesCalls.renameat(dirfd, file, dirfd, name) < 0)
                break;
            return syncDir(dirfd, dir, err) ? g_steal_pointer(&name) : NULL;
        }
        errno = EEXIST;
        g_free(name);
        name = g_strdup_printf("%s" DAMAGED_SUFFIX ".%d", file, i);
    }
    reportSystem(err, _("cannot rename '%1$s': %2$s"), path);
    return NULL;
}
