/*
 * device_attach.c: attaches an emulated PCI device to a running domain
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


/* Returns TRUE if the running domain has no such device, or FALSE with ERR set. */
static gboolean
deviceJobIsAbsent(const DeviceJob *job, const char *xml, guint len, GError **err)
{
    g_autofree char *lifted = NULL;
    gsize liftedLen;

    if (projectionLift(xml, len, job->projection, &lifted, &liftedLen, err) == PROJECTION_ERROR)
        return FALSE;
    return !lifted || deviceCheckAbsent(lifted, job->request.def, err);
}


void
deviceJobAttachLive(DeviceJob *job, const char *xml, guint len)
{
    const guint8 *uuid = job->domain->data + job->domain->len - 20;
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GError) err = NULL;
    g_autofree char *controller = NULL;

    if ((!job->request.once || job->config || deviceJobIsAbsent(job, xml, len, &err)) &&
        (controller = projectionLiveLower(xml, len, job->request.def, job->inactive,
                                          job->projection, &err)))
        relayMarkerCheckAttach(uuid, deviceOwnerRead(xml, len), &err);
    if (err) {
        deviceJobFail(job, err);
        return;
    }
    if (job->inactive && !deviceJobEditInactive(job))
        return;

    g_byte_array_append(payload, job->domain->data, job->domain->len);
    rpcWriteString(payload, controller, strlen(controller));
    rpcWriteU32(payload, VIR_DOMAIN_AFFECT_LIVE);
    job->asked = TRUE;
    deviceJobCall(job, PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS, payload, deviceJobChangedLive);
}
