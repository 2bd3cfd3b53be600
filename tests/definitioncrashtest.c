/*
 * definitioncrashtest.c: power loss and disk errors while definitions are stored
 *
 * The store's system calls go through a table. The test simulates a power loss at each of them in
 * turn: a child process changes a store and exits there. The changes that it has not synced are
 * lost as a file system may lose them: half of the data, directory entries, both, or nothing. Then
 * the store is loaded again, and must contain the complete old or the complete new definition.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store.h"
#include "definition_files.h"
#include "testutils.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRASHED 77
#define STEPS_MAX 100

#define DEFINITION(devicename) \
    "<device><name>emulatedpci_one</name>" \
    "<uuid>11111111-2222-3333-4444-555555555555</uuid>" \
    "<capability type='emulatedpci' devicename='" devicename "'>" \
    "<config vendorid='1' deviceid='2'/></capability></device>"
#define OTHER \
    "<device><name>emulatedpci_other</name><capability type='emulatedpci' devicename='other'>" \
    "<config vendorid='1' deviceid='2'/></capability></device>"

typedef enum {
    LOSE_NOTHING = 0,       /* the process is killed, and no data is lost */
    LOSE_DATA = 1,          /* the data of files that were not synced */
    LOSE_ENTRIES = 2,       /* the entries of directories that were not synced */
    LOSE_BOTH = 3,
} Loss;

static char *base;
static char *dir;


/* --- a disk that can lose data that was not synced */

typedef struct {
    enum { ENTRY_CREATED, ENTRY_RENAMED, ENTRY_REMOVED, ENTRY_MADE } kind;
    dev_t dev;              /* of the directory */
    ino_t ino;
    char *path;             /* the path; after a rename, the new path */
    char *from;             /* the old path of a rename */
    char *saved;            /* a copy of the previous content, or NULL */
} Entry;

static DefinitionFilesCalls *calls = &definitionFilesCalls;
static DefinitionFilesCalls original;
static int step;            /* the number of calls so far */
static int crashAt;         /* the call before which the power fails; 0: none */
static Loss loss;
static int failAt;          /* the call that fails … */
static int failWith;        /* … with this errno; 0: it writes one byte */
static GPtrArray *entries;  /* of Entry: changes that were not synced */
static GHashTable *dirty;   /* inode -> path of a file whose data is not synced */


static char *
pathAt(int dirfd,
       const char *name)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", dirfd);
    g_autofree char *path = g_file_read_link(link, NULL);

    g_assert_nonnull(path);
    return g_build_filename(path, name, NULL);
}


static void
removeTree(const char *path)
{
    GDir *handle = g_dir_open(path, 0, NULL);
    const char *name;

    while (handle && (name = g_dir_read_name(handle))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        removeTree(child);
    }
    g_clear_pointer(&handle, g_dir_close);
    g_remove(path);
}


/* Saves a copy of the file at PATH, if it exists. */
static char *
savePath(const char *path)
{
    static int number;
    char *saved = g_strdup_printf("%s/saved-%d", base, number++);

    if (link(path, saved) == 0)
        return saved;
    g_free(saved);
    return NULL;
}


static void
noteEntry(int kind,
          const char *parent,
          const char *path,
          const char *from,
          char *saved)
{
    Entry *entry = g_new0(Entry, 1);
    struct stat st;

    g_assert_cmpint(stat(parent, &st), ==, 0);
    entry->kind = kind;
    entry->dev = st.st_dev;
    entry->ino = st.st_ino;
    entry->path = g_strdup(path);
    entry->from = g_strdup(from);
    entry->saved = saved;
    g_ptr_array_add(entries, entry);
}


static void
undoEntry(const Entry *entry)
{
    switch (entry->kind) {
    case ENTRY_CREATED:
        unlink(entry->path);
        break;
    case ENTRY_RENAMED:
        rename(entry->path, entry->from);
        break;
    case ENTRY_REMOVED:
        break;
    case ENTRY_MADE:
        removeTree(entry->path);
        break;
    }
    if (entry->saved)
        rename(entry->saved, entry->path);
}


/* Simulates the loss of power. */
static void
lose(void)
{
    GHashTableIter iter;
    gpointer ino;
    gpointer path;
    guint i;

    if (loss & LOSE_DATA) {
        g_hash_table_iter_init(&iter, dirty);
        while (g_hash_table_iter_next(&iter, &ino, &path)) {
            g_autoptr(GDir) handle = g_dir_open(dir, 0, NULL);
            const char *name;

            while (handle && (name = g_dir_read_name(handle))) {
                g_autofree char *found = g_build_filename(dir, name, NULL);
                struct stat st;

                if (stat(found, &st) == 0 && st.st_ino == GPOINTER_TO_SIZE(ino))
                    g_assert_cmpint(truncate(found, st.st_size / 2), ==, 0);
            }
        }
    }
    for (i = entries->len; loss & LOSE_ENTRIES && i > 0; i--)
        undoEntry(g_ptr_array_index(entries, i - 1));
}


/* Returns whether the call that begins now must fail. */
static gboolean
begin(void)
{
    step++;
    if (step == crashAt) {
        lose();
        _exit(CRASHED);
    }
    if (step == failAt && failWith != 0) {
        errno = failWith;
        return TRUE;
    }
    return FALSE;
}


static int
testOpenat(int dirfd,
           const char *name,
           int flags,
           mode_t mode)
{
    g_autofree char *path = pathAt(dirfd, name);
    g_autofree char *parent = g_path_get_dirname(path);
    const gboolean there = g_file_test(path, G_FILE_TEST_EXISTS);
    int fd;

    if (begin())
        return -1;
    fd = original.openat(dirfd, name, flags, mode);
    if (fd >= 0 && !there)
        noteEntry(ENTRY_CREATED, parent, path, NULL, NULL);
    return fd;
}


static ssize_t
testWrite(int fd,
          const void *data,
          size_t len)
{
    struct stat st;
    ssize_t n;

    if (begin())
        return -1;
    n = original.write(fd, data, step == failAt ? 1 : len);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_hash_table_insert(dirty, GSIZE_TO_POINTER(st.st_ino), NULL);
    return n;
}


static int
testFchmod(int fd,
           mode_t mode)
{
    return begin() ? -1 : original.fchmod(fd, mode);
}


static int
dontSync(int fd G_GNUC_UNUSED)
{
    return 0;
}


static int
testFsync(int fd)
{
    struct stat st;
    guint i;

    if (begin())
        return -1;
    if (original.fsync(fd) < 0)
        return -1;
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_hash_table_remove(dirty, GSIZE_TO_POINTER(st.st_ino));
    for (i = entries->len; i > 0; i--) {
        const Entry *entry = g_ptr_array_index(entries, i - 1);

        if (entry->dev == st.st_dev && entry->ino == st.st_ino)
            g_ptr_array_remove_index(entries, i - 1);
    }
    return 0;
}


static int
testRenameat(int fromDir,
             const char *from,
             int toDir,
             const char *to)
{
    g_autofree char *source = pathAt(fromDir, from);
    g_autofree char *target = pathAt(toDir, to);
    g_autofree char *parent = g_path_get_dirname(target);
    char *saved;
    int result;

    if (begin())
        return -1;
    saved = savePath(target);
    result = original.renameat(fromDir, from, toDir, to);
    if (result == 0)
        noteEntry(ENTRY_RENAMED, parent, target, source, saved);
    else
        g_free(saved);
    return result;
}


static int
testUnlinkat(int dirfd,
             const char *name,
             int flags)
{
    g_autofree char *path = pathAt(dirfd, name);
    g_autofree char *parent = g_path_get_dirname(path);
    char *saved;
    int result;

    if (begin())
        return -1;
    saved = savePath(path);
    result = original.unlinkat(dirfd, name, flags);
    if (result == 0)
        noteEntry(ENTRY_REMOVED, parent, path, NULL, saved);
    else
        g_free(saved);
    return result;
}


static int
testMkdir(const char *path,
          mode_t mode)
{
    g_autofree char *parent = g_path_get_dirname(path);
    int result;

    if (begin())
        return -1;
    result = original.mkdir(path, mode);
    if (result == 0)
        noteEntry(ENTRY_MADE, parent, path, NULL, NULL);
    return result;
}


static void
entryFree(gpointer opaque)
{
    Entry *entry = opaque;

    g_free(entry->path);
    g_free(entry->from);
    g_free(entry->saved);
    g_free(entry);
}


static void
diskBegin(void)
{
    step = 0;
    entries = g_ptr_array_new_with_free_func(entryFree);
    dirty = g_hash_table_new(NULL, NULL);
    calls->openat = testOpenat;
    calls->write = testWrite;
    calls->fchmod = testFchmod;
    calls->fsync = testFsync;
    calls->renameat = testRenameat;
    calls->unlinkat = testUnlinkat;
    calls->mkdir = testMkdir;
}


static void
diskEnd(void)
{
    *calls = original;
    g_clear_pointer(&entries, g_ptr_array_unref);
    g_clear_pointer(&dirty, g_hash_table_unref);
    crashAt = failAt = failWith = 0;
}


/* --- the changes during which the power fails */

static void
putFile(const char *name,
        const char *content)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, content, -1, NULL));
}


static gboolean
doDefine(DefinitionStore *store,
         const char *xml)
{
    return definitionStoreDefine(store, xml, strlen(xml), NULL, NULL) != NULL;
}


static gboolean
defineOld(DefinitionStore *store)
{
    return doDefine(store, DEFINITION("old"));
}


static gboolean
defineNew(DefinitionStore *store)
{
    return doDefine(store, DEFINITION("new"));
}


static gboolean
setAutostart(DefinitionStore *store)
{
    return definitionStoreSetAutostart(store, "emulatedpci_one", FALSE, NULL);
}


static gboolean
undefine(DefinitionStore *store)
{
    return definitionStoreUndefine(store, "emulatedpci_one", NULL);
}


/* Returns the state of emulatedpci_one as a word. */
static const char *
stateOf(const DefinitionStore *store)
{
    const StoredDefinition *definition = definitionStoreFind(store, "emulatedpci_one");

    if (!definition)
        return "none";
    if (!definition->autostart)
        return "inactive";
    return strcmp(definition->def->fields.devicename, "new") == 0 ? "new" : "old";
}


static const struct {
    const char *name;
    gboolean (*before)(DefinitionStore *store);   /* NULL: the directory does not exist yet */
    gboolean (*during)(DefinitionStore *store);
    const char *old;
    const char *new;
    int steps;              /* the minimum number of steps */
} scenarios[] = {
    /* two directories, each synced; open, mode, write, sync, rename, sync */
    { "define-first", NULL, defineNew, "none", "new", 10 },
    { "redefine", defineOld, defineNew, "old", "new", 6 },
    { "autostart", defineOld, setAutostart, "old", "inactive", 6 },
    { "undefine", defineOld, undefine, "old", "none", 2 },
};


static DefinitionStore *
loadStore(void)
{
    DefinitionStore *store = definitionStoreNew();

    /* Warnings are fatal: no file may be damaged. */
    g_assert_true(definitionStoreLoad(store, NULL, dir, NULL));
    return store;
}


static void
prepare(gsize scenario)
{
    removeTree(base);
    g_assert_cmpint(g_mkdir(base, 0755), ==, 0);
    if (scenarios[scenario].before) {
        g_autoptr(DefinitionStore) store = loadStore();

        g_assert_true(doDefine(store, OTHER));
        g_assert_true(scenarios[scenario].before(store));
    }
}


/* Runs the scenario in a child, with a power loss at step AT. Returns whether the child reached
 * that step. */
static gboolean
runChild(gsize scenario,
         int at)
{
    pid_t pid = fork();
    int status;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        DefinitionStore *store = loadStore();

        diskBegin();
        crashAt = at;
        if (!scenarios[scenario].during(store))
            _exit(1);
        /* The change was reported as complete, and the power fails now. */
        lose();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_true(WEXITSTATUS(status) == CRASHED || WEXITSTATUS(status) == 0);
    return WEXITSTATUS(status) == CRASHED;
}


static gboolean
hasLeftovers(void)
{
    g_autoptr(GDir) handle = g_dir_open(dir, 0, NULL);
    const char *name;

    while (handle && (name = g_dir_read_name(handle))) {
        if (*name == '.' || strstr(name, "damaged"))
            return TRUE;
    }
    return FALSE;
}


static void
testPowerLoss(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    int steps = 0;
    int at;

    for (loss = LOSE_NOTHING; loss <= LOSE_BOTH; loss++) {
        gboolean crashed = TRUE;

        for (at = 1; crashed; at++) {
            g_autoptr(DefinitionStore) store = NULL;
            const char *state;

            g_assert_cmpint(at, <, STEPS_MAX);
            prepare(i);
            crashed = runChild(i, at);
            store = loadStore();
            state = stateOf(store);
            if (strcmp(state, scenarios[i].new) != 0 &&
                (!crashed || strcmp(state, scenarios[i].old) != 0))
                g_error("%s, power lost %s step %d (loss %d): %s", scenarios[i].name,
                        crashed ? "at" : "after", at, (int) loss, state);
            g_assert_true(!scenarios[i].before || definitionStoreFind(store, "emulatedpci_other"));
            g_assert_false(hasLeftovers());

            /* The store continues to work. */
            g_assert_true(defineNew(store));
            g_assert_cmpstr(stateOf(store), !=, "none");
        }
        steps = at - 2;
    }
    g_assert_cmpint(steps, >=, scenarios[i].steps);
}


/* --- a disk that fails */

static void
testFailingDisk(gconstpointer opaque)
{
    static const int errors[] = { ENOSPC, EIO, EROFS, EINTR, 0 };
    const gsize i = GPOINTER_TO_SIZE(opaque);
    gsize j;
    int at;

    for (j = 0; j < G_N_ELEMENTS(errors); j++) {
        for (at = 1; ; at++) {
            g_autoptr(DefinitionStore) store = NULL;
            g_autoptr(DefinitionStore) again = NULL;
            gboolean done;
            gboolean reached;

            prepare(i);
            store = loadStore();
            diskBegin();
            failAt = at;
            failWith = errors[j];
            done = scenarios[i].during(store);
            reached = step >= at;
            diskEnd();
            if (!reached) {
                g_assert_true(done);
                break;
            }

            /* The memory has the reported state. The disk has the same state, or already the new
             * one. */
            g_assert_cmpstr(stateOf(store), ==, done ? scenarios[i].new : scenarios[i].old);
            g_assert_false(hasLeftovers());
            again = loadStore();
            if (done || strcmp(stateOf(again), scenarios[i].old) != 0)
                g_assert_cmpstr(stateOf(again), ==, scenarios[i].new);
            if (errors[j] == 0)
                g_assert_true(done);

            /* When the disk works again, the store works, too. */
            g_assert_true(defineNew(store));
        }
        g_assert_cmpint(at - 1, >=, scenarios[i].steps);
    }
}


/* The error names the operation, the file and the reason. */
static void
testFailingDiskMessage(void)
{
    g_autoptr(DefinitionStore) store = NULL;
    g_autoptr(GError) err = NULL;
    g_autofree char *file = g_build_filename(dir, "emulatedpci_one.xml", NULL);
    const char *xml = DEFINITION("new");

    prepare(1);
    store = loadStore();
    diskBegin();
    failAt = 3;
    failWith = ENOSPC;
    g_assert_null(definitionStoreDefine(store, xml, strlen(xml), NULL, &err));
    diskEnd();
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_SYSTEM_ERROR);
    g_assert_nonnull(strstr(err->message, file));
    g_assert_nonnull(strstr(err->message, g_strerror(ENOSPC)));
}


/* A damaged file that cannot be renamed is reported; the other definitions are loaded. */
static void
testCannotSetAside(void)
{
    g_autoptr(DefinitionStore) store = definitionStoreNew();

    prepare(1);
    putFile("emulatedpci_bad.xml", "<device");
    diskBegin();
    failAt = 1;
    failWith = EACCES;
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*emulatedpci_bad.xml*malformed*cannot rename*");
    g_assert_true(definitionStoreLoad(store, NULL, dir, NULL));
    g_test_assert_expected_messages();
    diskEnd();
    g_assert_nonnull(definitionStoreFind(store, "emulatedpci_other"));
}


int
main(int argc, char **argv)
{
    gsize i;
    int result;

    testInit(&argc, &argv);
    /* The test only counts the calls of fsync(). A real call takes long on a busy disk. */
    calls->fsync = dontSync;
    original = *calls;
    base = g_dir_make_tmp("definitioncrashtest-XXXXXX", NULL);
    g_assert_nonnull(base);
    dir = g_build_filename(base, "libvirt", "emulatedpci", NULL);

    for (i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        g_autofree char *power = g_strdup_printf("/definitionstore/power-loss/%s", scenarios[i].name);
        g_autofree char *disk = g_strdup_printf("/definitionstore/failing-disk/%s", scenarios[i].name);

        g_test_add_data_func(power, GSIZE_TO_POINTER(i), testPowerLoss);
        g_test_add_data_func(disk, GSIZE_TO_POINTER(i), testFailingDisk);
    }
    g_test_add_func("/definitionstore/failing-disk/message", testFailingDiskMessage);
    g_test_add_func("/definitionstore/failing-disk/set-aside", testCannotSetAside);

    result = g_test_run();
    removeTree(base);
    g_free(base);
    g_free(dir);
    xmlCleanupParser();
    return result;
}
