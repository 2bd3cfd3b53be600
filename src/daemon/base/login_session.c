/*
 * login_session.c: moves a connection process to the login session of its client
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "login_session.h"

#include "full-read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The longest time that all steps may take, in seconds */
#define LOGIN_SESSION_TIMEOUT 5

/* The size of /proc/PID/cgroup; a path has at most PATH_MAX bytes. */
#define LOGIN_SESSION_CGROUP_MAX 8192

/* The number of checks whether systemd has moved the process, and the time between two of them, in
 * microseconds */
#define LOGIN_SESSION_ATTEMPTS 200
#define LOGIN_SESSION_PAUSE 5000

#define LOGIN_SESSION_PROGRAM "/usr/bin/busctl"


static char *
loginSessionScope(pid_t pid)
{
    return g_strdup_printf("virtemulatedpcid-%d.scope", (int) pid);
}


/* Returns the path in the unified hierarchy, split into components. */
static GStrv
loginSessionCgroup(const char *cgroups)
{
    g_auto(GStrv) lines = g_strsplit(cgroups, "\n", -1);
    gsize i;

    for (i = 0; lines[i]; i++) {
        if (g_str_has_prefix(lines[i], "0::/"))
            return g_strsplit(lines[i] + strlen("0::/"), "/", 4);
    }
    return NULL;
}


char **
loginSessionCommand(const char *cgroups,
                    pid_t pid)
{
    g_auto(GStrv) path = loginSessionCgroup(cgroups);
    g_autofree char *number = g_strdup_printf("%d", (int) pid);
    g_autofree char *scope = loginSessionScope(pid);

    /* user.slice/user-UID.slice/UNIT/...: UNIT is a session, or the user's own systemd */
    if (!path || g_strv_length(path) < 3 || !g_str_equal(path[0], "user.slice") ||
        !g_str_has_prefix(path[1], "user-") || !g_str_has_suffix(path[1], ".slice"))
        return NULL;

    if ((g_str_has_prefix(path[2], "session-") && g_str_has_suffix(path[2], ".scope")) ||
        (g_str_has_prefix(path[2], "user@") && g_str_has_suffix(path[2], ".service"))) {
        const char *const argv[] = {
            LOGIN_SESSION_PROGRAM, "--system", "--quiet", "--timeout=2", "call",
            "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))",
            scope, "fail", "4",
            "Description", "s", "Connection to virtemulatedpcid",
            "Slice", "s", path[1],
            "PIDs", "au", "1", number,
            "CollectMode", "s", "inactive-or-failed", "0", NULL
        };
        return g_strdupv((char **) argv);
    }
    return NULL;
}


/* Returns /proc/PID/cgroup of the client, read with its identity because systemd may hide it from
 * the daemon; NULL if that process is not the client's. */
static char *
loginSessionReadCgroups(const Identity *id)
{
    g_autofree char *path = g_strdup_printf("/proc/%d", (int) id->pid);
    g_autofree char *text = g_malloc0(LOGIN_SESSION_CGROUP_MAX + 1);
    struct stat sb;
    int dir;
    int fd;

    if (setegid(id->gid) < 0 || seteuid(id->uid) < 0)
        return NULL;
    dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* The open directory remains that of one process, even if its ID is reused. */
    fd = dir < 0 || fstat(dir, &sb) < 0 || sb.st_uid != id->uid ? -1 :
        openat(dir, "cgroup", O_RDONLY | O_CLOEXEC);
    if (seteuid(0) < 0 || setegid(0) < 0 || fd < 0 ||
        full_read(fd, text, LOGIN_SESSION_CGROUP_MAX) == 0)
        return NULL;
    return g_steal_pointer(&text);
}


/* Runs in a separate process, which the time limit kills. Its exit status is 0 if PID was moved, 2
 * if the client has no session, and otherwise 1. */
G_GNUC_NORETURN static void
loginSessionChild(const Identity *id,
                  pid_t pid)
{
    char *const env[] = { (char *) "LC_ALL=C", NULL };
    g_autofree char *cgroups = NULL;
    g_auto(GStrv) argv = NULL;
    sigset_t alarmed;
    int null;

    sigemptyset(&alarmed);
    sigaddset(&alarmed, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &alarmed, NULL);
    alarm(LOGIN_SESSION_TIMEOUT);

    cgroups = loginSessionReadCgroups(id);
    argv = cgroups ? loginSessionCommand(cgroups, pid) : NULL;
    if (!argv)
        _exit(2);

    null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(1);
    execve(argv[0], argv, env);
    _exit(1);
}


/* Waits until this process is in the new scope. */
static void
loginSessionWait(pid_t self)
{
    g_autofree char *scope = loginSessionScope(self);
    int i;

    for (i = 0; i < LOGIN_SESSION_ATTEMPTS; i++) {
        g_autofree char *text = NULL;

        if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL) || strstr(text, scope))
            return;
        g_usleep(LOGIN_SESSION_PAUSE);
    }
}


gboolean
loginSessionJoin(const Identity *id)
{
    const pid_t self = getpid();
    int status = 0;
    pid_t pid;

    if (geteuid() != 0 || id->uid == 0 || id->pid <= 0 || access("/run/systemd/system", F_OK) < 0)
        return FALSE;

    pid = fork();
    if (pid == 0)
        loginSessionChild(id, self);
    if (pid < 0)
        return FALSE;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return FALSE;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        loginSessionWait(self);
        return TRUE;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
        daemonInfo("systemd", "process %d: cannot move to the login session of its client", (int) self);
    return FALSE;
}
