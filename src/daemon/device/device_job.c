/*
 * device_job.c: attach, detach and update of an emulated PCI device
 *
 *     is it active?  -- is it persistent?  -- lock -- fetch the inactive XML --
 *     edit -- (detach live) -- define -- reply
 *
 * To change only the running domain: is it active? -- fetch the live XML -- detach by alias --
 * reply. To change only the persistent XML of a domain that the client saw stopped: lock -- fetch
 * the XML -- edit -- define -- reply, because a stopped domain is persistent. If its XML shows that
 * it runs, the job begins again. A device call without an <emulatedpci> that changes the persistent
 * XML takes the lock too, then passes; so do calls that define or undefine a domain, whose work
 * would be undone between fetch and define.
 *
 * This file has the job itself, its calls and its lock; device_start.c begins a job,
 * device_config.c changes the persistent XML, device_live.c the running domain.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "device_job_private.h"
#include "emulatedpci_error.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)

/* A call of a job that has no reply yet */
struct _DeviceReply {
    DeviceJob *job;             /* NULL: it has ended in the meantime */
    DeviceReplyFunc next;
};


/* --- calls and replies --- */

static void
deviceJobGotReply(const RPCHeader *header, RPCFrame *reply, void *opaque)
{
    g_autofree DeviceReply *expected = opaque;
    DeviceJob *job = expected->job;

    if (!job || job->base.ended) {
        rpcFrameFree(reply);
        return;
    }
    job->pending = NULL;
    expected->next(job, header, reply);
}


void
deviceJobCall(DeviceJob *job, guint32 procedure, const GByteArray *payload, DeviceReplyFunc next)
{
    DeviceReply *expected = g_new0(DeviceReply, 1);

    expected->job = job;
    expected->next = next;
    job->pending = expected;
    job->port->call(job->port, procedure, payload, deviceJobGotReply, expected, g_free);
}


static void
deviceJobEnd(DeviceJob *job)
{
    job->base.ended = TRUE;
    job->base.othersWait = FALSE;
}


void
deviceJobFail(DeviceJob *job, const GError *err)
{
    job->port->replyError(job->port, &job->call, VIR_FROM_DOMAIN, err);
    deviceJobEnd(job);
}


void
deviceJobFailWith(DeviceJob *job, int code, const char *message)
{
    g_autoptr(GError) err = NULL;

    emulatedPCIReportError(&err, code, "%s", message);
    deviceJobFail(job, err);
}


void
deviceJobForward(DeviceJob *job, const RPCHeader *header, RPCFrame *reply)
{
    job->port->forward(job->port, &job->call, header, reply);
    deviceJobEnd(job);
}


void
deviceJobSucceed(DeviceJob *job)
{
    job->port->reply(job->port, &job->call, NULL);
    deviceJobEnd(job);
}


gboolean
deviceJobCheck(DeviceJob *job, const RPCHeader *header, RPCFrame **reply)
{
    if (header->status == RPC_OK)
        return TRUE;
    deviceJobForward(job, header, g_steal_pointer(reply));
    return FALSE;
}


gboolean
deviceJobReadInt(DeviceJob *job, const RPCFrame *reply, gint32 *value)
{
    RPCReader reader;

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (rpcReadI32(&reader, value))
        return TRUE;
    deviceJobFailWith(job, VIR_ERR_RPC, _("Unable to decode message payload"));
    return FALSE;
}


const char *
deviceJobReadRaw(DeviceJob *job, const RPCFrame *reply, guint *len)
{
    RPCReader reader;
    const char *xml;

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (rpcReadString(&reader, RPC_STRING_MAX, &xml, len))
        return xml;
    deviceJobFailWith(job, VIR_ERR_RPC, _("Unable to decode message payload"));
    return NULL;
}


char *
deviceJobReadXML(DeviceJob *job, const RPCFrame *reply)
{
    g_autofree char *lifted = NULL;
    g_autoptr(GError) err = NULL;
    gsize liftedLen;
    guint len;
    const char *xml = deviceJobReadRaw(job, reply, &len);

    if (!xml)
        return NULL;

    switch (projectionLift(xml, len, job->projection, &lifted, &liftedLen, &err)) {
    case PROJECTION_ERROR:
        deviceJobFail(job, err);
        return NULL;
    case PROJECTION_UNCHANGED:
        return g_strndup(xml, len);
    case PROJECTION_CHANGED:
        break;
    }
    return g_steal_pointer(&lifted);
}


/* --- the lock --- */

void
deviceJobLock(DeviceJob *job)
{
    g_autoptr(GError) err = NULL;
    const int rc = domainLockTry(job->lock, &err);

    if (rc > 0) {
        job->base.othersWait = TRUE;
        deviceJobLocked(job);
    } else if (rc < 0) {
        deviceJobFail(job, err);
    }
}


static int
deviceJobDeadline(const RelayJob *base)
{
    return domainLockTimeout(((const DeviceJob *) base)->lock);
}


/* Handles a job that has held the lock for too long. UNSENT: its call has not been sent yet. */
static gboolean
deviceJobExpire(DeviceJob *job, gboolean unsent)
{
    /* A call that has not been sent must not be sent without the lock. */
    if (unsent) {
        daemonWarning("session", "call %u cannot be sent to libvirtd while others wait for the "
                      "domain: the connection ends", job->call.serial);
        return FALSE;
    }
    daemonWarning("session", "call %u of procedure %u keeps a domain for more than %d s",
                  job->call.serial, job->call.procedure, DOMAIN_LOCK_HOLD / 1000);
    domainLockRelease(job->lock);
    job->base.othersWait = FALSE;
    if (!job->asked)
        deviceJobFailWith(job, VIR_ERR_OPERATION_TIMEOUT, _("timed out waiting for libvirtd"));
    return TRUE;
}


static gboolean
deviceJobStep(RelayJob *base, guint events)
{
    DeviceJob *job = (DeviceJob *) base;

    if (domainLockHasExpired(job->lock))
        return deviceJobExpire(job, (events & RELAY_JOB_UNSENT) != 0);
    if (!domainLockIsHeld(job->lock) && domainLockTimeout(job->lock) >= 0)
        deviceJobLock(job);
    return TRUE;
}


/* --- the job --- */

static void
deviceJobFree(RelayJob *base)
{
    DeviceJob *job = (DeviceJob *) base;

    if (job->pending)
        job->pending->job = NULL;
    domainLockFree(job->lock);
    deviceRequestClear(&job->request);
    rpcFrameFree(job->original);
    if (job->domain)
        g_byte_array_unref(job->domain);
    g_free(job->alias);
    g_free(job->inactive);
    g_free(job->edited);
    g_free(job);
}


static const RelayJobOps deviceJobOps = {
    .deadline = deviceJobDeadline,
    .step = deviceJobStep,
    .free = deviceJobFree,
};


DeviceJob *
deviceJobNew(const DeviceJobOptions *opts, const RPCHeader *header, const guint8 *uuid)
{
    DeviceJob *job = g_new0(DeviceJob, 1);

    job->base.ops = &deviceJobOps;
    job->port = opts->port;
    job->projection = opts->projection;
    job->call = *header;
    job->lock = domainLockNew(opts->lock, uuid);
    return job;
}
