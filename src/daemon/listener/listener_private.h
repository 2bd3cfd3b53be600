/*
 * listener_private.h: shared by the files of the listener
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "client_table.h"
#include "definition_service.h"
#include "event_loop.h"
#include "identity.h"
#include "listener.h"

#include <signal.h>
#include <sys/types.h>

#define LISTENER_SOCKETS_MAX 4

typedef struct {
    int fd;
    EventSource source;
    gboolean readonly;
    char *path;                 /* to unlink in the end; NULL: systemd's */
    dev_t dev;
    ino_t ino;
} ListenerSocket;

typedef struct {
    const ListenerOptions *opts;
    DaemonConfig *config;
    EventLoop *loop;
    ListenerSocket sockets[LISTENER_SOCKETS_MAX];
    int nsockets;
    int lock;                   /* for domainLockNew() */
    ClientTable *clients;
    gint64 pausedUntil;         /* no client is taken until then, monotonic, us; 0: they are */
    DefinitionService *definitions;
    EventSource definitionsSource;
    gint64 idleSince;
    sigset_t sigmask;           /* in effect while waiting */
} Listener;

/* Set by a signal: the process is to stop. */
extern volatile sig_atomic_t listenerStopping;

/* --- listener.c --- */

/* Sets the handler of the signal SIG; listenerSignal() is the listener's own. */
void listenerSetSignal(int sig, void (*handler)(int));
void listenerSignal(int sig);

/* --- listener_config.c --- */

/* Raises the limit of open files to what CONFIG requires, as far as that is allowed. */
void listenerRaiseLimit(const DaemonConfig *config);

/* Loads the definitions. Returns FALSE with ERR set on failure. */
gboolean listenerLoadDefinitions(Listener *listener, GError **err);

/* Loads the configuration and the definitions again. On failure, which is logged, everything stays
 * as it was. */
void listenerReload(Listener *listener);

/* --- listener_sockets.c --- */

/* Opens the sockets, or takes those of systemd. Returns FALSE with ERR set on failure. */
gboolean listenerOpen(Listener *listener, GError **err);

/* Closes the sockets, and with REMOVE removes those that are still ours. */
void listenerClose(Listener *listener, gboolean remove);

/* Gives the sockets owner and mode as in CONFIG. On failure ERR is set, and all sockets are as
 * they were. */
gboolean listenerSetAllAccess(const Listener *listener, const DaemonConfig *config, GError **err);

/* --- listener_client.c --- */

/* listenerFork:
 * @listener: the listener
 * @client: the client's socket, which stays the caller's
 * @id: the client's user
 * @readonly: whether it came through the read-only socket
 * @refusal: error for a client that is not served, or NULL
 *
 * Forks a process that serves the client, or tells it the error.
 *
 * Returns FALSE on failure, which is logged. */
gboolean listenerFork(Listener *listener,
                      int client,
                      const Identity *id,
                      gboolean readonly,
                      const GError *refusal);
