/*
 * device_job.h: attach, detach and update of an emulated PCI device
 *
 * libvirt cannot attach what it does not know, so a device call with an
 * <emulatedpci> is done by editing the domain's persistent XML: fetched,
 * lifted, edited, lowered, defined. Calls that change one domain's persistent
 * XML exclude each other in the meantime, across all connections of a daemon:
 * device calls, undefining, defining a document that has a <uuid>, and every other call
 * that changes it (PROCEDURE_CHANGE). Only calls of a connection that libvirtd has let in
 * read-write come here, and none keeps a domain for longer than DOMAIN_LOCK_HOLD.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

/* Begins with CALL, whose header is HEADER; takes a reference of its own of
 * what it needs. The definition that deviceRequestDefinition() names is there. FALSE if
 * the call is no business of ours. */
gboolean deviceJobStart(Session *session,
                        const RPCHeader *header,
                        const Procedure *proc,
                        RPCFrame *call);

/* Sends CALL upstream, which now belongs to the job or the channel: if it
 * changes a domain's persistent XML, not while a device call changes that. */
void deviceJobForwardCall(Session *session,
                          const RPCHeader *header,
                          const Procedure *proc,
                          RPCFrame *call);

/* Whether others wait for this one. */
gboolean deviceJobIsLocked(const DeviceJob *job);

/* In how many ms deviceJobTick() is to be called, or -1. */
int deviceJobTimeout(const DeviceJob *job);

/* Goes on with the session's job if it waits for a lock, or has had it for too long. FALSE: the
 * connection has to end. */
gboolean deviceJobTick(Session *session);

void deviceJobFree(DeviceJob *job);
