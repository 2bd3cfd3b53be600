/*
 * testembed.c: libvirt's QEMU driver inside a test
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "testembed.h"

#include "qemu_launcher_path.h"
#include "testutils.h"

#include <errno.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <libvirt/virterror.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

struct _TestEmbed {
    char *dir;
    char *launchDir;
    virConnectPtr conn;
    GThread *thread;
    int timer;
    int quit;
};


/* Prevents libvirt from using files in the user's own directories. */
static void
embedEnvironment(const char *dir)
{
    static const char *const unwanted[] = {
        "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
        "LIBVIRT_DEFAULT_URI", "LIBVIRT_DEBUG", "LIBVIRT_LOG_FILTERS", "LIBVIRT_LOG_OUTPUTS",
        "QEMU_AUDIO_DRV",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(unwanted); i++)
        g_unsetenv(unwanted[i]);
    g_setenv("HOME", dir, TRUE);
}


static void
embedGiveUpRoot(void)
{
    uid_t keep = testRegenerate() ? 0 : NOBODY;

    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) < 0 ||
        setresgid(NOBODY, NOBODY, keep) < 0 ||
        setresuid(NOBODY, NOBODY, keep) < 0)
        g_error("cannot become nobody: %s", g_strerror(errno));
}


static void
embedTakeRootBack(void)
{
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) == 0 && effective != 0 && saved == 0) {
        if (setresuid(0, 0, 0) < 0 || setresgid(0, 0, 0) < 0)
            g_error("cannot become root again: %s", g_strerror(errno));
    }
}


/* The layout of an installation's PKGLIBEXECDIR. */
static void
embedStage(TestEmbed *embed, const char *launcher, gsize len)
{
    static const char *const names[] = {
        "qemu-system-x86_64", "qemu-system-i386", "qemu-system-aarch64", "qemu-system-riscv64",
    };
    g_autofree char *program = g_build_filename(embed->dir, QEMU_LAUNCHER_PROGRAM, NULL);
    g_autoptr(GError) err = NULL;
    gsize i;

    if (!g_file_set_contents(program, launcher, len, &err))
        g_error("%s", err->message);
    if (g_chmod(program, 0755) < 0 || g_mkdir(embed->launchDir, 0755) < 0)
        g_error("cannot stage the launcher: %s", g_strerror(errno));

    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *link = g_build_filename(embed->launchDir, names[i], NULL);

        if (symlink("../" QEMU_LAUNCHER_PROGRAM, link) < 0)
            g_error("cannot link %s: %s", link, g_strerror(errno));
    }
}


static void
embedTick(int timer G_GNUC_UNUSED, void *opaque G_GNUC_UNUSED)
{
}


static void *
embedRun(void *opaque)
{
    TestEmbed *embed = opaque;

    while (!g_atomic_int_get(&embed->quit))
        virEventRunDefaultImpl();
    return NULL;
}


/* The caller reports errors. */
static void
embedIgnoreError(void *opaque G_GNUC_UNUSED, virErrorPtr err G_GNUC_UNUSED)
{
}


TestEmbed *
testEmbedOpen(void)
{
    TestEmbed *embed = g_new0(TestEmbed, 1);
    g_autofree char *built = g_build_filename(g_getenv("abs_top_builddir"), "src/launcher",
                                              QEMU_LAUNCHER_PROGRAM, NULL);
    g_autofree char *launcher = NULL;
    g_autofree char *uri = NULL;
    gsize len;

    launcher = testReadFile(built, &len);
    embedGiveUpRoot();
    umask(022);

    embed->dir = g_strdup("/tmp/emulatedpci-embed-XXXXXX");
    if (!g_mkdtemp_full(embed->dir, 0755))
        g_error("%s: %s", embed->dir, g_strerror(errno));
    embed->launchDir = g_build_filename(embed->dir, "launch", NULL);
    embedStage(embed, launcher, len);
    embedEnvironment(embed->dir);

    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0 ||
        (embed->timer = virEventAddTimeout(50, embedTick, NULL, NULL)) < 0)
        g_error("libvirt's event loop: %s", virGetLastErrorMessage());
    virSetErrorFunc(NULL, embedIgnoreError);
    embed->thread = g_thread_new("events", embedRun, embed);

    uri = g_strdup_printf("qemu:///embed?root=%s/root", embed->dir);
    embed->conn = virConnectOpen(uri);
    if (!embed->conn)
        g_error("%s: %s", uri, virGetLastErrorMessage());
    return embed;
}


virConnectPtr
testEmbedConnection(const TestEmbed *embed)
{
    return embed->conn;
}


const char *
testEmbedLaunchDir(const TestEmbed *embed)
{
    return embed->launchDir;
}


static int
embedRemove(const char *path,
            const struct stat *st G_GNUC_UNUSED,
            int type G_GNUC_UNUSED,
            struct FTW *ftw G_GNUC_UNUSED)
{
    return remove(path);
}


void
testEmbedClose(TestEmbed *embed)
{
    virConnectClose(embed->conn);
    g_atomic_int_set(&embed->quit, 1);
    g_thread_join(embed->thread);
    virEventRemoveTimeout(embed->timer);

    if (nftw(embed->dir, embedRemove, 16, FTW_DEPTH | FTW_PHYS) < 0)
        g_error("cannot remove %s: %s", embed->dir, g_strerror(errno));
    g_free(embed->launchDir);
    g_free(embed->dir);
    g_free(embed);
    embedTakeRootBack();
}
