/*
 * definition_check.h: checks that the listener makes with libvirtd
 *
 * One check finds out whether a client has read-write access to libvirtd, the other whether a
 * domain uses a definition. A separate process makes them, because the listener must not block.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "identity.h"

#include <glib.h>

/* The size of the message in a result, in bytes: a pipe accepts the result in one write. */
#define DEFINITION_CHECK_MAX 3072

typedef struct {
    const char *const *paths;   /* for upstreamConnect(): the paths of libvirtd's read-write sockets */
    const char *own;
    gboolean start;
    gboolean system;            /* libvirtd is probably the system's */
    const Identity *id;         /* the identity that the process assumes; NULL: its own */
    const char *definition;     /* the definition whose users are searched for; NULL: none */
} DefinitionCheckOptions;

/* A result, as it is written to the pipe */
typedef struct {
    int code;                           /* libvirt's error code; 0: success */
    guint users;                        /* domains that use the definition */
    char message[DEFINITION_CHECK_MAX];    /* the error message, or the names of the domains */
} DefinitionCheckResult;

/**
 * definitionCheckStart:
 * @opts: the check; not needed after the call
 * @fd: set to a descriptor that becomes readable when the process has written its
 *      DefinitionCheckResult or has died without a result; the caller closes it
 * @err: set to VIR_ERR_INTERNAL_ERROR on failure
 *
 * Forks a process that makes the check and exits.
 *
 * Returns the ID of the process, which the caller reaps, or -1 with @err set.
 */
pid_t definitionCheckStart(const DefinitionCheckOptions *opts, int *fd, GError **err);

/**
 * definitionCheckRun:
 * @opts: the check; the member id is not used
 * @result: set to the result
 *
 * Makes the check in this process, with its identity. This can block.
 */
void definitionCheckRun(const DefinitionCheckOptions *opts, DefinitionCheckResult *result);
