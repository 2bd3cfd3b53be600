/*
 * device_request.h: the device in a call to attach, detach or update
 *
 * Parses the XML of a device call. This file does not use the connection.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "device_edit.h"
#include "procedures.h"
#include "projection.h"
#include "rpc_frame.h"

typedef struct {
    DeviceOperation op;         /* to be set before deviceRequestParse() */
    EmulatedPCIDef *def;        /* the device */
    gboolean once;              /* attach only if there is none like it */
    char *machine;              /* machine type for a domain whose own is too old; or NULL */
} DeviceRequest;

/**
 * deviceRequestClear:
 * @request: a request
 *
 * Frees the device and the machine type. The struct itself belongs to the caller.
 */
void deviceRequestClear(DeviceRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeviceRequest, deviceRequestClear)

/**
 * deviceRequestOperation:
 * @procedure: the number of a procedure that attaches, detaches or updates a device
 *
 * Returns the operation of the procedure.
 */
DeviceOperation deviceRequestOperation(guint32 procedure);

/**
 * deviceRequestParse:
 * @request: has its op, and nothing else
 * @xml: the device, not terminated
 * @len: its length in bytes
 * @err: set if it is an <emulatedpci> that cannot be read
 *
 * Returns whether it is an <emulatedpci>; then either REQUEST has a device or ERR is set.
 */
gboolean deviceRequestParse(DeviceRequest *request, const char *xml, gsize len, GError **err);

/**
 * deviceRequestDefinition:
 * @header: of the call
 * @proc: its procedure
 * @call: the whole frame
 *
 * Returns the name or UUID of the definition that deviceRequestComplete() will ask for, a
 * new string; NULL if it will not.
 */
char *deviceRequestDefinition(const RPCHeader *header, const Procedure *proc, const GByteArray *call);

/**
 * deviceRequestComplete:
 * @request: with a device
 * @opts: has the definitions
 * @err: set on failure
 *
 * Gives the device what its definition has and itself has not, and validates it. To
 * detach it, the definition's name is enough.
 *
 * Returns FALSE with ERR set if there is no such definition, or no such device can be.
 */
gboolean deviceRequestComplete(DeviceRequest *request, const ProjectionOptions *opts, GError **err);
