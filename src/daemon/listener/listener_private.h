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
    char *path;                 /* the file to remove at the end; NULL: systemd's socket */
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
    gint64 pausedUntil;         /* no client is accepted until this time, monotonic, us; 0: no pause */
    DefinitionService *definitions;
    EventSource definitionsSource;
    gint64 idleSince;
    sigset_t sigmask;           /* in effect while waiting */
} Listener;

/* Set by a signal when the process must stop */
extern volatile sig_atomic_t listenerStopping;

/* --- listener.c --- */

/**
 * listenerSetSignal:
 * @sig: the number of a signal
 * @handler: the handler, or SIG_DFL
 *
 * Sets the handler of a signal.
 */
void listenerSetSignal(int sig, void (*handler)(int));

/**
 * listenerSignal:
 * @sig: the number of the signal
 *
 * The signal handler of the listener and its processes: sets a flag for SIGHUP, for SIGCHLD, or
 * for the end of the process.
 */
void listenerSignal(int sig);

/* --- listener_config.c --- */

/**
 * listenerRaiseLimit:
 * @config: the configuration
 *
 * Raises the limit of open files to the number that max_clients requires, as far as the hard limit
 * allows.
 */
void listenerRaiseLimit(const DaemonConfig *config);

/**
 * listenerLoadDefinitions:
 * @listener: the listener
 * @err: set on failure
 *
 * Sets the upstream of the definitions service, and loads the definitions.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean listenerLoadDefinitions(Listener *listener, GError **err);

/**
 * listenerReload:
 * @listener: the listener
 *
 * Loads the configuration and the definitions again. On failure, which is logged, everything
 * remains unchanged.
 */
void listenerReload(Listener *listener);

/* --- listener_sockets.c --- */

/**
 * listenerOpen:
 * @listener: the listener
 * @err: set on failure
 *
 * Opens the sockets, or takes those that systemd has passed.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean listenerOpen(Listener *listener, GError **err);

/**
 * listenerClose:
 * @listener: the listener
 * @remove: whether the files of the sockets are removed, unless another process has replaced them
 *
 * Closes the sockets.
 */
void listenerClose(Listener *listener, gboolean remove);

/**
 * listenerSetAllAccess:
 * @listener: the listener
 * @config: the configuration
 * @err: set on failure
 *
 * Sets the group and the permissions of all sockets that the listener has created.
 *
 * Returns TRUE, or FALSE with @err set; then they are unchanged.
 */
gboolean listenerSetAllAccess(const Listener *listener, const DaemonConfig *config, GError **err);

/* --- listener_client.c --- */

/**
 * listenerFork:
 * @listener: the listener
 * @client: the client's socket, which stays the caller's
 * @id: the client's user
 * @readonly: whether it came through the read-only socket
 * @refusal: error for a client that is not served, or NULL
 *
 * Forks a process that serves the client, or tells it the error.
 *
 * Returns FALSE on failure, which is logged.
 */
gboolean listenerFork(Listener *listener,
                      int client,
                      const Identity *id,
                      gboolean readonly,
                      const GError *refusal);
