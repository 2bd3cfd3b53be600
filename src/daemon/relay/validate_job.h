/*
 * validate_job.h: a document against our grammars
 *
 * libvirt's grammar takes some ten megabytes and fifty milliseconds to read,
 * so a process of its own does it while the connection goes on relaying what
 * comes from upstream; the memory is gone with it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

typedef void (*ValidateFunc)(Session *session, const RPCHeader *header, RPCFrame *call);

/* Validates the XML of the call HEADER, LEN bytes; then has VALID, which gets
 * CALL, go on, or sends an error to the client. CALL belongs to the job till
 * then. */
void validateJobStart(Session *session,
                      const RPCHeader *header,
                      const char *xml,
                      gsize len,
                      RPCFrame *call,
                      ValidateFunc valid);

/* Becomes readable when the process has ended. */
int validateJobFD(const ValidateJob *job);

/* In how many ms the process must have ended. */
int validateJobTimeout(const ValidateJob *job);

/* Takes the result of the session's job if the process has ended, which READABLE says,
 * or ends it if it has taken too long. */
void validateJobTick(Session *session, gboolean readable);

/* Ends the process. */
void validateJobFree(ValidateJob *job);

/* Limits what this process may still use: what is beyond that ends it, or lets its
 * memory requests fail. */
void validateLimit(void);

/* The work itself. SCHEMADIR holds our grammars; the root element says which
 * one is meant. */
gboolean validateDocument(const char *schemaDir, const char *xml, gsize len, GError **err);
