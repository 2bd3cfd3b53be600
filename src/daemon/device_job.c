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
#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "nodedev_message.h"
#include "nodedev_session.h"
#include "projection.h"
#include "rewrite.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

/* How often a lock is tried, in ms, and for how long. */
#define DEVICE_LOCK_INTERVAL 5
#define DEVICE_LOCK_TIMEOUT 30000

#define DEVICE_FLAGS (VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG | \
                      VIR_DOMAIN_DEVICE_MODIFY_FORCE)

struct _DeviceJob {
    RPCHeader call;
    DeviceOperation op;
    EmulatedPCIDef *def;        /* NULL: by alias, or no <emulatedpci> */
    char *alias;                /* to detach by alias */
    RPCFrame *original;         /* the call itself, for when it passes; or NULL */
    GByteArray *domain;         /* as it is on the wire */
    guint64 lockOffset;
    gboolean live;
    gboolean config;
    gboolean once;              /* attach only if there is none like it */
    gboolean stopped;           /* the domain, as far as is known */
    char *edited;               /* the lowered XML to define, or NULL */

    int lock;                   /* the session's; -1: none */
    gboolean locked;
    gint64 lockDeadline;        /* monotonic, us; 0: does not wait */
};


void
deviceJobFree(DeviceJob *job)
{
    if (!job)
        return;

    if (job->locked) {
        struct flock lock = {
            .l_type = F_UNLCK, .l_whence = SEEK_SET,
            .l_start = (off_t) job->lockOffset, .l_len = 1,
        };

        fcntl(job->lock, F_SETLK, &lock);
    }
    emulatedPCIDefFree(job->def);
    rpcFrameFree(job->original);
    if (job->domain)
        g_byte_array_unref(job->domain);
    g_free(job->alias);
    g_free(job->edited);
    g_free(job);
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
    sessionCall(session, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, payload, deviceJobDefined, NULL);
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
    sessionCall(session, PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS, payload, deviceJobDetached, NULL);
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
    job->alias = deviceFindAlias(xml, job->def, &err);
    if (!job->alias)
        deviceJobFail(session, err);
    else
        deviceJobDetachLive(session);
}


static void
deviceJobLive(Session *session)
{
    g_autoptr(GByteArray) payload = NULL;

    if (!session->device->def) {
        deviceJobDetachLive(session);
        return;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, session->device->domain->data, session->device->domain->len);
    rpcWriteU32(payload, 0);
    sessionCall(session, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotLive, NULL);
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
    sessionCall(session, session->device->call.procedure, payload, deviceJobPassed, NULL);
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
    if (job->once && !deviceCheckAbsent(xml, job->def, &err)) {
        deviceJobFail(session, err);
        return;
    }

    edited = job->def ? deviceEdit(xml, job->op, job->def, &err) :
        deviceRemoveAlias(xml, job->alias, &err);
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

    if (!job->def && !job->alias) {
        deviceJobPass(session);
        return;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteU32(payload, job->stopped ? VIR_DOMAIN_XML_SECURE :
                VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    sessionCall(session, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotInactive, NULL);
}


/* --- the lock: a byte of the session's file, by the domain's UUID ---
 *
 * A record lock belongs to the process and ends with it; every connection is a
 * process. Two domains that share a byte merely wait for each other. */

static void
deviceJobLock(Session *session)
{
    DeviceJob *job = session->device;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET,
        .l_start = (off_t) job->lockOffset, .l_len = 1,
    };

    if (job->lock < 0 || job->locked || fcntl(job->lock, F_SETLK, &lock) == 0) {
        job->locked = job->lock >= 0;
        job->lockDeadline = 0;
        deviceJobLocked(session);
        return;
    }

    if (errno != EAGAIN && errno != EACCES) {
        g_autofree char *message = g_strdup_printf(_("cannot lock the domain: %1$s"),
                                                   g_strerror(errno));
        deviceJobFailWith(session, VIR_ERR_INTERNAL_ERROR, message);
        return;
    }

    if (job->lockDeadline == 0)
        job->lockDeadline = g_get_monotonic_time() + DEVICE_LOCK_TIMEOUT * 1000LL;
    else if (g_get_monotonic_time() > job->lockDeadline)
        deviceJobFailWith(session, VIR_ERR_OPERATION_TIMEOUT,
                          _("another device call on the domain does not end"));
}


int
deviceJobTimeout(const DeviceJob *job)
{
    return job->lockDeadline ? DEVICE_LOCK_INTERVAL : -1;
}


void
deviceJobTick(Session *session)
{
    if (session->device->lockDeadline)
        deviceJobLock(session);
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
        sessionCall(session, PROCEDURE_DOMAIN_IS_PERSISTENT, session->device->domain,
                    deviceJobGotPersistent, NULL);
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
    } else if (job->live && job->op == DEVICE_ATTACH) {
        deviceJobFailWith(session, VIR_ERR_OPERATION_UNSUPPORTED,
                          _("an emulated PCI device cannot be attached to a running domain; "
                            "with --config it is there from the next start on"));
    } else if (job->live && job->op == DEVICE_UPDATE) {
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
        sessionCall(session, PROCEDURE_DOMAIN_IS_ACTIVE, job->domain, deviceJobGotActive, NULL);
}


static DeviceOperation
deviceOperation(guint32 procedure)
{
    switch (procedure) {
    case PROCEDURE_DOMAIN_ATTACH_DEVICE:
    case PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS:
        return DEVICE_ATTACH;
    case PROCEDURE_DOMAIN_UPDATE_DEVICE_FLAGS:
        return DEVICE_UPDATE;
    default:
        return DEVICE_DETACH;
    }
}


/* The byte of the lock file that stands for the domain of that UUID. */
static guint64
deviceLockOffset(const guint8 *uuid)
{
    return ((guint64) rpcGetU32(uuid) << 30 ^ rpcGetU32(uuid + 4) ^
            (guint64) rpcGetU32(uuid + 8) << 15 ^ rpcGetU32(uuid + 12)) &
        G_GINT64_CONSTANT(0x3fffffffffffffff);
}


static DeviceJob *
deviceJobNew(Session *session, const RPCHeader *header, guint64 lockOffset)
{
    DeviceJob *job = g_new0(DeviceJob, 1);

    job->call = *header;
    job->lock = session->opts->lock;
    job->lockOffset = lockOffset;
    return job;
}


static DeviceJob *
deviceJobNewDevice(Session *session,
                   const RPCHeader *header,
                   const RewriteArguments *args,
                   guint32 flags)
{
    const guint8 *domain = (const guint8 *) args->domain;
    DeviceJob *job = deviceJobNew(session, header,
                                  deviceLockOffset(domain + args->domainLen - 20));

    job->op = deviceOperation(header->procedure);
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
        (proc->action != PROCEDURE_UNDEFINE &&
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

    session->device = deviceJobNew(session, header, deviceLockOffset(uuid));
    session->device->original = call;
    deviceJobLock(session);
}


/* Takes the attribute "once" off ROOT, an element to attach. */
static gboolean
deviceTakeOnce(xmlNodePtr root, gboolean *once, GError **err)
{
    xmlAttrPtr attr = xmlHasProp(root, BAD_CAST "once");
    xmlChar *value = attr ? xmlNodeGetContent((xmlNodePtr) attr) : NULL;

    if (!value)
        return TRUE;

    *once = strcmp((char *) value, "yes") == 0;
    if (!*once && strcmp((char *) value, "no") != 0) {
        g_autofree char *quoted = emulatedPCIErrorQuote((char *) value);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' of attribute 'once' of <emulatedpci>: "
                                 "must be 'yes' or 'no'"), quoted);
        xmlFree(value);
        return FALSE;
    }
    xmlFree(value);
    xmlRemoveProp(attr);
    return TRUE;
}


static gboolean
deviceIsEmulated(const xmlChar *root)
{
    return root && strcmp((const char *) root, "emulatedpci") == 0;
}


/* Whether XML, which is not what we accept, would nevertheless be an <emulatedpci>:
 * nothing behind the root's name is read, no entity least of all. Other devices, and
 * what is not well-formed before that, are libvirt's to complain about. */
static gboolean
deviceMeansEmulated(const char *xml, gsize len)
{
    gboolean yes = FALSE;
    xmlTextReaderPtr reader;

    if (len > G_MAXINT)
        return FALSE;
    reader = xmlReaderForMemory(xml, (int) len, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!reader)
        return FALSE;
    while (xmlTextReaderRead(reader) == 1) {
        if (xmlTextReaderNodeType(reader) == XML_READER_TYPE_ELEMENT) {
            yes = deviceIsEmulated(xmlTextReaderConstLocalName(reader));
            break;
        }
    }
    xmlFreeTextReader(reader);
    return yes;
}


/* FALSE: XML is another device. Else DEF is the element to attach, detach or
 * update, or NULL with ERR set. */
static gboolean
deviceParse(const char *xml, gsize len, DeviceOperation op, EmulatedPCIDef **def,
            gboolean *once, GError **err)
{
    g_autoptr(GError) failure = NULL;
    gboolean emulated;
    xmlDocPtr doc;

    if (!g_strstr_len(xml, len, "emulatedpci"))
        return FALSE;

    doc = emulatedPCIXMLParse(xml, len, EMULATED_PCI_XML_MAX, "device.xml", &failure);
    if (!doc) {
        emulated = deviceMeansEmulated(xml, len);
        if (emulated)
            g_propagate_error(err, g_steal_pointer(&failure));
        return emulated;
    }

    emulated = deviceIsEmulated(xmlDocGetRootElement(doc)->name);
    if (emulated && (op != DEVICE_ATTACH ||
                     deviceTakeOnce(xmlDocGetRootElement(doc), once, err)))
        *def = emulatedPCIDefParseNode(xmlDocGetRootElement(doc), err);
    xmlFreeDoc(doc);
    return emulated;
}


/* Gives DEF what its definition has and itself has not, and validates it. To
 * detach, a definition's name is enough. */
static gboolean
deviceComplete(Session *session, DeviceOperation op, EmulatedPCIDef *def, GError **err)
{
    if (op == DEVICE_DETACH && def->needsDefinition) {
        const EmulatedPCIDef *from;

        if (g_str_has_prefix(def->definition, NODEDEV_PREFIX))
            return TRUE;

        /* by its uuid: domains have the name */
        from = nodedevSessionDefinition(def->definition, session, err);
        if (!from)
            return FALSE;
        g_free(def->definition);
        def->definition = g_strdup(from->definition);
        return TRUE;
    }
    return projectionResolve(def, &session->projection, err) && emulatedPCIDefValidate(def, err);
}


gboolean
deviceJobStart(Session *session,
               const RPCHeader *header,
               const Procedure *proc,
               RPCFrame *call)
{
    const DeviceOperation op = deviceOperation(header->procedure);
    gboolean byAlias = header->procedure == PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS;
    gboolean once = FALSE;
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autoptr(GError) err = NULL;
    RewriteArguments args;
    guint32 flags;

    if (header->type != RPC_CALL ||
        !rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args) || !args.xml)
        return FALSE;

    /* The two calls without flags are for the running domain. */
    flags = strchr(proc->layout, 'f') ? args.flags : VIR_DOMAIN_AFFECT_LIVE;
    if (byAlias || !deviceParse(args.xml, args.xmlLen, op, &def, &once, &err)) {
        /* A live device by its alias is libvirt's to detach, whatever it is,
         * and so is what does not touch the persistent XML. */
        if (flags == VIR_DOMAIN_AFFECT_LIVE || (byAlias && flags & ~DEVICE_FLAGS))
            return FALSE;
        session->device = deviceJobNewDevice(session, header, &args, flags);
        session->device->original = rpcFrameNew(g_byte_array_ref(call->bytes));
        if (byAlias && args.xmlLen > 3 && memcmp(args.xml, "ua-", 3) == 0) {
            session->device->alias = g_strndup(args.xml, args.xmlLen);
            deviceJobBegin(session);
        } else {
            deviceJobLock(session);
        }
        return TRUE;
    }

    if (!def || !deviceComplete(session, op, def, &err)) {
        if (nodedevSessionWants(session))
            return FALSE;
        sessionReplyError(session, header, err);
        return TRUE;
    }
    if (flags & ~DEVICE_FLAGS) {
        emulatedPCIReportError(&err, VIR_ERR_INVALID_ARG,
                               _("unsupported flags (0x%1$x) for an emulated PCI device"),
                               flags & ~DEVICE_FLAGS);
        sessionReplyError(session, header, err);
        return TRUE;
    }

    session->device = deviceJobNewDevice(session, header, &args, flags);
    session->device->def = g_steal_pointer(&def);
    session->device->once = once;
    deviceJobBegin(session);
    return TRUE;
}
