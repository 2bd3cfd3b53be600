/*
 * listener.c: the sockets that clients connect to, and the processes that
 * serve them
 *
 * Each client gets a process of its own, forked and not executed anew: it
 * shares almost all of its memory with this one. This process handles no byte
 * that a client sends.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "client_table.h"
#include "daemon_log.h"
#include "daemon_systemd.h"
#include "emulatedpci_error.h"
#include "identity.h"
#include "listener.h"
#include "definition_service.h"
#include "qemu_programs.h"
#include "session.h"
#include "upstream.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define _(s) gettext(s)

/* How long calls in flight may take when the service stops, in ms. */
#define LISTENER_GRACE 10000

/* How long no client is taken after one could not be, in ms: what is missing then, such as
 * descriptors or memory, does not come back at once. */
#define LISTENER_PAUSE 1000

/* libvirtd's max_queued_clients. */
#define LISTENER_BACKLOG 1000

#define LISTENER_SOCKETS_MAX 4

/* Descriptors besides those of clients. */
#define LISTENER_DESCRIPTORS 64

typedef struct {
    int fd;
    gboolean readonly;
    char *path;                 /* to unlink in the end; NULL: systemd's */
    dev_t dev;
    ino_t ino;
} ListenerSocket;

typedef struct {
    const ListenerOptions *opts;
    DaemonConfig *config;
    ListenerSocket sockets[LISTENER_SOCKETS_MAX];
    int nsockets;
    int lock;                   /* for device calls: see device_job.c */
    ClientTable *clients;
    gint64 pausedUntil;         /* no client is taken, monotonic, us; 0: they are */
    DefinitionService *definitions;
    gint64 idleSince;
    sigset_t sigmask;           /* in effect while waiting */
} Listener;

static volatile sig_atomic_t stopping;
static volatile sig_atomic_t reloading;
static volatile sig_atomic_t reaping;


static void
listenerSignal(int sig)
{
    if (sig == SIGHUP)
        reloading = 1;
    else if (sig == SIGCHLD)
        reaping = 1;
    else
        stopping = 1;
}


/* The configuration as the options have it. What is wrong in it changes nothing. */
static DaemonConfig *
listenerReadConfig(const ListenerOptions *opts, GError **err)
{
    g_autoptr(DaemonConfig) config = NULL;
    g_auto(GStrv) paths = NULL;

    if (opts->configPath &&
        (opts->configRequired || access(opts->configPath, F_OK) == 0)) {
        config = daemonConfigLoad(opts->configPath, err);
        if (!config)
            return NULL;
    } else {
        config = daemonConfigNew();
    }

    if (opts->upstream) {
        g_free(config->upstream);
        config->upstream = g_strdup(opts->upstream);
    }
    if (opts->definitionsDir || !config->definitionsDir) {
        g_free(config->definitionsDir);
        config->definitionsDir = g_strdup(opts->definitionsDir ? opts->definitionsDir :
                                          opts->defaultDefinitionsDir);
    }
    paths = upstreamPaths(config->upstream, opts->system, FALSE, err);
    if (!paths)
        return NULL;

    if (opts->verbose)
        config->logLevel = MIN(config->logLevel, DAEMON_LOG_INFO);
    return g_steal_pointer(&config);
}


DaemonConfig *
listenerConfigure(const ListenerOptions *opts, GError **err)
{
    g_autoptr(DaemonConfig) config = listenerReadConfig(opts, err);

    if (!config ||
        !daemonLogSetup(config->logLevel, config->logFilters, config->logOutputs, err))
        return NULL;
    return g_steal_pointer(&config);
}


/* --- sockets --- */

/* Whether a daemon listens at ADDR already. The process that listened there may be
 * gone: a child that it made just before it was killed has not closed the socket yet. */
static gboolean
listenerIsTaken(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct ucred listens = { 0 };
    socklen_t len = sizeof(listens);
    gboolean taken;

    if (fd < 0)
        return FALSE;
    if (connect(fd, (const struct sockaddr *) addr, sizeof(*addr)) < 0)
        taken = errno == EAGAIN;
    else
        /* A pid of 0 is one of another namespace. */
        taken = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listens, &len) < 0 || listens.pid <= 0 ||
            kill(listens.pid, 0) == 0 || errno != ESRCH;
    close(fd);
    return taken;
}


typedef struct {
    mode_t perms;
    gid_t gid;                  /* -1: as it is */
} SocketAccess;


/* Owner and mode for the socket at PATH: the configuration's, else those of
 * upstream's socket, else libvirt's defaults. */
static gboolean
listenerFindAccess(const ListenerOptions *opts,
                   const DaemonConfig *config,
                   const char *path,
                   gboolean readonly,
                   SocketAccess *found,
                   GError **err)
{
    int perms = readonly ? config->roPerms : config->rwPerms;
    g_auto(GStrv) upstream = NULL;
    struct stat st;
    gsize i;

    found->gid = (gid_t) -1;
    if (!opts->system)
        perms = perms < 0 ? 0700 : perms;

    upstream = upstreamPaths(config->upstream, opts->system, readonly, NULL);
    for (i = 0; perms < 0 && upstream && upstream[i]; i++) {
        if (!upstreamIsSame(upstream[i], path) &&
            stat(upstream[i], &st) == 0 && S_ISSOCK(st.st_mode)) {
            perms = st.st_mode & 0777;
            found->gid = st.st_gid;
        }
    }
    if (perms < 0)
        perms = readonly ? 0777 : 0700;
    found->perms = (mode_t) perms;

    if (config->group) {
        const struct group *group = getgrnam(config->group);

        if (!group) {
            emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                                   _("unix_sock_group: there is no group '%1$s'"),
                                   config->group);
            return FALSE;
        }
        found->gid = group->gr_gid;
    }
    return TRUE;
}


static gboolean
listenerSetAccess(const char *path, const SocketAccess *wanted, GError **err)
{
    if ((wanted->gid != (gid_t) -1 && wanted->gid != getegid() &&
         chown(path, (uid_t) -1, wanted->gid) < 0) ||
        chmod(path, wanted->perms) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                               _("cannot set owner and mode of '%1$s': %2$s"), path,
                               g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}


/* Gives the sockets owner and mode as CONFIG has it. On failure all are as they were. */
static gboolean
listenerSetAllAccess(const Listener *listener, const DaemonConfig *config, GError **err)
{
    SocketAccess wanted[LISTENER_SOCKETS_MAX];
    SocketAccess before[LISTENER_SOCKETS_MAX];
    const ListenerSocket *sock = listener->sockets;
    int i;

    for (i = 0; i < listener->nsockets; i++) {
        struct stat st;

        if (sock[i].path &&
            !listenerFindAccess(listener->opts, config, sock[i].path, sock[i].readonly,
                                &wanted[i], err))
            return FALSE;
        if (sock[i].path && stat(sock[i].path, &st) == 0)
            before[i] = (SocketAccess) { st.st_mode & 0777, st.st_gid };
        else
            before[i] = wanted[i];
    }

    for (i = 0; i < listener->nsockets; i++) {
        if (!sock[i].path || listenerSetAccess(sock[i].path, &wanted[i], err))
            continue;
        for (; i >= 0; i--) {
            if (sock[i].path)
                listenerSetAccess(sock[i].path, &before[i], NULL);
        }
        return FALSE;
    }
    return TRUE;
}


static gboolean
listenerAddSocket(Listener *listener, const char *path, gboolean readonly, GError **err)
{
    ListenerSocket *sock = &listener->sockets[listener->nsockets];
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    g_autofree char *dir = g_path_get_dirname(path);
    SocketAccess found;
    struct stat st;
    mode_t mask;
    int rc;

    if (g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)) >= sizeof(addr.sun_path)) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("the path of the socket '%1$s' is longer than %2$zu characters"),
                               path, sizeof(addr.sun_path) - 1);
        return FALSE;
    }

    if (g_mkdir_with_parents(dir, listener->opts->system ? 0755 : 0700) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create '%1$s': %2$s"),
                               dir, g_strerror(errno));
        return FALSE;
    }

    if (listenerIsTaken(&addr)) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("another daemon listens at '%1$s'"), path);
        return FALSE;
    }
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);

    sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot create a socket: %1$s"), g_strerror(errno));
        return FALSE;
    }

    /* Nobody gets in before the mode is what it shall be. */
    mask = umask(0777);
    rc = bind(sock->fd, (struct sockaddr *) &addr, sizeof(addr));
    umask(mask);
    if (rc < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot listen at '%1$s': %2$s"),
                               path, g_strerror(errno));
        close(sock->fd);
        return FALSE;
    }

    sock->readonly = readonly;
    sock->path = g_strdup(path);
    listener->nsockets++;
    if (stat(path, &st) == 0) {
        sock->dev = st.st_dev;
        sock->ino = st.st_ino;
    }

    if (!listenerFindAccess(listener->opts, listener->config, path, readonly, &found, err) ||
        !listenerSetAccess(path, &found, err))
        return FALSE;
    if (listen(sock->fd, LISTENER_BACKLOG) < 0) {
        emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR, _("cannot listen at '%1$s': %2$s"),
                               path, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}


/* Sockets of systemd's: a path that ends in -ro is the read-only one. */
static void
listenerTakeSockets(Listener *listener, int count)
{
    int i;

    for (i = 0; i < count && i < LISTENER_SOCKETS_MAX; i++) {
        ListenerSocket *sock = &listener->sockets[listener->nsockets++];
        struct sockaddr_un addr = { 0 };
        socklen_t len = sizeof(addr) - 1;

        sock->fd = 3 + i;
        if (getsockname(sock->fd, (struct sockaddr *) &addr, &len) == 0)
            sock->readonly = g_str_has_suffix(addr.sun_path, "-ro");
        fcntl(sock->fd, F_SETFL, fcntl(sock->fd, F_GETFL) | O_NONBLOCK);
    }
}


static gboolean
listenerOpen(Listener *listener, GError **err)
{
    const ListenerOptions *opts = listener->opts;
    int passed = daemonSystemdSockets();

    if (passed > 0) {
        listenerTakeSockets(listener, passed);
        return TRUE;
    }

    return (!opts->path || listenerAddSocket(listener, opts->path, FALSE, err)) &&
        (!opts->pathRO || listenerAddSocket(listener, opts->pathRO, TRUE, err));
}


/* Closes the sockets and removes those that are still ours. */
static void
listenerClose(Listener *listener, gboolean remove)
{
    int i;

    for (i = 0; i < listener->nsockets; i++) {
        ListenerSocket *sock = &listener->sockets[i];
        struct stat st;

        close(sock->fd);
        if (remove && sock->path && stat(sock->path, &st) == 0 &&
            st.st_dev == sock->dev && st.st_ino == sock->ino)
            unlink(sock->path);
        g_free(sock->path);
    }
    listener->nsockets = 0;
}


/* --- a client's process --- */

static void
listenerSetSignal(int sig, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    sigemptyset(&action.sa_mask);
    sigaction(sig, &action, NULL);
}


/* The path of the socket that CLIENT came through; a new string. */
static char *
listenerOwnPath(int client)
{
    struct sockaddr_un addr = { 0 };
    socklen_t len = sizeof(addr) - 1;

    if (getsockname(client, (struct sockaddr *) &addr, &len) < 0)
        return NULL;
    return g_strdup(addr.sun_path);
}


/* While it waits for upstream, or for a client that is to be refused, the process has nothing
 * to finish: SIGTERM ends it. */
static void
listenerLetEnd(gboolean atOnce)
{
    sigset_t term;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    listenerSetSignal(SIGTERM, atOnce ? SIG_DFL : listenerSignal);
    sigprocmask(atOnce ? SIG_UNBLOCK : SIG_BLOCK, &term, NULL);
}


static int
listenerServe(Listener *listener,
              int client,
              const Identity *id,
              int definitions,
              gboolean readonly)
{
    const ListenerOptions *opts = listener->opts;
    g_auto(GStrv) paths = NULL;
    g_autofree char *own = listenerOwnPath(client);
    const char *name = listener->config->upstream;
    g_autoptr(GError) err = NULL;
    SessionOptions session = {
        .client = client,
        .upstream = -1,
        .readonly = readonly,
        .lock = listener->lock,
        .definitions = definitions,
        .schemaDir = opts->schemaDir,
        .projection = {
            .launchDir = opts->launchDir,
            .qemuDir = opts->qemuDir,
            .hideDetached = TRUE,
            .program = opts->anyQEMU ? NULL : qemuProgramsGet,
            .machineMin = listener->config->machineMin,
        },
        .stop = &stopping,
        .sigmask = &listener->sigmask,
    };
    int errnum = 0;

    if (!identityBecome(id, &err)) {
        daemonWarning("session", "%s", err->message);
        sessionRefuse(client, err->code, err->message, errnum);
        return 1;
    }

    daemonInfo("session", "client: user %u, group %u, process %d%s", id->uid, id->gid,
               (int) id->pid, readonly ? ", read-only" : "");

    paths = upstreamPaths(name, opts->system, readonly, &err);
    if (paths)
        session.upstream = upstreamConnect((const char *const *) paths, own,
                                           upstreamMayStart(name, opts->system),
                                           &errnum, &err);
    if (session.upstream < 0) {
        daemonInfo("session", "%s", err->message);
        sessionRefuse(client, err->code, err->message, errnum);
        return 1;
    }

    listenerLetEnd(FALSE);
    return sessionRun(&session) ? 0 : 1;
}


/* In the process of a client's own. */
static void
listenerPrepareChild(Listener *listener)
{
    listenerSetSignal(SIGCHLD, SIG_DFL);
    listenerSetSignal(SIGHUP, SIG_IGN);
    /* Only SIGSTOP stops it, and then the listener kills it. */
    listenerSetSignal(SIGTSTP, SIG_IGN);
    listenerSetSignal(SIGTTIN, SIG_IGN);
    listenerSetSignal(SIGTTOU, SIG_IGN);
    stopping = 0;
    listenerLetEnd(TRUE);
    listenerClose(listener, FALSE);
    definitionServiceForget(listener->definitions);
}


/* Gives CLIENT a process, which serves it or, if there is a REFUSAL, tells it that. */
static gboolean
listenerFork(Listener *listener,
             int client,
             const Identity *id,
             gboolean readonly,
             const GError *refusal)
{
    g_autoptr(GError) err = NULL;
    int definitions = -1;
    pid_t pid;

    if (!refusal) {
        definitions = definitionServiceAddPeer(listener->definitions, id, readonly);
        if (definitions < 0) {
            emulatedPCIReportError(&err, VIR_ERR_INTERNAL_ERROR, "%s",
                                   _("the daemon has no descriptors left"));
            refusal = err;
        }
    }

    pid = fork();
    if (pid == 0) {
        int status = 1;

        listenerPrepareChild(listener);
        if (!refusal)
            status = listenerServe(listener, client, id, definitions, readonly);
        else if (identityBecome(id, NULL))
            sessionRefuse(client, refusal->code, refusal->message, 0);

        /* Nothing is to be cleaned up that the end of the process does not. */
        _exit(status);
    }

    if (pid < 0)
        daemonError("listener", "fork: %s", g_strerror(errno));
    else
        clientTableAdd(listener->clients, pid, id->uid, refusal != NULL);
    if (definitions >= 0)
        close(definitions);
    return pid > 0;
}


/* --- the loop --- */

/* No client is taken for a while. */
static void
listenerPause(Listener *listener)
{
    listener->pausedUntil = g_get_monotonic_time() + LISTENER_PAUSE * 1000LL;
}


/* CLIENT gets a process if its user may have one more. */
static void
listenerAdmit(Listener *listener, int client, gboolean readonly)
{
    g_auto(Identity) id = { 0 };
    g_autoptr(GError) err = NULL;

    if (!identityOfPeer(client, &id, &err)) {
        daemonWarning("listener", "%s", err->message);
        return;
    }

    if (!clientTableAdmits(listener->clients, id.uid, (guint) listener->config->maxClients, &err)) {
        daemonInfo("listener", "%s", err->message);
        if (clientTableRefusals(listener->clients) >= CLIENT_REFUSALS_MAX)
            return;
    }
    if (!listenerFork(listener, client, &id, readonly, err))
        listenerPause(listener);
}


static gboolean
listenerIsFull(const Listener *listener)
{
    return clientTableSize(listener->clients) >= (guint) listener->config->maxClients ||
        listener->pausedUntil > 0;
}


static void
listenerAccept(Listener *listener, const ListenerSocket *sock)
{
    /* A few at a time, so that children are reaped in between. */
    int i;

    for (i = 0; i < 16 && !listenerIsFull(listener); i++) {
        int client = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC);

        if (client < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
                daemonWarning("listener", "accept: %s", g_strerror(errno));
                listenerPause(listener);
            }
            return;
        }
        listenerAdmit(listener, client, sock->readonly);
        close(client);
    }
}


/* A process of ours has stopped. It has its client's user, who can send it SIGSTOP: it would keep
 * its connection, a lock or a place in a queue for ever. */
static void
listenerKillStopped(pid_t pid, int sig)
{
    daemonWarning("listener", "process %d was stopped by signal %d: it is killed", (int) pid, sig);
    kill(pid, SIGKILL);
}


static void
listenerReap(Listener *listener)
{
    pid_t pid;
    int status;

    reaping = 0;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status))
            listenerKillStopped(pid, WSTOPSIG(status));
        else if (!clientTableRemove(listener->clients, pid))
            definitionServiceReaped(listener->definitions, pid);
        else if (WIFSIGNALED(status))
            daemonError("listener", "process %d of a client was killed by signal %d",
                        (int) pid, WTERMSIG(status));
    }
    if (clientTableIsEmpty(listener->clients))
        listener->idleSince = g_get_monotonic_time();
}


/* Whom the definitions' service asks, as the configuration says, whose upstream is valid. */
static void
listenerSetUpstream(Listener *listener)
{
    const ListenerOptions *opts = listener->opts;
    const char *name = listener->config->upstream;
    GStrv paths = upstreamPaths(name, opts->system, FALSE, NULL);

    definitionServiceSetLauncher(listener->definitions, opts->launchDir, opts->qemuDir);
    definitionServiceSetUpstream(listener->definitions, paths, opts->path,
                              upstreamMayStart(name, opts->system));
}


static gboolean
listenerLoadDefinitions(Listener *listener, GError **err)
{
    listenerSetUpstream(listener);
    return definitionServiceLoad(listener->definitions, listener->opts->builtinDir,
                              listener->config->definitionsDir, err);
}


/* A client takes a descriptor as long as it is connected. */
static void
listenerRaiseLimit(const DaemonConfig *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t) config->maxClients + LISTENER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = MIN(limit.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &limit);
}


/* Takes the configuration as it is now. Everything that can fail comes first, so that on
 * failure all is as it was. */
static gboolean
listenerTakeConfig(Listener *listener, GError **err)
{
    const ListenerOptions *opts = listener->opts;
    g_autoptr(DaemonConfig) config = listenerReadConfig(opts, err);
    g_autoptr(Catalog) catalog = NULL;
    g_autoptr(DaemonLog) logs = NULL;

    if (!config)
        return FALSE;
    catalog = definitionServiceRead(opts->builtinDir, config->definitionsDir, err);
    if (!catalog)
        return FALSE;
    logs = daemonLogPrepare(config->logLevel, config->logFilters, config->logOutputs, err);
    if (!logs || !listenerSetAllAccess(listener, config, err))
        return FALSE;

    daemonLogUse(g_steal_pointer(&logs));
    daemonConfigFree(listener->config);
    listener->config = g_steal_pointer(&config);
    listenerRaiseLimit(listener->config);
    listenerSetUpstream(listener);
    definitionServiceReplace(listener->definitions, g_steal_pointer(&catalog));
    return TRUE;
}


static void
listenerReload(Listener *listener)
{
    g_autoptr(GError) err = NULL;

    reloading = 0;
    daemonSystemdNotify("RELOADING=1");
    if (listenerTakeConfig(listener, &err))
        daemonInfo("listener", "configuration loaded");
    else
        daemonError("listener", "configuration not loaded: %s", err->message);
    daemonSystemdNotify("READY=1");
}


/* Ms until the timeout ends us; -1: it does not. */
static int
listenerTimeout(const Listener *listener)
{
    gint64 left;

    /* Transient definitions would be gone. */
    if (listener->opts->timeout <= 0 || !clientTableIsEmpty(listener->clients) ||
        definitionServiceHasTransient(listener->definitions))
        return -1;
    left = listener->idleSince + listener->opts->timeout * G_USEC_PER_SEC -
        g_get_monotonic_time();
    return left <= 0 ? 0 : (int) (left / 1000 + 1);
}


static int
listenerPoll(Listener *listener, struct pollfd *fds, int nfds, int timeout)
{
    struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };

    return ppoll(fds, nfds, timeout < 0 ? NULL : &ts, &listener->sigmask);
}


static int
listenerSooner(int timeout, int other)
{
    return timeout < 0 || (other >= 0 && other < timeout) ? other : timeout;
}


/* Ms until something is to be done though nothing has come; -1: never. */
static int
listenerWait(const Listener *listener)
{
    int wait = listenerSooner(listenerTimeout(listener), definitionServiceTimeout(listener->definitions));

    if (listener->pausedUntil == 0)
        return wait;
    return listenerSooner(wait, (int) (MAX(0, listener->pausedUntil - g_get_monotonic_time()) /
                                       1000 + 1));
}


static void
listenerSetEvents(const Listener *listener, struct pollfd *fds)
{
    gboolean full = listenerIsFull(listener);
    int i;

    for (i = 0; i < listener->nsockets; i++)
        fds[i] = (struct pollfd) { full ? -1 : listener->sockets[i].fd, POLLIN, 0 };
    fds[i] = (struct pollfd) { definitionServiceFD(listener->definitions), POLLIN, 0 };
}


static void
listenerLoop(Listener *listener)
{
    struct pollfd fds[LISTENER_SOCKETS_MAX + 1] = { 0 };
    int i;

    while (!stopping) {
        int rc;

        listenerSetEvents(listener, fds);
        rc = listenerPoll(listener, fds, listener->nsockets + 1, listenerWait(listener));
        if (rc < 0 && errno != EINTR) {
            daemonError("listener", "poll: %s", g_strerror(errno));
            return;
        }
        if (rc == 0 && listenerTimeout(listener) == 0) {
            daemonInfo("listener", "no client for %d s", listener->opts->timeout);
            return;
        }
        if (listener->pausedUntil > 0 && g_get_monotonic_time() >= listener->pausedUntil)
            listener->pausedUntil = 0;

        if (reaping)
            listenerReap(listener);
        if (reloading)
            listenerReload(listener);
        if ((rc > 0 && fds[listener->nsockets].revents) ||
            definitionServiceTimeout(listener->definitions) >= 0)
            definitionServiceDispatch(listener->definitions);
        for (i = 0; rc > 0 && !stopping && i < listener->nsockets; i++) {
            if (fds[i].revents)
                listenerAccept(listener, &listener->sockets[i]);
        }
    }
}


/* Lets calls in flight finish, for a while. */
static void
listenerStop(Listener *listener)
{
    gint64 deadline = g_get_monotonic_time() + LISTENER_GRACE * 1000LL;
    struct pollfd pfd = { .fd = definitionServiceFD(listener->definitions), .events = POLLIN };
    pid_t pid;

    daemonSystemdNotify("STOPPING=1");
    listenerClose(listener, TRUE);
    clientTableKill(listener->clients, SIGTERM);

    while (TRUE) {
        gint64 left;

        listenerReap(listener);
        left = (deadline - g_get_monotonic_time()) / 1000;
        if (clientTableIsEmpty(listener->clients))
            return;
        if (left <= 0)
            break;
        listenerPoll(listener, &pfd, 1,
                     listenerSooner((int) left + 1, definitionServiceTimeout(listener->definitions)));
        definitionServiceDispatch(listener->definitions);
    }

    daemonWarning("listener", "%u clients' calls did not end in %d s",
                  clientTableSize(listener->clients), LISTENER_GRACE / 1000);
    clientTableKill(listener->clients, SIGKILL);
    definitionServiceStop(listener->definitions);
    while ((pid = waitpid(-1, NULL, 0)) > 0 || errno == EINTR)
        definitionServiceReaped(listener->definitions, pid);
}


static void
listenerSetSignals(Listener *listener)
{
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &listener->sigmask);
    sigdelset(&listener->sigmask, SIGTERM);
    sigdelset(&listener->sigmask, SIGINT);
    sigdelset(&listener->sigmask, SIGHUP);
    sigdelset(&listener->sigmask, SIGCHLD);

    listenerSetSignal(SIGTERM, listenerSignal);
    listenerSetSignal(SIGINT, listenerSignal);
    listenerSetSignal(SIGHUP, listenerSignal);
    listenerSetSignal(SIGCHLD, listenerSignal);
    listenerSetSignal(SIGPIPE, SIG_IGN);
}


/* What the catalog has to say, such as that a file is damaged. */
static void
listenerLogWarning(const char *domain G_GNUC_UNUSED,
                   GLogLevelFlags level G_GNUC_UNUSED,
                   const char *message,
                   void *opaque G_GNUC_UNUSED)
{
    daemonError("catalog", "%s", message);
}


int
listenerRun(const ListenerOptions *opts, DaemonConfig *config)
{
    Listener listener = { .opts = opts, .config = config };
    g_autoptr(GError) err = NULL;

    listener.clients = clientTableNew(opts->system);
    listener.idleSince = g_get_monotonic_time();
    listenerSetSignals(&listener);
    listenerRaiseLimit(config);

    listener.lock = memfd_create("virtemulatedpcid-locks", MFD_CLOEXEC);
    if (listener.lock < 0) {
        daemonError("listener", "memfd_create: %s", g_strerror(errno));
        return 1;
    }

    g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, listenerLogWarning, NULL);
    listener.definitions = definitionServiceNew(&err);
    if (!listener.definitions || !listenerLoadDefinitions(&listener, &err)) {
        daemonError("listener", "%s", err->message);
        return 1;
    }

    if (!listenerOpen(&listener, &err)) {
        daemonError("listener", "%s", err->message);
        listenerClose(&listener, TRUE);
        return 1;
    }

    daemonInfo("listener", "ready");
    daemonSystemdNotify("READY=1");
    listenerLoop(&listener);
    listenerStop(&listener);

    close(listener.lock);
    definitionServiceFree(listener.definitions);
    clientTableFree(listener.clients);
    daemonConfigFree(listener.config);
    return 0;
}
