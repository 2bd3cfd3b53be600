/*
 * procedures.h: the procedures whose calls or replies are rewritten
 *
 * They contain domain XML, the URI of a connection, or the name or XML of a definition. The table
 * has the position of it in the arguments or in the reply, and the action of the relay. All other
 * procedures pass unchanged. The layouts are those of libvirt's
 * src/remote/remote_protocol.x, which never change; the numbers are in rpc_procedures.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "rpc_procedures.h"

#include <glib.h>

typedef enum {
    PROCEDURE_NONE = 0,
    PROCEDURE_OPEN,             /* the URI in the arguments becomes upstream's */
    PROCEDURE_LOWER,            /* XML in the arguments is lowered */
    PROCEDURE_LIFT,             /* XML in the reply is lifted */
    PROCEDURE_DEVICE,           /* a device is attached, detached or updated */
    PROCEDURE_DOMCAPS,          /* the reply gains <emulatedpci> */
    PROCEDURE_CHANGE,           /* passes, but not while a device is attached: device_job.h */
    PROCEDURE_DEFINITION,          /* of node devices, which may be definitions */
    PROCEDURE_ALIAS,            /* an event with a device's alias, which becomes the user's */
} ProcedureAction;

/* The layout of arguments or of a reply is a string, one letter a field, up
 * to the last one of interest:
 *
 *   u  a word               h  a double word
 *   s  a string             S  a string or none
 *   o  counted bytes        d  a domain
 *   x  XML                  X  XML or none (of OPEN: a URI)
 *   p  typed parameters, some of which are XML
 *   f  the flags
 */
typedef struct {
    const char *name;           /* without the leading REMOTE_PROC_ */
    ProcedureAction action;
    const char *layout;         /* of the reply for LIFT and DOMCAPS, else of the arguments */
    guint32 validate;           /* the flag that asks for validation, or 0 */
} Procedure;

/**
 * procedureLookup:
 * @number: the number of a procedure of libvirt's remote program (src/remote/remote_protocol.x)
 *
 * Returns the procedure, or NULL if the relay only forwards it.
 */
const Procedure *procedureLookup(guint32 number);

/**
 * procedureParameterIsXML:
 * @name: the name of a typed parameter, not terminated
 * @len: its length, in bytes
 *
 * Returns TRUE if the parameter contains the XML of a domain.
 */
gboolean procedureParameterIsXML(const char *name, gsize len);
