/*
 * session.h: one client's connection
 *
 * Runs in a process of its own with the client's identity. Relays between
 * the client and its own connection upstream; rewrites the XML that passes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

#include <glib.h>
#include <signal.h>

typedef struct {
    int client;                         /* non-blocking sockets; they stay the caller's */
    int upstream;
    int lock;                           /* file in which domains are locked, or -1 */
    int nodedev;                        /* to the listener's definitions; becomes the
                                         * session's. -1: there are none */
    const char *schemaDir;              /* our grammars */
    ProjectionOptions projection;
    const volatile sig_atomic_t *stop;  /* set by a signal: end when calls are done */
    const sigset_t *sigmask;            /* in effect while waiting */
} SessionOptions;

/* Relays until one of both closes. Returns FALSE, and has logged it, if that
 * was because of a protocol error. */
gboolean sessionRun(const SessionOptions *opts);

/* Answers the first call of a client that cannot be served with libvirt's
 * error CODE and MESSAGE. */
void sessionRefuse(int client, int code, const char *message, int errnum);
