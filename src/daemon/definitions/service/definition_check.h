/*
 * definition_check.h: questions to upstream that the listener asks for itself
 *
 * May this client change what libvirt keeps? Does any domain use that
 * definition? A process of its own asks, since the listener waits for nobody.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "identity.h"

#include <glib.h>

/* Of the result; less than a pipe takes at once. */
#define DEFINITION_CHECK_MAX 3072

typedef struct {
    const char *const *paths;   /* for upstreamConnect(): upstream's read-write sockets */
    const char *own;
    gboolean start;
    gboolean system;            /* it is the system's, likely */
    const Identity *id;         /* as whom; NULL: as ourselves */
    const char *definition;     /* whose users are looked for; NULL: none */
} DefinitionCheckOptions;

/* A result, as it is written to the pipe */
typedef struct {
    int code;                           /* libvirt's, if that failed; else 0 */
    guint users;                        /* domains that use the definition */
    char message[DEFINITION_CHECK_MAX];    /* why it failed, or the domains' names */
} DefinitionCheckResult;

/* Returns the process, or -1 with ERR set. *FD becomes readable when it has written its
 * DefinitionCheckResult, or has died without. */
pid_t definitionCheckStart(const DefinitionCheckOptions *opts, int *fd, GError **err);

/* The question itself, in this process; identity aside. */
void definitionCheckRun(const DefinitionCheckOptions *opts, DefinitionCheckResult *result);
