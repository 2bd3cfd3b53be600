/*
 * listener_client.c: the process of one client
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "listener_private.h"
#include "login_session.h"
#include "qemu_programs.h"
#include "session.h"
#include "upstream.h"

#include "gettext.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define _(s) gettext(s)


/* Returns the path of the socket to which CLIENT has connected, to be freed with g_free(). */
static char *
listenerOwnPath(int client)
{
    struct sockaddr_un addr = { 0 };
    socklen_t len = sizeof(addr) - 1;

    if (getsockname(client, (struct sockaddr *) &addr, &len) < 0)
        return NULL;
    return g_strdup(addr.sun_path);
}


/* While it connects to libvirtd, or waits for the call of a client that is refused, the process
 * has no work to complete, and SIGTERM ends it. */
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
    const pid_t parent = getppid();
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
        .stop = &listenerStopping,
        .sigmask = &listener->sigmask,
    };
    gboolean moved = opts->system && !readonly && loginSessionJoin(id);
    int errnum = 0;

    if (!identityBecome(id, &err)) {
        daemonWarning("session", "%s", err->message);
        sessionRefuse(client, err->code, err->message, errnum);
        return 1;
    }

    /* systemd ends the other processes of the unit with the listener. */
    if (moved && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
        return 1;

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


/* Prepares the process of a client. */
static void
listenerPrepareChild(Listener *listener)
{
    listenerSetSignal(SIGCHLD, SIG_DFL);
    listenerSetSignal(SIGHUP, SIG_IGN);
    /* Only SIGSTOP stops the process, and the listener kills it then. */
    listenerSetSignal(SIGTSTP, SIG_IGN);
    listenerSetSignal(SIGTTIN, SIG_IGN);
    listenerSetSignal(SIGTTOU, SIG_IGN);
    listenerStopping = 0;
    listenerLetEnd(TRUE);
    /* The descriptors are only closed, because removing a source would remove it for the listener,
     * too. */
    eventLoopFree(listener->loop);
    listenerClose(listener, FALSE);
    definitionServiceForget(listener->definitions);
}


/* Starts a process for CLIENT, which serves it, or reports the error REFUSAL. */
gboolean
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
                                   _("too many open file descriptors of the daemon"));
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

        /* All resources are freed when the process exits. */
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
