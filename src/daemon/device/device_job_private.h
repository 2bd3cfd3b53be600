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

/**
 * deviceJobNew:
 * @opts: the connection
 * @header: the header of the client's call
 * @uuid: the UUID of the domain, 16 bytes; copied
 *
 * Returns a new job, which is freed as a RelayJob. Never NULL.
 */
DeviceJob *deviceJobNew(const DeviceJobOptions *opts, const RPCHeader *header, const guint8 *uuid);

/**
 * deviceJobCall:
 * @job: the job
 * @procedure: the number of a procedure of the remote program
 * @payload: its arguments in XDR, copied
 * @next: called with the reply, unless the job has ended by then
 *
 * Sends a call of the job to libvirtd. A job has at most one call without a reply.
 */
void deviceJobCall(DeviceJob *job,
                   guint32 procedure,
                   const GByteArray *payload,
                   DeviceReplyFunc next);

/**
 * deviceJobFail:
 * @job: the job
 * @err: the error, which remains the caller's
 *
 * Answers the client with an error (VIR_FROM_DOMAIN) and ends the job.
 */
void deviceJobFail(DeviceJob *job, const GError *err);

/**
 * deviceJobFailWith:
 * @job: the job
 * @code: libvirt's error code
 * @message: the message, translated
 *
 * Answers the client with an error (VIR_FROM_DOMAIN) and ends the job.
 */
void deviceJobFailWith(DeviceJob *job, int code, const char *message);

/**
 * deviceJobForward:
 * @job: the job
 * @header: the header of the reply
 * @reply: the reply; the connection takes ownership
 *
 * Answers the client with libvirtd's reply and ends the job.
 */
void deviceJobForward(DeviceJob *job, const RPCHeader *header, RPCFrame *reply);

/**
 * deviceJobSucceed:
 * @job: the job
 *
 * Answers the client with success and ends the job.
 */
void deviceJobSucceed(DeviceJob *job);

/**
 * deviceJobCheck:
 * @job: the job
 * @header: the header of the reply
 * @reply: libvirtd's reply; forwarded and set to NULL if it is an error
 *
 * Forwards a reply that is an error, and ends the job then.
 *
 * Returns TRUE if the reply is a success.
 */
gboolean deviceJobCheck(DeviceJob *job, const RPCHeader *header, RPCFrame **reply);

/**
 * deviceJobReadInt:
 * @job: the job
 * @reply: libvirtd's reply, which remains the caller's
 * @value: set to the number
 *
 * Reads a reply that consists of one int. If it is malformed, the job fails with VIR_ERR_RPC.
 *
 * Returns TRUE, or FALSE if the job has ended.
 */
gboolean deviceJobReadInt(DeviceJob *job, const RPCFrame *reply, gint32 *value);

/**
 * deviceJobReadRaw:
 * @job: the job
 * @reply: libvirtd's reply, which remains the caller's
 * @len: set to the length of the XML, in bytes
 *
 * Reads a reply that consists of one string. If it is malformed, the job fails with VIR_ERR_RPC.
 *
 * Returns the string, which is not terminated and belongs to @reply, or NULL if the job has ended.
 */
const char *deviceJobReadRaw(DeviceJob *job, const RPCFrame *reply, guint *len);

/**
 * deviceJobReadXML:
 * @job: the job
 * @reply: libvirtd's reply, which remains the caller's
 *
 * Reads a reply that consists of the XML of a domain, and lifts it. If that is not possible, the
 * job fails.
 *
 * Returns the XML, to be freed with g_free(), or NULL if the job has ended.
 */
char *deviceJobReadXML(DeviceJob *job, const RPCFrame *reply);

/**
 * deviceJobLock:
 * @job: the job
 *
 * Acquires the domain's lock and calls deviceJobLocked(), now or in a later step of the job. The
 * job fails with VIR_ERR_OPERATION_TIMEOUT if that takes too long.
 */
void deviceJobLock(DeviceJob *job);

/* --- device_config.c --- */

/**
 * deviceJobConfig:
 * @job: the job
 *
 * Starts the part of the job that changes the persistent XML: acquires the lock of the domain.
 */
void deviceJobConfig(DeviceJob *job);

/**
 * deviceJobLocked:
 * @job: the job
 *
 * Continues with the domain's lock held: passes the client's call on, or requests the persistent
 * XML.
 */
void deviceJobLocked(DeviceJob *job);

/**
 * deviceJobEditInactive:
 * @job: the job
 *
 * Edits the persistent XML (the member inactive) and lowers the result (the member edited). If
 * that is not possible, the job fails.
 *
 * Returns TRUE, or FALSE if the job has ended.
 */
gboolean deviceJobEditInactive(DeviceJob *job);

/**
 * deviceJobDefine:
 * @job: the job
 *
 * Defines the domain with the edited XML, and then answers the client.
 */
void deviceJobDefine(DeviceJob *job);

/* --- device_live.c --- */

/**
 * deviceJobLive:
 * @job: the job
 *
 * Starts the part of the job that changes the running domain: requests its XML.
 */
void deviceJobLive(DeviceJob *job);

/**
 * deviceJobChangedLive:
 * @job: the job
 * @header: the header of @frame
 * @frame: libvirtd's reply to the change of the running domain; the function takes ownership
 *
 * A DeviceReplyFunc: defines the persistent XML if it has been edited, or answers the client.
 */
void deviceJobChangedLive(DeviceJob *job, const RPCHeader *header, RPCFrame *frame);

/* --- device_attach.c --- */

/**
 * deviceJobAttachLive:
 * @job: the job
 * @xml: the XML of the running domain, as libvirtd knows it; not terminated
 * @len: its length, in bytes
 *
 * Attaches the device to the running domain. If it is also attached to the persistent XML, that is
 * edited first and defined afterwards.
 */
void deviceJobAttachLive(DeviceJob *job, const char *xml, guint len);
