/*
 * device_job_private.h: shared by the files of a device job
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "device_job.h"
#include "device_request.h"
#include "domain_lock.h"

typedef struct _DeviceJob DeviceJob;
typedef struct _DeviceReply DeviceReply;

struct _DeviceJob {
    RelayJob base;
    RelayPort *port;
    const ProjectionOptions *projection;
    DeviceReply *pending;       /* the job's call that has no reply yet, or NULL */
    RPCHeader call;             /* of the client's call */
    DeviceRequest request;      /* without a device: by alias, or no <emulatedpci> */
    char *alias;                /* of the device to detach, or NULL */
    RPCFrame *original;         /* the client's call, to be passed on; or NULL */
    GByteArray *domain;         /* remote_nonnull_domain, in XDR */
    gboolean live;
    gboolean config;
    gboolean stopped;           /* whether the domain is stopped, as far as known */
    char *inactive;             /* the persistent XML, lifted, until it is edited; or NULL */
    char *edited;               /* the lowered XML to define, or NULL */
    DomainLock *lock;
    gboolean asked;             /* libvirtd has been asked to change the domain */
};

/* Goes on with JOB. REPLY, whose header is HEADER, now belongs to the function. */
typedef void (*DeviceReplyFunc)(DeviceJob *job, const RPCHeader *header, RPCFrame *reply);

/* --- device_job.c --- */

/* Returns a job for the client's call HEADER about the domain with that UUID (16 bytes). */
DeviceJob *deviceJobNew(const DeviceJobOptions *opts, const RPCHeader *header, const guint8 *uuid);

/* Sends a call of the job; NEXT gets the reply, unless the job has ended by then. A job has one
 * call at a time. */
void deviceJobCall(DeviceJob *job,
                   guint32 procedure,
                   const GByteArray *payload,
                   DeviceReplyFunc next);

/* These four answer the client and end the job: with an error, with libvirtd's REPLY (which now
 * belongs to the connection), or with success. */
void deviceJobFail(DeviceJob *job, const GError *err);
void deviceJobFailWith(DeviceJob *job, int code, const char *message);
void deviceJobForward(DeviceJob *job, const RPCHeader *header, RPCFrame *reply);
void deviceJobSucceed(DeviceJob *job);

/* Returns whether REPLY is a success. If not, it has been forwarded, and the job has ended. */
gboolean deviceJobCheck(DeviceJob *job, const RPCHeader *header, RPCFrame **reply);

/* Reads a reply that is one int. FALSE: it is malformed, and the job has failed. */
gboolean deviceJobReadInt(DeviceJob *job, const RPCFrame *reply, gint32 *value);

/* Returns the XML of a reply that is one string and has LEN bytes. It belongs to the reply. NULL:
 * the job has failed. */
const char *deviceJobReadRaw(DeviceJob *job, const RPCFrame *reply, guint *len);

/* Returns the lifted XML of a reply that is one string; NULL: the job has failed. */
char *deviceJobReadXML(DeviceJob *job, const RPCFrame *reply);

/* Takes the domain's lock, now or when it is free, and then calls deviceJobLocked(). */
void deviceJobLock(DeviceJob *job);

/* --- device_config.c --- */

/* Starts the part that changes the persistent XML. */
void deviceJobConfig(DeviceJob *job);

/* Goes on with the domain's lock held. */
void deviceJobLocked(DeviceJob *job);

/* Edits the persistent XML, job->inactive. FALSE: the job has failed. */
gboolean deviceJobEditInactive(DeviceJob *job);

/* Defines the domain with the edited XML. */
void deviceJobDefine(DeviceJob *job);

/* --- device_live.c --- */

/* Starts the part that changes the running domain. */
void deviceJobLive(DeviceJob *job);

/* Goes on after libvirtd has changed the running domain. */
void deviceJobChangedLive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame);

/* --- device_attach.c --- */

/* Attaches the device to the running domain XML, of LEN bytes, and after that to the persistent
 * one, if it is to be there, too. */
void deviceJobAttachLive(DeviceJob *job, const char *xml, guint len);
