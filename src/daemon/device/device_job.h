/*
 * device_job.h: attach, detach and update of an emulated PCI device
 *
 * libvirt cannot attach a device that it does not know. A device call with an <emulatedpci> is
 * done by editing the domain's persistent XML, which is fetched, lifted, edited, lowered and
 * defined. Meanwhile, other calls that change the persistent XML of the same domain wait, on all
 * connections of a daemon: device calls, undefining, defining a document that has a <uuid>, and
 * every other call that changes it (PROCEDURE_CHANGE). Only calls of a connection that libvirtd
 * has let in read-write come here, and none locks a domain for longer than DOMAIN_LOCK_HOLD.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "procedures.h"
#include "projection.h"
#include "relay_job.h"
#include "relay_port.h"

typedef struct {
    RelayPort *port;            /* both must outlive the job */
    const ProjectionOptions *projection;
    int lock;                   /* file for domainLockNew(), or -1 */
} DeviceJobOptions;

/**
 * deviceJobStart:
 * @opts: the connection
 * @header: header of the client's call
 * @proc: its procedure
 * @call: the call, which stays the caller's; the definition that deviceRequestDefinition() names
 *        has been fetched
 * @started: set to the new job, or to NULL if there is nothing left to do
 *
 * Starts the work for a call that attaches, detaches or updates a device.
 *
 * Returns FALSE if libvirtd can do the call alone.
 */
gboolean deviceJobStart(const DeviceJobOptions *opts,
                        const RPCHeader *header,
                        const Procedure *proc,
                        const RPCFrame *call,
                        RelayJob **started);

/**
 * deviceJobStartChange:
 * @opts: the connection
 * @header: header of the client's call
 * @proc: its procedure
 * @call: the call, which belongs to the job if there is one
 *
 * Starts a job that sends the call to libvirtd with the domain's lock held.
 *
 * Returns the job, or NULL if the call does not change the persistent XML of a domain that
 * exists; then it needs no lock.
 */
RelayJob *deviceJobStartChange(const DeviceJobOptions *opts,
                               const RPCHeader *header,
                               const Procedure *proc,
                               RPCFrame *call);
