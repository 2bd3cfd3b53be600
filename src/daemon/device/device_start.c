/*
 * device_start.c: reads the calls that change devices and domains, and starts their jobs
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_job_private.h"
#include "emulatedpci_error.h"
#include "emulatedpci_uuid.h"
#include "rewrite.h"

#include "gettext.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#define _(s) gettext(s)

/* The flags of a device call that a job supports */
#define DEVICE_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | \
                      VIR_DOMAIN_DEVICE_MODIFY_FORCE)


static void
deviceJobGotActive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;
    gint32 active;

    if (!deviceJobCheck(job, header, &reply) ||
        !deviceJobReadInt(job, reply, &active))
        return;

    if (!job->live && !job->config) {
        job->live = active != 0;
        job->config = !active;
    }

    job->stopped = !active;
    if (job->live && !active) {
        deviceJobFailWith(job, VIR_ERR_OPERATION_INVALID, _("domain is not running"));
    } else if (job->live && job->request.op == DEVICE_UPDATE) {
        deviceJobFailWith(job, VIR_ERR_OPERATION_UNSUPPORTED,
                          _("an emulated PCI device of a running domain cannot be changed; use "
                            "--config to change it at the next start"));
    } else if (job->config) {
        deviceJobConfig(job);
    } else {
        deviceJobLive(job);
    }
}


/* Starts with the part that the flags require, or that follows from the state of the domain. */
static void
deviceJobBegin(DeviceJob *job)
{
    if (job->config && !job->live)
        deviceJobConfig(job);
    else
        deviceJobCall(job, PROCEDURE_DOMAIN_IS_ACTIVE, job->domain, deviceJobGotActive);
}


/* Returns a job for a device call. */
static DeviceJob *
deviceJobNewDevice(const DeviceJobOptions *opts,
                   const RPCHeader *header,
                   const RewriteArguments *args,
                   guint32 flags)
{
    const guint8 *domain = (const guint8 *) args->domain;
    DeviceJob *job = deviceJobNew(opts, header, domain + args->domainLen - 20);

    job->request.op = deviceRequestOperation(header->procedure);
    job->domain = g_byte_array_new();
    g_byte_array_append(job->domain, domain, args->domainLen);
    job->live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    job->config = (flags & VIR_DOMAIN_AFFECT_CONFIG) != 0;
    job->stopped = rpcGetU32(domain + args->domainLen - 4) == (guint32) -1;    /* the id of the
                                                                                * domain */
    return job;
}


/* Reads the UUID of a domain from its XML. */
static gboolean
deviceReadUUID(const char *xml, gsize len, guint8 uuid[EMULATED_PCI_UUID_SIZE])
{
    const char *start = g_strstr_len(xml, len, "<uuid>");
    const char *end = start ? g_strstr_len(start, len - (start - xml), "</uuid>") : NULL;
    g_autofree char *text = NULL;

    if (!end)
        return FALSE;

    start += strlen("<uuid>");
    text = g_strndup(start, end - start);
    return emulatedPCIUUIDParseBytes(text, uuid);
}


RelayJob *
deviceJobStartChange(const DeviceJobOptions *opts,
                     const RPCHeader *header,
                     const Procedure *proc,
                     RPCFrame *call)
{
    guint8 uuid[EMULATED_PCI_UUID_SIZE] = { 0 };
    RewriteArguments args;
    DeviceJob *job;

    if (header->type != RPC_CALL ||
        (proc->action != PROCEDURE_CHANGE &&
         header->procedure != PROCEDURE_DOMAIN_DEFINE_XML &&
         header->procedure != PROCEDURE_DOMAIN_DEFINE_XML_FLAGS) ||
        !rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args))
        return NULL;

    if (args.domain)
        memcpy(uuid, args.domain + args.domainLen - 20, sizeof(uuid));
    else if (!deviceReadUUID(args.xml, args.xmlLen, uuid))
        return NULL;

    job = deviceJobNew(opts, header, uuid);
    job->original = call;
    deviceJobLock(job);
    return &job->base;
}


/* The two calls without flags apply to the running domain. */
static guint32
deviceFlags(const Procedure *proc, const RewriteArguments *args)
{
    return strchr(proc->layout, 'f') ? args->flags : VIR_DOMAIN_AFFECT_LIVE;
}


/* Handles a call with a native device, or with an alias, which can be that of an emulated PCI
 * device. Returns NULL if libvirtd handles the call alone. */
static RelayJob *
deviceJobStartOther(const DeviceJobOptions *opts,
                    const RPCHeader *header,
                    const RewriteArguments *args,
                    guint32 flags,
                    const RPCFrame *call)
{
    gboolean byAlias = header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS;
    gboolean mayBeOurs = byAlias && args->xmlLen > 3 && memcmp(args->xml, "ua-", 3) == 0;
    DeviceJob *job;

    /* libvirt itself does everything that leaves the persistent XML alone, but an emulated PCI
     * device of a running domain can have a longer alias there, and not every one can be
     * detached. */
    if ((flags == VIR_DOMAIN_AFFECT_LIVE && !mayBeOurs) || (byAlias && flags & ~DEVICE_FLAGS))
        return NULL;

    job = deviceJobNewDevice(opts, header, args, flags);
    job->original = rpcFrameNew(g_byte_array_ref(call->bytes));
    if (mayBeOurs) {
        job->alias = g_strndup(args->xml, args->xmlLen);
        deviceJobBegin(job);
    } else {
        deviceJobLock(job);
    }
    return &job->base;
}


gboolean
deviceJobStart(const DeviceJobOptions *opts,
               const RPCHeader *header,
               const Procedure *proc,
               const RPCFrame *call,
               RelayJob **started)
{
    DeviceJob *job;
    g_auto(DeviceRequest) request = { .op = deviceRequestOperation(header->procedure) };
    g_autoptr(GError) err = NULL;
    RewriteArguments args;
    guint32 flags;

    *started = NULL;
    if (header->type != RPC_CALL ||
        !rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args) || !args.xml)
        return FALSE;

    flags = deviceFlags(proc, &args);
    if (header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS ||
        !deviceRequestParse(&request, args.xml, args.xmlLen, &err)) {
        *started = deviceJobStartOther(opts, header, &args, flags, call);
        return *started != NULL;
    }

    if (request.def && deviceRequestComplete(&request, opts->projection, &err) &&
        flags & ~DEVICE_FLAGS) {
        emulatedPCIReportError(&err, VIR_ERR_INVALID_ARG,
                               _("unsupported flags (0x%1$x) for an emulated PCI device"),
                               flags & ~DEVICE_FLAGS);
    }
    if (err) {
        opts->port->replyError(opts->port, header, VIR_FROM_DOMAIN, err);
        return TRUE;
    }

    job = deviceJobNewDevice(opts, header, &args, flags);
    job->request = request;
    request = (DeviceRequest) { 0 };
    deviceJobBegin(job);
    *started = &job->base;
    return TRUE;
}
