/*
 * device_job.h: attach, detach and update of an emulated PCI device
 *
 * libvirt cannot attach what it does not know, so a device call with an
 * <emulatedpci> is done by editing the domain's persistent XML: fetched,
 * lifted, edited, lowered, defined. Calls that change one domain's persistent
 * XML exclude each other in the meantime, across all connections of a daemon:
 * device calls, undefining, and defining a document that has a <uuid>.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

/* Begins with CALL, whose header is HEADER; takes a reference of its own of
 * what it needs. FALSE if the call is no business of ours, or if
 * nodedevSessionWants() what it refers to: then it is to be begun again. */
gboolean deviceJobStart(Session *session,
                        const RPCHeader *header,
                        const Procedure *proc,
                        RPCFrame *call);

/* Sends CALL upstream, which now belongs to the job or the channel: if it
 * defines or undefines a domain, not while a device call changes that. */
void deviceJobForwardCall(Session *session,
                          const RPCHeader *header,
                          const Procedure *proc,
                          RPCFrame *call);

/* In how many ms deviceJobTick() is to be called, or -1. */
int deviceJobTimeout(const DeviceJob *job);

/* Goes on with the session's job if it waits for a lock. */
void deviceJobTick(Session *session);

void deviceJobFree(DeviceJob *job);
