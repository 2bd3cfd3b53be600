/*
 * upstream_start.c: starting the user's own libvirt
 *
 * The rules are those of libvirt's src/rpc/virnetsocket.c and
 * src/remote/remote_sockets.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "upstream_start.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The longest time that another program of the user may take to start libvirt, and the time
 * between two checks, in milliseconds */
#define START_LOCK_TIMEOUT 30000
#define START_LOCK_INTERVAL 10

/* The directories that are searched after those in PATH */
#define START_DIR "/usr/sbin"

struct _UpstreamStart {
    char *program;
    char *lockPath;
    int lock;
};

/* The variables of the environment that the daemon gets */
static const char *const variables[] = {
    "LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "HOME", "USER", "LOGNAME", "TMPDIR",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
};


static char *
startFindIn(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    return access(path, X_OK) == 0 ? g_steal_pointer(&path) : NULL;
}


/* virtqemud is preferred, because clients use its socket if it exists. All clients of the user
 * then use the same daemon. */
static char *
startFindProgram(void)
{
    static const char *const names[] = { "virtqemud", "libvirtd" };
    const char *dir = g_getenv("VIRTD_PATH");
    gsize i;

    if (!dir)
        dir = g_getenv("LIBVIRTD_PATH");

    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        char *path = dir ? startFindIn(dir, names[i]) : g_find_program_in_path(names[i]);

        if (!path && !dir)
            path = startFindIn(START_DIR, names[i]);
        if (path)
            return path;
    }
    return NULL;
}


void
upstreamStartEnd(UpstreamStart *start)
{
    if (!start)
        return;

    if (start->lock >= 0) {
        g_unlink(start->lockPath);
        close(start->lock);
    }
    g_free(start->lockPath);
    g_free(start->program);
    g_free(start);
}


/* Returns FALSE with errno set if the lock is not available in time. */
static gboolean
startLock(int fd)
{
    const gint64 deadline = g_get_monotonic_time() + START_LOCK_TIMEOUT * 1000LL;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

    while (fcntl(fd, F_SETLK, &lock) < 0) {
        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
            g_get_monotonic_time() >= deadline)
            return FALSE;
        g_usleep(START_LOCK_INTERVAL * 1000);
    }
    return TRUE;
}


UpstreamStart *
upstreamStartBegin(GError **err)
{
    g_autoptr(UpstreamStart) start = g_new0(UpstreamStart, 1);
    g_autofree char *dir = g_build_filename(g_get_user_runtime_dir(), "libvirt", NULL);
    g_autofree char *name = NULL;

    start->lock = -1;
    start->program = startFindProgram();
    if (!start->program) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, "%s",
                               _("neither virtqemud nor libvirtd is installed on this machine"));
        return NULL;
    }

    if (g_mkdir_with_parents(dir, 0700) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create '%1$s': %2$s"),
                               dir, g_strerror(errno));
        return NULL;
    }

    name = g_path_get_basename(start->program);
    start->lockPath = g_strdup_printf("%s/%s.lock", dir, name);
    start->lock = open(start->lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (start->lock < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot lock '%1$s': %2$s"),
                               start->lockPath, g_strerror(errno));
        return NULL;
    }
    if (!startLock(start->lock)) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot lock '%1$s': %2$s"),
                               start->lockPath, g_strerror(errno));
        return NULL;
    }
    return g_steal_pointer(&start);
}


/* Called between fork() and exec(). */
static void
startPrepare(gpointer opaque G_GNUC_UNUSED)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTSTP, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    setsid();
}


gboolean
upstreamStartSpawn(const UpstreamStart *start, GError **err)
{
    char timeout[] = "--timeout=120";
    char *argv[] = { start->program, timeout, NULL };
    g_auto(GStrv) env = g_new0(char *, 1);
    g_autoptr(GError) local = NULL;
    gsize i;

    env = g_environ_setenv(env, "LC_ALL", "C", TRUE);
    for (i = 0; i < G_N_ELEMENTS(variables); i++) {
        const char *value = g_getenv(variables[i]);

        if (value)
            env = g_environ_setenv(env, variables[i], value, TRUE);
    }

    /* GLib forks twice, so that the process is not a child that has to be reaped. */
    if (!g_spawn_async("/", argv, env,
                       G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                       startPrepare, NULL, NULL, &local)) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot start '%1$s': %2$s"),
                               start->program, local->message);
        return FALSE;
    }
    return TRUE;
}
