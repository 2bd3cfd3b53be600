/*
 * validate_job.h: validates a document by the project's schema
 *
 * Reading libvirt's schema takes about ten megabytes and fifty milliseconds. A separate process
 * does it while the connection relays libvirtd's replies; its memory is freed when it exits.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "relay_job.h"

/* Handles the result of a validation: ERR is NULL if the document is valid. It stays the
 * caller's. */
typedef void (*ValidateFunc)(const GError *err, void *opaque);

/**
 * validateJobStart:
 * @schemaDir: directory of our schema
 * @xml: the document, not terminated; needed only during this call
 * @len: its length in bytes
 * @done: called once from the job's step(), after which the job has ended
 * @opaque: for @done
 * @err: set to VIR_ERR_INTERNAL_ERROR on failure
 *
 * Starts a process that validates the document. It is killed after VALIDATE_TIMEOUT ms, or when
 * the job is freed.
 *
 * Returns a new job, or NULL with ERR set.
 */
RelayJob *validateJobStart(const char *schemaDir,
                           const char *xml,
                           gsize len,
                           ValidateFunc done,
                           void *opaque,
                           GError **err);

/**
 * validateLimit:
 *
 * Limits the memory and the processor time that this process may use from now on. A process that
 * exceeds the limit of time is killed; beyond the limit of memory, allocations fail. If a limit
 * cannot be set, the process exits with status 1.
 */
void validateLimit(void);

/**
 * validateDocument:
 * @schemaDir: directory of our schema
 * @xml: the document, not terminated
 * @len: its length in bytes
 * @err: set to VIR_ERR_XML_INVALID_SCHEMA if it is not valid, to VIR_ERR_XML_ERROR if it cannot
 *       be read
 *
 * Validates a document; its root element selects the schema.
 *
 * Returns TRUE, or FALSE with ERR set.
 */
gboolean validateDocument(const char *schemaDir, const char *xml, gsize len, GError **err);
