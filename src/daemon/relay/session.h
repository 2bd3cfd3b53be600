/*
 * session.h: one client's connection
 *
 * A session runs in a separate process with the client's identity. It relays between the client and
 * its own connection to libvirtd, and rewrites XML.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

#include <glib.h>
#include <signal.h>

typedef struct {
    int client;                         /* both sockets belong to the caller */
    int upstream;
    gboolean readonly;                  /* the client came through the read-only socket */
    int lock;                           /* the file for domainLockNew(), or -1 */
    int definitions;                    /* the socket to the definitions service, which the session
                                         * owns; -1: none */
    const char *schemaDir;              /* the directory of the schemas */
    ProjectionOptions projection;
    const volatile sig_atomic_t *stop;  /* set by a signal: end when calls are done */
    const sigset_t *sigmask;            /* in effect while waiting */
} SessionOptions;

typedef struct _Session Session;

typedef enum {
    SESSION_RUNS,
    SESSION_ENDED,                      /* one side has closed, or the session was stopped */
    SESSION_BROKEN,                     /* there was an error, which is logged */
} SessionState;

/**
 * sessionNew:
 * @opts: the options; they belong to the caller and must exist, unchanged, until sessionFree()
 *
 * Returns a connection, to be freed with sessionFree(), or NULL on failure, which is logged.
 */
Session *sessionNew(const SessionOptions *opts);

/**
 * sessionFree:
 * @session: the connection, or NULL
 *
 * Frees the connection and its jobs. The sockets of @opts belong to the caller, except for the
 * member definitions.
 */
void sessionFree(Session *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, sessionFree)

/**
 * sessionStep:
 * @session: a connection that runs
 * @wait: the maximum time to wait until there is work, in ms; -1: unlimited
 *
 * Waits once and handles everything that is ready.
 *
 * Returns the state of the connection.
 */
SessionState sessionStep(Session *session, int wait);

/**
 * sessionRun:
 * @opts: see sessionNew()
 *
 * Relays until the connection ends.
 *
 * Returns TRUE, or FALSE if the reason is an error, which is logged.
 */
gboolean sessionRun(const SessionOptions *opts);

/**
 * sessionRefuse:
 * @client: the client's socket
 * @code: libvirt's error code
 * @message: the message
 * @errnum: for VIR_ERR_SYSTEM_ERROR, else 0
 *
 * Answers the first call of a client that cannot be served with an error. Waits ten
 * seconds at most for that call.
 */
void sessionRefuse(int client, int code, const char *message, int errnum);
