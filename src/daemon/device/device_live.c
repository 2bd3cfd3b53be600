/*
 * device_live.c: changes a running domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_edit.h"
#include "device_job_private.h"
#include "device_owner.h"
#include "procedures.h"
#include "projection_live.h"
#include "relay_marker.h"
#include "rpc_xdr.h"

#include <libvirt/libvirt.h>
#include <string.h>


void
deviceJobChangedLive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;

    if (!deviceJobCheck(job, header, &reply))
        return;

    if (job->edited)
        deviceJobDefine(job);
    else
        deviceJobSucceed(job);
}


static void
deviceJobDetachLive(DeviceJob *job)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteString(payload, job->alias, strlen(job->alias));
    rpcWriteU32(payload, VIR_DOMAIN_AFFECT_LIVE);
    deviceJobCall(job, PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS, payload, deviceJobChangedLive);
}


/* Checks that QEMU survives the removal of the device ALIAS from the running domain XML. QEMU 11.1
 * aborts when it unplugs a vfio-user-pci device with MSI-X. A server (<driver socket='…'/>) often
 * has MSI-X, and only the domain's relay can find out. Returns FALSE with ERR set. */
static gboolean
deviceJobCheckDetach(const DeviceJob *job, const char *xml, const char *alias, GError **err)
{
    const guint8 *uuid = job->domain->data + job->domain->len - 20;
    gboolean server;

    return deviceHasServer(xml, alias, &server, err) &&
        (!server || relayMarkerCheckDetach(uuid, deviceOwnerRead(xml, strlen(xml)), alias, err));
}


static void
deviceJobGotLive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(GError) err = NULL;
    g_autofree char *xml = NULL;
    g_autofree char *alias = NULL;
    const char *raw;
    guint len;

    if (!deviceJobCheck(job, header, &reply) ||
        !(raw = deviceJobReadRaw(job, reply, &len)))
        return;
    if (job->request.op == DEVICE_ATTACH) {
        deviceJobAttachLive(job, raw, len);
        return;
    }
    if (!(xml = deviceJobReadXML(job, reply)))
        return;

    alias = job->request.def ? deviceFindAlias(xml, job->request.def, &err) : g_strdup(job->alias);
    if (!alias || !deviceJobCheckDetach(job, xml, alias, &err)) {
        deviceJobFail(job, err);
        return;
    }
    g_free(job->alias);
    job->alias = projectionLiveFindAlias(raw, len, alias);
    deviceJobDetachLive(job);
}


void
deviceJobLive(DeviceJob *job)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteU32(payload, 0);
    deviceJobCall(job, PROCEDURE_DOMAIN_GET_XML_DESC, payload, deviceJobGotLive);
}
