/*
 * procedures.h: the procedures that carry what is rewritten
 *
 * Which is domain XML, the URI of a connection, and what may be a definition.
 * The one table of them: number, where in the arguments or in the reply it is,
 * and what is done to it. What is not in it passes untouched.
 * Numbers and layouts are those of libvirt's src/remote/remote_protocol.x,
 * which never change.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

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

#define PROCEDURE_CONNECT_CLOSE 2

#define PROCEDURE_DOMAIN_ATTACH_DEVICE 8
#define PROCEDURE_DOMAIN_DEFINE_XML 11
#define PROCEDURE_DOMAIN_DETACH_DEVICE 13
#define PROCEDURE_DOMAIN_GET_XML_DESC 14
#define PROCEDURE_DOMAIN_IS_ACTIVE 150
#define PROCEDURE_DOMAIN_IS_PERSISTENT 151
#define PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS 160
#define PROCEDURE_DOMAIN_DETACH_DEVICE_FLAGS 161
#define PROCEDURE_DOMAIN_UPDATE_DEVICE_FLAGS 174
#define PROCEDURE_CONNECT_GET_DOMAIN_CAPABILITIES 342
#define PROCEDURE_DOMAIN_DEFINE_XML_FLAGS 350
#define PROCEDURE_DOMAIN_DETACH_DEVICE_ALIAS 392

#define PROCEDURE_NODE_NUM_OF_DEVICES 111
#define PROCEDURE_NODE_LIST_DEVICES 112
#define PROCEDURE_NODE_DEVICE_LOOKUP_BY_NAME 113
#define PROCEDURE_NODE_DEVICE_GET_XML_DESC 114
#define PROCEDURE_NODE_DEVICE_GET_PARENT 115
#define PROCEDURE_NODE_DEVICE_NUM_OF_CAPS 116
#define PROCEDURE_NODE_DEVICE_LIST_CAPS 117
#define PROCEDURE_NODE_DEVICE_DETTACH 118
#define PROCEDURE_NODE_DEVICE_RE_ATTACH 119
#define PROCEDURE_NODE_DEVICE_RESET 120
#define PROCEDURE_NODE_DEVICE_CREATE_XML 123
#define PROCEDURE_NODE_DEVICE_DESTROY 124
#define PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES 285
#define PROCEDURE_NODE_DEVICE_DETACH_FLAGS 301
#define PROCEDURE_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY 374
#define PROCEDURE_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY 375
#define PROCEDURE_NODE_DEVICE_EVENT_LIFECYCLE 376
#define PROCEDURE_NODE_DEVICE_EVENT_UPDATE 377
#define PROCEDURE_NODE_DEVICE_DEFINE_XML 428
#define PROCEDURE_NODE_DEVICE_UNDEFINE 429
#define PROCEDURE_NODE_DEVICE_CREATE 430
#define PROCEDURE_NODE_DEVICE_GET_AUTOSTART 433
#define PROCEDURE_NODE_DEVICE_SET_AUTOSTART 434
#define PROCEDURE_NODE_DEVICE_IS_PERSISTENT 435
#define PROCEDURE_NODE_DEVICE_IS_ACTIVE 436
#define PROCEDURE_NODE_DEVICE_UPDATE 447

/* The procedure of that NUMBER of the remote program, or NULL if it carries
 * nothing of interest. */
const Procedure *procedureLookup(guint32 number);

/* Whether a typed parameter of that NAME, LEN bytes, is domain XML. */
gboolean procedureParameterIsXML(const char *name, gsize len);
