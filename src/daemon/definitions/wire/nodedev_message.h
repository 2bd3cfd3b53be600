/*
 * nodedev_message.h: what a connection's process and its parent say about
 * definitions
 *
 * One shape for all, requests, replies and events: a packet of a SOCK_SEQPACKET
 * pair that holds a kind, a serial, a word and two strings, in XDR. Knows no
 * definition and no node device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* How the names of all definitions, and of no other node device, begin. */
#define NODEDEV_PREFIX "emulatedpci_"

/* Of a packet, and of the two strings in it together. A definition may have
 * 16 KiB. */
#define NODEDEV_MESSAGE_MAX (64 * 1024)
#define NODEDEV_STRINGS_MAX (48 * 1024)

typedef enum {
    /* Requests, with a name, or with XML as the text. */
    NODEDEV_GET = 1,            /* -> DEFINITION: its XML */
    NODEDEV_LIST,               /* those after that name -> NAMES */
    NODEDEV_USE,                /* -> DEFINITION: its <emulatedpci>; held until RELEASE */
    NODEDEV_RELEASE,            /* whatever is held; no reply */
    NODEDEV_SUBSCRIBE,          /* value: 1 or 0; -> DONE, and events from then on */
    NODEDEV_DEFINE,             /* XML -> DONE with the name */
    NODEDEV_CREATE,             /* XML -> DONE with the name */
    NODEDEV_UNDEFINE,           /* these four -> DONE */
    NODEDEV_DESTROY,
    NODEDEV_START,
    NODEDEV_SET_AUTOSTART,      /* value: 1 or 0 */
    NODEDEV_LINK,               /* name: a QEMU program that needs a launcher -> DONE */

    /* Replies, with the request's serial. */
    NODEDEV_DONE = 32,
    NODEDEV_DEFINITION,         /* value: NodedevState; name, text */
    NODEDEV_NAMES,              /* value: 1 if there are more; text: of nodedevNamesAppend() */
    NODEDEV_ERROR,              /* value: libvirt's code; text: the message */

    /* Events, serial 0. */
    NODEDEV_LIFECYCLE = 64,     /* value: virNodeDeviceEventLifecycleType; name */
    NODEDEV_UPDATED,            /* name */
    NODEDEV_RELOADED,           /* to all: built-in ones may have changed, too */
} NodedevKind;

typedef enum {
    NODEDEV_ACTIVE = 1 << 0,
    NODEDEV_PERSISTENT = 1 << 1,
    NODEDEV_AUTOSTART = 1 << 2,
    NODEDEV_BUILT_IN = 1 << 3,
} NodedevState;

typedef struct {
    guint32 kind;
    guint32 serial;
    guint32 value;
    const char *name;           /* neither is terminated */
    guint nameLen;
    const char *text;
    guint textLen;
} NodedevMessage;

/* A new packet; NULL if the strings are too long together. */
GByteArray *nodedevMessageEncode(const NodedevMessage *message);

/* What is in the packet of LEN bytes at DATA, into which MESSAGE will point.
 * FALSE if it is malformed. */
gboolean nodedevMessageDecode(const guint8 *data, gsize len, NodedevMessage *message);

/* One entry of the text of NODEDEV_NAMES. FALSE, and nothing appended, if it
 * does not fit in any more. */
gboolean nodedevNamesAppend(GByteArray *text, const char *name, guint32 state);

/* The entry at *OFFSET of TEXT, which moves on; FALSE at the end. */
gboolean nodedevNamesNext(const char *text, guint len, guint *offset,
                          const char **name, guint *nameLen, guint32 *state);
