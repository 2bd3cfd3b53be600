/*
 * definition_message.h: messages about definitions between a connection process and the listener
 *
 * Requests, replies and events have the same format: a packet of a SOCK_SEQPACKET socket pair with
 * a kind, a serial, a number and two strings, in XDR. This file does not depend on definitions or
 * node devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The prefix of the names of definitions; other node devices do not have it. */
#define DEFINITION_PREFIX "emulatedpci_"

/* Of a packet, and of the two strings in it together. A definition may have
 * 16 KiB. */
#define DEFINITION_MESSAGE_MAX (64 * 1024)
#define DEFINITION_STRINGS_MAX (48 * 1024)

typedef enum {
    /* Requests, with a name, or with XML as the text. */
    DEFINITION_GET = 1,            /* -> DEFINITION: its XML */
    DEFINITION_LIST,               /* those after that name -> NAMES */
    DEFINITION_USE,                /* -> DEFINITION: its <emulatedpci>; held until RELEASE */
    DEFINITION_RELEASE,            /* whatever is held; no reply */
    DEFINITION_SUBSCRIBE,          /* value: 1 or 0; -> DONE, and events from then on */
    DEFINITION_DEFINE,             /* XML -> DONE with the name */
    DEFINITION_CREATE,             /* XML -> DONE with the name */
    DEFINITION_UNDEFINE,           /* these four -> DONE */
    DEFINITION_DESTROY,
    DEFINITION_START,
    DEFINITION_SET_AUTOSTART,      /* value: 1 or 0 */
    DEFINITION_LINK,               /* name: a QEMU program that needs a launcher -> DONE */

    /* Replies, with the request's serial. */
    DEFINITION_DONE = 32,
    DEFINITION_FOUND,         /* value: DefinitionState; name, text */
    DEFINITION_NAMES,              /* value: 1 if there are more; text: of definitionNamesAppend() */
    DEFINITION_ERROR,              /* value: libvirt's code; text: the message */

    /* Events, serial 0. */
    DEFINITION_LIFECYCLE = 64,     /* value: virNodeDeviceEventLifecycleType; name */
    DEFINITION_UPDATED,            /* name */
    DEFINITION_RELOADED,           /* to all: built-in ones may have changed, too */
} DefinitionKind;

typedef enum {
    DEFINITION_ACTIVE = 1 << 0,
    DEFINITION_PERSISTENT = 1 << 1,
    DEFINITION_AUTOSTART = 1 << 2,
    DEFINITION_BUILT_IN = 1 << 3,
} DefinitionState;

typedef struct {
    guint32 kind;
    guint32 serial;
    guint32 value;
    const char *name;           /* neither is terminated */
    guint nameLen;
    const char *text;
    guint textLen;
} DefinitionMessage;

/**
 * definitionMessageEncode:
 * @message: the message; its strings are copied
 *
 * Returns a new packet, to be freed with g_byte_array_unref(), or NULL if both strings together
 * are longer than DEFINITION_STRINGS_MAX.
 */
GByteArray *definitionMessageEncode(const DefinitionMessage *message);

/**
 * definitionMessageDecode:
 * @data: the packet
 * @len: its length, in bytes
 * @message: filled in; its strings point into @data
 *
 * Returns TRUE, or FALSE if the packet is malformed or longer than DEFINITION_MESSAGE_MAX.
 */
gboolean definitionMessageDecode(const guint8 *data, gsize len, DefinitionMessage *message);

/**
 * definitionNamesAppend:
 * @text: the text of a DEFINITION_NAMES message, to which the entry is appended
 * @name: the name of a definition
 * @state: its state: bits of DefinitionState
 *
 * Returns TRUE, or FALSE without any change if the text would become longer than
 * DEFINITION_STRINGS_MAX.
 */
gboolean definitionNamesAppend(GByteArray *text, const char *name, guint32 state);

/**
 * definitionNamesNext:
 * @text: the text of a DEFINITION_NAMES message
 * @len: its length, in bytes
 * @offset: the offset of an entry, 0 for the first one; set to that of the next entry
 * @name: set to the name, which is not terminated and points into @text
 * @nameLen: set to the length of the name, in bytes
 * @state: set to the state: bits of DefinitionState
 *
 * Returns TRUE, or FALSE at the end or if the entry is malformed.
 */
gboolean definitionNamesNext(const char *text, guint len, guint *offset,
                          const char **name, guint *nameLen, guint32 *state);
