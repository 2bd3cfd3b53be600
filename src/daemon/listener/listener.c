/*
 * listener.c: the sockets for clients, and the processes that serve them
 *
 * Each client has a process, which is forked without exec() and therefore shares most of its memory
 * with this process. This process does not read any data from clients.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "daemon_systemd.h"
#include "listener_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The longest time that active calls may take when the service stops, in milliseconds */
#define LISTENER_GRACE 10000

/* The time until another client is accepted after a failure, in milliseconds: missing resources,
 * such as descriptors or memory, are not available again at once. */
#define LISTENER_PAUSE 1000

volatile sig_atomic_t listenerStopping;
static volatile sig_atomic_t reloading;
static volatile sig_atomic_t reaping;


void
listenerSignal(int sig)
{
    if (sig == SIGHUP)
        reloading = 1;
    else if (sig == SIGCHLD)
        reaping = 1;
    else
        listenerStopping = 1;
}


void
listenerSetSignal(int sig, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };

    sigemptyset(&action.sa_mask);
    sigaction(sig, &action, NULL);
}


/* Stops accepting clients for some time. */
static void
listenerPause(Listener *listener)
{
    listener->pausedUntil = g_get_monotonic_time() + LISTENER_PAUSE * 1000LL;
}


/* Starts a process for CLIENT if its user can have one more. */
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
    /* Only a few clients are accepted at once, so that children are reaped in between. */
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


/* Kills a child process that has stopped. The client has the same user and can send it SIGSTOP; it
 * would then keep its connection, a lock or a place in a queue forever. */
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


/* Returns the time until the daemon exits because of the timeout, in ms; -1: never. */
static int
listenerTimeout(const Listener *listener)
{
    gint64 left;

    /* Transient definitions would be lost. */
    if (listener->opts->timeout <= 0 || !clientTableIsEmpty(listener->clients) ||
        definitionServiceHasTransient(listener->definitions))
        return -1;
    left = listener->idleSince + listener->opts->timeout * G_USEC_PER_SEC -
        g_get_monotonic_time();
    return left <= 0 ? 0 : (int) (left / 1000 + 1);
}


/* Returns the time until there is work without an event, in ms; -1: never. */
static int
listenerWait(const Listener *listener)
{
    const int wait = eventSooner(listenerTimeout(listener),
                                 definitionServiceTimeout(listener->definitions));

    if (listener->pausedUntil == 0)
        return wait;
    return eventSooner(wait, eventTimeUntil(listener->pausedUntil));
}


/* Watches the sockets, unless no client can be accepted now, and the definitions. */
static gboolean
listenerWatch(Listener *listener)
{
    const gboolean full = listenerIsFull(listener);
    int i;

    for (i = 0; i < listener->nsockets; i++) {
        ListenerSocket *sock = &listener->sockets[i];

        if (!eventLoopWatch(listener->loop, &sock->source, full ? -1 : sock->fd, EPOLLIN))
            return FALSE;
    }
    return eventLoopWatch(listener->loop, &listener->definitionsSource,
                          definitionServiceFD(listener->definitions), EPOLLIN);
}


/* Does the work that the loop has waited for. */
static void
listenerWork(Listener *listener)
{
    int i;

    if (listener->pausedUntil > 0 && g_get_monotonic_time() >= listener->pausedUntil)
        listener->pausedUntil = 0;

    if (reaping)
        listenerReap(listener);
    if (reloading) {
        reloading = 0;
        listenerReload(listener);
    }
    if (listener->definitionsSource.ready || definitionServiceTimeout(listener->definitions) >= 0)
        definitionServiceDispatch(listener->definitions);
    for (i = 0; !listenerStopping && i < listener->nsockets; i++) {
        if (listener->sockets[i].source.ready)
            listenerAccept(listener, &listener->sockets[i]);
    }
}


static void
listenerLoop(Listener *listener)
{
    while (!listenerStopping) {
        int rc = -1;

        if (listenerWatch(listener))
            rc = eventLoopWait(listener->loop, listenerWait(listener), &listener->sigmask);
        if (rc < 0 && errno != EINTR) {
            daemonError("listener", "epoll: %s", g_strerror(errno));
            return;
        }
        if (rc == 0 && listenerTimeout(listener) == 0) {
            daemonInfo("listener", "no client for %d s", listener->opts->timeout);
            return;
        }
        listenerWork(listener);
    }
}


/* Waits for active calls, for a limited time. */
static void
listenerStop(Listener *listener)
{
    gint64 deadline = g_get_monotonic_time() + LISTENER_GRACE * 1000LL;
    pid_t pid;
    int i;

    daemonSystemdNotify("STOPPING=1");
    for (i = 0; i < listener->nsockets; i++)
        eventLoopRemove(listener->loop, &listener->sockets[i].source);
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
        if (listenerWatch(listener))
            eventLoopWait(listener->loop,
                          eventSooner((int) left + 1,
                                      definitionServiceTimeout(listener->definitions)),
                          &listener->sigmask);
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


/* Logs a warning of the store of definitions, for example about a damaged file. */
static void
listenerLogWarning(const char *domain G_GNUC_UNUSED,
                   GLogLevelFlags level G_GNUC_UNUSED,
                   const char *message,
                   void *opaque G_GNUC_UNUSED)
{
    daemonError("definitions", "%s", message);
}


/* Prepares what the loop needs. Returns FALSE on failure, which is logged. */
static gboolean
listenerStart(Listener *listener)
{
    g_autoptr(GError) err = NULL;

    listener->lock = memfd_create("virtemulatedpcid-locks", MFD_CLOEXEC);
    if (listener->lock < 0) {
        daemonError("listener", "memfd_create: %s", g_strerror(errno));
        return FALSE;
    }

    g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, listenerLogWarning, NULL);
    listener->loop = eventLoopNew(&err);
    if (listener->loop)
        listener->definitions = definitionServiceNew(&err);
    if (!listener->definitions || !listenerLoadDefinitions(listener, &err)) {
        daemonError("listener", "%s", err->message);
        return FALSE;
    }

    if (!listenerOpen(listener, &err)) {
        daemonError("listener", "%s", err->message);
        listenerClose(listener, TRUE);
        return FALSE;
    }
    return TRUE;
}


int
listenerRun(const ListenerOptions *opts, DaemonConfig *config)
{
    Listener listener = { .opts = opts, .config = config };

    listener.clients = clientTableNew(opts->system);
    listener.idleSince = g_get_monotonic_time();
    listenerSetSignals(&listener);
    listenerRaiseLimit(config);
    if (!listenerStart(&listener))
        return 1;

    daemonInfo("listener", "ready");
    daemonSystemdNotify("READY=1");
    listenerLoop(&listener);
    listenerStop(&listener);

    close(listener.lock);
    definitionServiceFree(listener.definitions);
    eventLoopFree(listener.loop);
    clientTableFree(listener.clients);
    daemonConfigFree(listener.config);
    return 0;
}
