/*
 * device_config.c: changes the persistent XML of a domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_edit.h"
#include "device_job_private.h"
#include "device_machine.h"
#include "emulatedpci_error.h"
#include "procedures.h"
#include "projection.h"
#include "rpc_xdr.h"

#include "gettext.h"

#include <libvirt/libvirt.h>
#include <string.h>

#define _(s) gettext(s)


static void
deviceJobDefined(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;

    if (deviceJobCheck(job, header, &reply))
        deviceJobSucceed(job);
}


void
deviceJobDefine(DeviceJob *job)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    const char *xml = job->edited;

    rpcWriteString(payload, xml, strlen(xml));
    rpcWriteU32(payload, 0);
    job->asked = TRUE;
    deviceJobCall(job, PROCEDURE_DOMAIN_DEFINE_XML_FLAGS, payload, deviceJobDefined);
}


static void
deviceJobPassed(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    deviceJobForward(job, header, frame);
}


/* Sends the client's call unchanged, but with a serial of the relay, so that the lock is held
 * until the reply. */
static void
deviceJobPass(DeviceJob *job)
{
    const GByteArray *bytes = job->original->bytes;
    g_autoptr(GByteArray) payload = g_byte_array_new();

    g_byte_array_append(payload, bytes->data + RPC_HEADER_SIZE, bytes->len - RPC_HEADER_SIZE);
    job->asked = TRUE;
    deviceJobCall(job, job->call.procedure, payload, deviceJobPassed);
}


/* Lowers the document that deviceEdit() or deviceRemoveAlias() has created. Returns FALSE if the
 * job has failed. */
static gboolean
deviceJobLower(DeviceJob *job, char **edited)
{
    g_autoptr(GError) err = NULL;
    ProjectionOptions projection = *job->projection;
    gsize len;

    /* libvirtd's XML contains the canonical name of the machine type. */
    projection.machine = NULL;
    /* A device can be detached even if this QEMU does not support the others. */
    if (job->request.op == DEVICE_DETACH)
        projection.program = NULL;
    switch (projectionLower(*edited, strlen(*edited), &projection,
                            &job->edited, &len, &err)) {
    case PROJECTION_ERROR:
        deviceJobFail(job, err);
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


/* Returns whether XML, as libvirt formats it, is that of a running domain. */
static gboolean
deviceXMLIsActive(const char *xml)
{
    const char *root = strstr(xml, "<domain ");
    const char *end = root ? strchr(root, '>') : NULL;

    return end && g_strstr_len(root, end - root, " id='");
}


/* Returns the domain's XML with the change; NULL without ERR set if it has no device with this
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


gboolean
deviceJobEditInactive(DeviceJob *job)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *edited = deviceJobEdit(job, job->inactive, &err);

    if (!edited) {
        deviceJobFail(job, err);
        return FALSE;
    }
    return deviceJobLower(job, &edited);
}


static void
deviceJobGotInactive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GError) err = NULL;
    g_autofree char *xml = NULL;
    g_autofree char *edited = NULL;

    if (!deviceJobCheck(job, header, &reply) ||
        !(xml = deviceJobReadXML(job, reply)))
        return;

    if (job->stopped && deviceXMLIsActive(xml)) {
        job->stopped = FALSE;
        deviceJobConfig(job);
        return;
    }
    if (job->request.once && !deviceCheckAbsent(xml, job->request.def, &err)) {
        deviceJobFail(job, err);
        return;
    }

    /* The alias has to be unused in the running domain, too. */
    if (job->live && job->request.op == DEVICE_ATTACH) {
        job->inactive = g_steal_pointer(&xml);
        deviceJobLive(job);
        return;
    }

    edited = deviceJobEdit(job, xml, &err);
    if (!edited) {
        if (err)
            deviceJobFail(job, err);
        else
            deviceJobPass(job);     /* the alias is that of another device */
        return;
    }

    if (!deviceJobLower(job, &edited))
        return;
    if (job->live)
        deviceJobLive(job);
    else
        deviceJobDefine(job);
}


void
deviceJobLocked(DeviceJob *job)
{
    g_autoptr(GByteArray) payload = NULL;

    if (!job->request.def && !job->alias) {
        deviceJobPass(job);
        return;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteU32(payload, job->stopped ? VIR_DOMAIN_XML_SECURE :
                VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    deviceJobCall(job, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotInactive);
}


static void
deviceJobGotPersistent(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;
    gint32 persistent;

    if (!deviceJobCheck(job, header, &reply) ||
        !deviceJobReadInt(job, reply, &persistent))
        return;

    if (!persistent)
        deviceJobFailWith(job, VIR_ERR_OPERATION_INVALID,
                          _("transient domains do not have any persistent config"));
    else
        deviceJobLock(job);
}


void
deviceJobConfig(DeviceJob *job)
{
    if (job->stopped)
        deviceJobLock(job);
    else
        deviceJobCall(job, PROCEDURE_DOMAIN_IS_PERSISTENT, job->domain,
                    deviceJobGotPersistent);
}
