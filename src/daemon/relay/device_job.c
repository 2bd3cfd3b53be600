/*
 * device_job.c: attach, detach and update of an emulated PCI device
 *
 *     is it active?  -- is it persistent?  -- lock -- fetch the inactive XML --
 *     edit -- (detach live) -- define -- reply
 *
 * with the live part alone: is it active? -- fetch the live XML -- detach by
 * alias -- reply; with the persistent part alone, of a domain that the client saw
 * stopped: lock -- fetch the XML -- edit -- define -- reply, since a stopped
 * domain is a persistent one. If its XML shows that it runs, it begins again.
 * A device call without an <emulatedpci> that changes the
 * persistent XML takes the lock too, then passes; and so do calls that define
 * or undefine a domain, whose work would be undone between fetch and define.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "device_edit.h"
#include "device_job.h"
#include "device_machine.h"
#include "device_request.h"
#include "domain_lock.h"
#include "emulatedpci_error.h"
#include "projection.h"
#include "rewrite.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/libvirt.h>
#include <string.h>

#define _(s) gettext(s)

#define DEVICE_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | \
                      VIR_DOMAIN_DEVICE_MODIFY_FORCE)

struct _DeviceJob {
    guint id;                   /* replies to calls of earlier jobs are dropped */
    RPCHeader call;
    DeviceRequest request;      /* without a device: by alias, or no <emulatedpci> */
    char *alias;                /* to detach by alias */
    RPCFrame *original;         /* the call itself, for when it passes; or NULL */
    GByteArray *domain;         /* as it is on the wire */
    gboolean live;
    gboolean config;
    gboolean stopped;           /* the domain, as far as is known */
    char *edited;               /* the lowered XML to define, or NULL */
    DomainLock *lock;
    gboolean asked;             /* libvirtd has been asked to change the domain */
    SessionReplyFunc next;      /* gets the reply to the job's call */
};


void
deviceJobFree(DeviceJob *job)
{
    if (!job)
        return;

    domainLockFree(job->lock);
    deviceRequestClear(&job->request);
    rpcFrameFree(job->original);
    if (job->domain)
        g_byte_array_unref(job->domain);
    g_free(job->alias);
    g_free(job->edited);
    g_free(job);
}


/* The reply to a call of the job OPAQUE, which may have failed in the meantime. */
static void
deviceJobReply(Session *session, const RPCHeader *header, RPCFrame *reply, void *opaque)
{
    DeviceJob *job = session->device;

    if (job && job->id == GPOINTER_TO_UINT(opaque))
        job->next(session, header, reply, NULL);
    else
        rpcFrameFree(reply);
}


/* Makes a call of the job's. */
static void
deviceJobCall(Session *session,
              guint32 procedure,
              const GByteArray *payload,
              SessionReplyFunc next)
{
    session->device->next = next;
    sessionCall(session, procedure, payload, deviceJobReply, GUINT_TO_POINTER(session->device->id));
}


static void
deviceJobEnd(Session *session)
{
    deviceJobFree(g_steal_pointer(&session->device));
}


static void
deviceJobFail(Session *session, const GError *err)
{
    sessionReplyError(session, &session->device->call, err);
    deviceJobEnd(session);
}


static void
deviceJobFailWith(Session *session, int code, const char *message)
{
    g_autoptr(GError) err = NULL;

    emulatedPCIReportError(&err, code, "%s", message);
    deviceJobFail(session, err);
}


/* Answers the client with a reply that was to us. */
static void
deviceJobForward(Session *session, RPCFrame *reply)
{
    sessionForward(session, &session->device->call, reply);
    deviceJobEnd(session);
}


static void
deviceJobSucceed(Session *session)
{
    sessionReply(session, &session->device->call, NULL);
    deviceJobEnd(session);
}


/* Whether REPLY is one of success; else it went to the client. */
static gboolean
deviceJobCheck(Session *session, const RPCHeader *header, RPCFrame **reply)
{
    if (header->status == RPC_OK)
        return TRUE;
    deviceJobForward(session, g_steal_pointer(reply));
    return FALSE;
}


/* The int that a reply consists of. */
static gboolean
deviceJobReadInt(Session *session, const RPCFrame *reply, gint32 *value)
{
    RPCReader reader;

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (rpcReadI32(&reader, value))
        return TRUE;
    deviceJobFailWith(session, VIR_ERR_RPC, _("Unable to decode message payload"));
    return FALSE;
}


/* The XML that a reply consists of, lifted; or NULL, and the job has failed. */
static char *
deviceJobReadXML(Session *session, const RPCFrame *reply)
{
    g_autofree char *lifted = NULL;
    g_autoptr(GError) err = NULL;
    RPCReader reader;
    const char *xml;
    gsize liftedLen;
    guint len;

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &xml, &len)) {
        deviceJobFailWith(session, VIR_ERR_RPC, _("Unable to decode message payload"));
        return NULL;
    }

    switch (projectionLift(xml, len, &session->projection, &lifted, &liftedLen, &err)) {
    case PROJECTION_ERROR:
        deviceJobFail(session, err);
        return NULL;
    case PROJECTION_UNCHANGED:
        return g_strndup(xml, len);
    case PROJECTION_CHANGED:
        break;
    }
    return g_steal_pointer(&lifted);
}


/* --- the last steps --- */

static void
deviceJobDefined(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;

    (void) opaque;
    if (deviceJobCheck(session, header, &reply))
        deviceJobSucceed(session);
}


static void
deviceJobDefine(Session *session)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    const char *xml = session->device->edited;

    rpcWriteString(payload, xml, strlen(xml));
    rpcWriteU32(payload, 0);
    session->device->asked = TRUE;
    deviceJobCall(session, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, payload, deviceJobDefined);
}


static void
deviceJobDetached(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;

    (void) opaque;
    if (!deviceJobCheck(session, header, &reply))
        return;

    if (session->device->edited)
        deviceJobDefine(session);
    else
        deviceJobSucceed(session);
}


static void
deviceJobDetachLive(Session *session)
{
    const DeviceJob *job = session->device;
    g_autoptr(GByteArray) payload = g_byte_array_new();

    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteString(payload, job->alias, strlen(job->alias));
    rpcWriteU32(payload, VIR_DOMAIN_AFFECT_LIVE);
    deviceJobCall(session, PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS, payload, deviceJobDetached);
}


/* --- the live XML --- */

static void
deviceJobGotLive(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    DeviceJob *job = session->device;
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GError) err = NULL;
    g_autofree char *xml = NULL;

    (void) opaque;
    if (!deviceJobCheck(session, header, &reply) ||
        !(xml = deviceJobReadXML(session, reply)))
        return;

    g_free(job->alias);
    job->alias = deviceFindAlias(xml, job->request.def, &err);
    if (!job->alias)
        deviceJobFail(session, err);
    else
        deviceJobDetachLive(session);
}


static void
deviceJobLive(Session *session)
{
    g_autoptr(GByteArray) payload = NULL;

    if (!session->device->request.def) {
        deviceJobDetachLive(session);
        return;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, session->device->domain->data, session->device->domain->len);
    rpcWriteU32(payload, 0);
    deviceJobCall(session, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotLive);
}


/* --- the persistent XML --- */

static void
deviceJobPassed(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    (void) header;
    (void) opaque;
    deviceJobForward(session, frame);
}


/* Sends the client's call as it came, under a serial of ours: the reply ends
 * the lock. */
static void
deviceJobPass(Session *session)
{
    const GByteArray *bytes = session->device->original->bytes;
    g_autoptr(GByteArray) payload = g_byte_array_new();

    g_byte_array_append(payload, bytes->data + RPC_HEADER_SIZE, bytes->len - RPC_HEADER_SIZE);
    session->device->asked = TRUE;
    deviceJobCall(session, session->device->call.procedure, payload, deviceJobPassed);
}


/* The edited document, which deviceEdit() or deviceRemoveAlias() made. */
static gboolean
deviceJobLower(Session *session, char **edited)
{
    DeviceJob *job = session->device;
    g_autoptr(GError) err = NULL;
    ProjectionOptions projection = session->projection;
    gsize len;

    /* What upstream shows has its machine type's real name. */
    projection.machine = NULL;
    /* What is left may be no good with this QEMU; less of it is no worse. */
    if (job->request.op == DEVICE_DETACH)
        projection.program = NULL;
    switch (projectionLower(*edited, strlen(*edited), &projection,
                            &job->edited, &len, &err)) {
    case PROJECTION_ERROR:
        deviceJobFail(session, err);
        return FALSE;
    case PROJECTION_UNCHANGED:
        job->edited = g_steal_pointer(edited);
        return TRUE;
    case PROJECTION_CHANGED:
        return TRUE;
    default:
        g_return_val_if_reached(FALSE);
    }
}


static void deviceJobConfig(Session *session);


/* Whether XML, as libvirt formats it, is that of a running domain. */
static gboolean
deviceXMLIsActive(const char *xml)
{
    const char *root = strstr(xml, "<domain ");
    const char *end = root ? strchr(root, '>') : NULL;

    return end && g_strstr_len(root, end - root, " id='");
}


/* The domain's XML with the change; NULL, without ERR set, if it has no device of that
 * alias. */
static char *
deviceJobEdit(const DeviceJob *job, const char *xml, GError **err)
{
    g_autofree char *raised = NULL;

    if (!job->request.def)
        return deviceRemoveAlias(xml, job->alias, err);
    if (!job->request.machine)
        return deviceEdit(xml, job->request.op, job->request.def, err);

    raised = deviceMachineRaise(xml, job->request.machine, err);
    return raised ? deviceEdit(raised, job->request.op, job->request.def, err) : NULL;
}


static void
deviceJobGotInactive(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    DeviceJob *job = session->device;
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GError) err = NULL;
    g_autofree char *xml = NULL;
    g_autofree char *edited = NULL;

    (void) opaque;
    if (!deviceJobCheck(session, header, &reply) ||
        !(xml = deviceJobReadXML(session, reply)))
        return;

    if (job->stopped && deviceXMLIsActive(xml)) {
        job->stopped = FALSE;
        deviceJobConfig(session);
        return;
    }
    if (job->request.once && !deviceCheckAbsent(xml, job->request.def, &err)) {
        deviceJobFail(session, err);
        return;
    }

    edited = deviceJobEdit(job, xml, &err);
    if (!edited) {
        if (err)
            deviceJobFail(session, err);
        else
            deviceJobPass(session);     /* an alias of another device's */
        return;
    }

    if (!deviceJobLower(session, &edited))
        return;
    if (job->live)
        deviceJobLive(session);
    else
        deviceJobDefine(session);
}


static void
deviceJobLocked(Session *session)
{
    DeviceJob *job = session->device;
    g_autoptr(GByteArray) payload = NULL;

    if (!job->request.def && !job->alias) {
        deviceJobPass(session);
        return;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteU32(payload, job->stopped ? VIR_DOMAIN_XML_SECURE :
                VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    deviceJobCall(session, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotInactive);
}


/* --- the lock --- */

static void
deviceJobLock(Session *session)
{
    DeviceJob *job = session->device;
    g_autoptr(GError) err = NULL;
    const int rc = domainLockTry(job->lock, &err);

    if (rc > 0)
        deviceJobLocked(session);
    else if (rc < 0)
        deviceJobFail(session, err);
}


gboolean
deviceJobIsLocked(const DeviceJob *job)
{
    return domainLockIsHeld(job->lock);
}


int
deviceJobTimeout(const DeviceJob *job)
{
    return domainLockTimeout(job->lock);
}


gboolean
deviceJobTick(Session *session)
{
    DeviceJob *job = session->device;

    if (!domainLockIsHeld(job->lock)) {
        if (domainLockTimeout(job->lock) >= 0)
            deviceJobLock(session);
        return TRUE;
    }
    if (!domainLockHasExpired(job->lock))
        return TRUE;

    /* What has not been sent must not be sent without the lock. */
    if (rpcChannelInjected(session->toServer) > 0) {
        daemonWarning("session", "call %u cannot be sent to libvirtd while others wait for the "
                      "domain: the connection ends", job->call.serial);
        return FALSE;
    }
    daemonWarning("session", "call %u of procedure %u keeps a domain for more than %d s",
                  job->call.serial, job->call.procedure, DOMAIN_LOCK_HOLD / 1000);
    domainLockRelease(job->lock);
    if (!job->asked)
        deviceJobFailWith(session, VIR_ERR_OPERATION_TIMEOUT,
                          _("timed out waiting for libvirtd"));
    return TRUE;
}


/* --- the first steps --- */

static void
deviceJobGotPersistent(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    gint32 persistent;

    (void) opaque;
    if (!deviceJobCheck(session, header, &reply) ||
        !deviceJobReadInt(session, reply, &persistent))
        return;

    if (!persistent)
        deviceJobFailWith(session, VIR_ERR_OPERATION_INVALID,
                          _("transient domains do not have any persistent config"));
    else
        deviceJobLock(session);
}


/* Begins with what is for the persistent XML only. */
static void
deviceJobConfig(Session *session)
{
    if (session->device->stopped)
        deviceJobLock(session);
    else
        deviceJobCall(session, PROCEDURE_DOMAIN_IS_PERSISTENT, session->device->domain,
                    deviceJobGotPersistent);
}


static void
deviceJobGotActive(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    DeviceJob *job = session->device;
    g_autoptr(RPCFrame) reply = frame;
    gint32 active;

    (void) opaque;
    if (!deviceJobCheck(session, header, &reply) ||
        !deviceJobReadInt(session, reply, &active))
        return;

    if (!job->live && !job->config) {
        job->live = active != 0;
        job->config = !active;
    }

    job->stopped = !active;
    if (job->live && !active) {
        deviceJobFailWith(session, VIR_ERR_OPERATION_INVALID, _("domain is not running"));
    } else if (job->live && job->request.op == DEVICE_ATTACH) {
        deviceJobFailWith(session, VIR_ERR_OPERATION_UNSUPPORTED,
                          _("an emulated PCI device cannot be attached to a running domain; "
                            "with --config it is there from the next start on"));
    } else if (job->live && job->request.op == DEVICE_UPDATE) {
        deviceJobFailWith(session, VIR_ERR_OPERATION_UNSUPPORTED,
                          _("an emulated PCI device of a running domain cannot be changed; "
                            "with --config it is changed from the next start on"));
    } else if (job->config) {
        deviceJobConfig(session);
    } else {
        deviceJobLive(session);
    }
}


/* Begins with what the flags and the state of the domain say. */
static void
deviceJobBegin(Session *session)
{
    const DeviceJob *job = session->device;

    if (job->config && !job->live)
        deviceJobConfig(session);
    else
        deviceJobCall(session, PROCEDURE_DOMAIN_IS_ACTIVE, job->domain, deviceJobGotActive);
}


/* UUID is the domain's. */
static DeviceJob *
deviceJobNew(const Session *session, const RPCHeader *header, const guint8 *uuid)
{
    static guint ids;
    DeviceJob *job = g_new0(DeviceJob, 1);

    job->id = ++ids;
    job->call = *header;
    job->lock = domainLockNew(session->opts->lock, uuid);
    return job;
}


static DeviceJob *
deviceJobNewDevice(Session *session,
                   const RPCHeader *header,
                   const RewriteArguments *args,
                   guint32 flags)
{
    const guint8 *domain = (const guint8 *) args->domain;
    DeviceJob *job = deviceJobNew(session, header, domain + args->domainLen - 20);

    job->request.op = deviceRequestOperation(header->procedure);
    job->domain = g_byte_array_new();
    g_byte_array_append(job->domain, domain, args->domainLen);
    job->live = (flags & VIR_DOMAIN_AFFECT_LIVE) != 0;
    job->config = (flags & VIR_DOMAIN_AFFECT_CONFIG) != 0;
    job->stopped = rpcGetU32(domain + args->domainLen - 4) == (guint32) -1;    /* its id */
    return job;
}


/* The UUID that a domain's XML begins with, in libvirt's form. */
static gboolean
deviceReadUUID(const char *xml, gsize len, guint8 uuid[16])
{
    const char *text = g_strstr_len(xml, len, "<uuid>");
    const char *end = xml + len;
    int digits = 0;

    if (!text)
        return FALSE;

    for (text += strlen("<uuid>"); text < end && digits < 32; text++) {
        if (*text == '-' || g_ascii_isspace(*text))
            continue;
        if (!g_ascii_isxdigit(*text))
            return FALSE;
        uuid[digits / 2] = (guint8) (uuid[digits / 2] << 4 | g_ascii_xdigit_value(*text));
        digits++;
    }
    return digits == 32;
}


void
deviceJobForwardCall(Session *session,
                     const RPCHeader *header,
                     const Procedure *proc,
                     RPCFrame *call)
{
    guint8 uuid[16] = { 0 };
    RewriteArguments args;

    if (header->type != RPC_CALL ||
        (proc->action != PROCEDURE_CHANGE &&
         header->procedure != PROCEDURE_DOMAIN_DEFINE_XML &&
         header->procedure != PROCEDURE_DOMAIN_DEFINE_XML_FLAGS) ||
        !rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args)) {
        rpcChannelInject(session->toServer, call);
        return;
    }

    if (args.domain) {
        memcpy(uuid, args.domain + args.domainLen - 20, sizeof(uuid));
    } else if (!deviceReadUUID(args.xml, args.xmlLen, uuid)) {
        rpcChannelInject(session->toServer, call);
        return;
    }

    session->device = deviceJobNew(session, header, uuid);
    session->device->original = call;
    deviceJobLock(session);
}


/* The two calls without flags are for the running domain. */
static guint32
deviceFlags(const Procedure *proc, const RewriteArguments *args)
{
    return strchr(proc->layout, 'f') ? args->flags : VIR_DOMAIN_AFFECT_LIVE;
}


/* A device that is none of ours, or an alias, which may be of one of ours. FALSE: libvirtd
 * does it alone. */
static gboolean
deviceJobStartOther(Session *session,
                    const RPCHeader *header,
                    const RewriteArguments *args,
                    guint32 flags,
                    RPCFrame *call)
{
    gboolean byAlias = header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS;

    /* A live device by its alias is libvirt's to detach, whatever it is,
     * and so is what does not touch the persistent XML. */
    if (flags == VIR_DOMAIN_AFFECT_LIVE || (byAlias && flags & ~DEVICE_FLAGS))
        return FALSE;

    session->device = deviceJobNewDevice(session, header, args, flags);
    session->device->original = rpcFrameNew(g_byte_array_ref(call->bytes));
    if (byAlias && args->xmlLen > 3 && memcmp(args->xml, "ua-", 3) == 0) {
        session->device->alias = g_strndup(args->xml, args->xmlLen);
        deviceJobBegin(session);
    } else {
        deviceJobLock(session);
    }
    return TRUE;
}


gboolean
deviceJobStart(Session *session,
               const RPCHeader *header,
               const Procedure *proc,
               RPCFrame *call)
{
    g_auto(DeviceRequest) request = { .op = deviceRequestOperation(header->procedure) };
    g_autoptr(GError) err = NULL;
    RewriteArguments args;
    guint32 flags;

    if (header->type != RPC_CALL ||
        !rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args) || !args.xml)
        return FALSE;

    flags = deviceFlags(proc, &args);
    if (header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS ||
        !deviceRequestParse(&request, args.xml, args.xmlLen, &err))
        return deviceJobStartOther(session, header, &args, flags, call);

    if (request.def && deviceRequestComplete(&request, &session->projection, &err) &&
        flags & ~DEVICE_FLAGS) {
        emulatedPCIReportError(&err, VIR_ERR_INVALID_ARG,
                               _("unsupported flags (0x%1$x) for an emulated PCI device"),
                               flags & ~DEVICE_FLAGS);
    }
    if (err) {
        sessionReplyError(session, header, err);
        return TRUE;
    }

    session->device = deviceJobNewDevice(session, header, &args, flags);
    session->device->request = request;
    request = (DeviceRequest) { 0 };
    deviceJobBegin(session);
    return TRUE;
}
