/*
 * definition_client.c: the definitions, as a connection sees them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"
#include "launch_link.h"
#include "definition_message.h"
#include "definition_client.h"
#include "rewrite.h"
#include "rpc_xdr.h"
#include "validate_job.h"

#include "gettext.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

/* Requests of a connection that the listener has not answered yet. The answers
 * to all of them fit into what it keeps for us, with room for events; more
 * would look as if we did not read. */
#define DEFINITION_REQUESTS_MAX 16

/* Definitions that one call may refer to, and how many of them are asked for at once, which
 * is limited for the same reason. */
#define DEFINITION_WANTED_MAX 1024
#define DEFINITION_WANTED_AT_ONCE 16

/* Event registrations of a connection. Without a limit, a client that registers again and again
 * would make it grow. */
#define DEFINITION_CALLBACKS_MAX 1024

/* How long the listener may take to read, in s. It never waits, so this is never used up. */
#define DEFINITION_SEND_TIMEOUT 10

/* How long the listener may take to make a launcher, in ms: it does so at once. */
#define DEFINITION_LINK_TIMEOUT 10000

/* Events wait until the client reads; more than so many bytes are lost. */
#define DEFINITION_EVENTS_MAX (4 * 1024 * 1024)

/* libvirt's REMOTE_NODE_DEVICE_LIST_MAX. */
#define DEFINITION_LIST_MAX 65536u

/* Definitions that are remembered, after a call, for the next one. */
#define DEFINITION_CACHE_MAX 64

/* What all definitions have. */
#define DEFINITION_PARENT "computer"
#define DEFINITION_CAPABILITY "emulatedpci"

/* Filters of virConnectListAllNodeDevices(); the two in the middle came with
 * 10.1.0. All other flags are kinds of devices, none of which is ours. */
#define DEFINITION_LIST_PERSISTENT (1u << 28)
#define DEFINITION_LIST_TRANSIENT (1u << 29)
#define DEFINITION_LIST_INACTIVE (1u << 30)
#define DEFINITION_LIST_ACTIVE (1u << 31)
#define DEFINITION_LIST_FILTERS (0xfu << 28)

/* Callback identifiers where upstream has no node devices, hence gives none. */
#define DEFINITION_CALLBACK_OWN 0x40000000

typedef struct DefinitionCall DefinitionCall;

/* What to do with the listener's reply. */
typedef void (*DefinitionReplyFunc)(Session *session,
                                 DefinitionCall *call,
                                 const DefinitionMessage *reply);

/* A client's call, while somebody is asked. */
struct DefinitionCall {
    RPCHeader header;
    const Procedure *proc;
    DefinitionReplyFunc func;
    RPCFrame *frame;            /* the call itself, or NULL */
    char *name;                 /* of a device, of a capability, or NULL */
    guint32 value;              /* flags, number of names, event: as it needs */
    guint32 flags;
    gboolean results;           /* names, not just how many */
    GByteArray *list;           /* names so far, in XDR */
    guint count;                /* of them */
};

/* A client wants to know what happens. */
typedef struct {
    gint32 callbackID;
    guint32 event;
    char *name;                 /* to one device; NULL: to all */
} DefinitionCallback;

/* A definition as the listener gave it. */
typedef struct {
    GBytes *text;
    EmulatedPCIDef *def;
    gboolean builtIn;           /* stays as it is until DEFINITION_RELOADED */
} DefinitionCached;

struct _DefinitionClient {
    int fd;                     /* -1: the listener has gone */
    guint32 serial;
    GHashTable *calls;          /* serial -> DefinitionCall, which the listener will answer */
    guint upstream;             /* calls that upstream will answer first */
    GArray *callbacks;
    gint32 ownCallbacks;

    GHashTable *known;          /* name -> DefinitionCached, of the calls so far */

    /* of the call that is being lowered */
    GHashTable *definitions;    /* name -> EmulatedPCIDef, one of those */
    GHashTable *errors;         /* name -> GError */
    GPtrArray *wanted;          /* names */
    guint asked;                /* of them */
    guint fetching;             /* of those that are not answered yet */
    gboolean asking;            /* more are being asked for right now */
    gboolean linking;           /* a launcher is being made */
    char *linkError;            /* why it cannot be made, or NULL */
    RPCHeader header;
    RPCFrame *frame;
    DefinitionReadyFunc ready;
    GHashTable *uses;           /* set of serials of calls that use definitions */
};


static void
definitionCallFree(DefinitionCall *call)
{
    rpcFrameFree(call->frame);
    g_free(call->name);
    if (call->list)
        g_byte_array_unref(call->list);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DefinitionCall, definitionCallFree)


static void
definitionCachedFree(void *opaque)
{
    DefinitionCached *known = opaque;

    g_bytes_unref(known->text);
    emulatedPCIDefFree(known->def);
    g_free(known);
}


static void
definitionCallbackClear(void *callback)
{
    g_free(((DefinitionCallback *) callback)->name);
}


DefinitionClient *
definitionClientNew(int fd)
{
    DefinitionClient *client = g_new0(DefinitionClient, 1);
    const struct timeval timeout = { .tv_sec = DEFINITION_SEND_TIMEOUT };

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    client->fd = fd;
    client->calls = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) definitionCallFree);
    return client;
}


void
definitionClientFree(DefinitionClient *client)
{
    if (!client)
        return;

    if (client->fd >= 0)
        close(client->fd);
    g_hash_table_unref(client->calls);
    g_clear_pointer(&client->callbacks, g_array_unref);
    g_clear_pointer(&client->definitions, g_hash_table_unref);
    g_clear_pointer(&client->known, g_hash_table_unref);
    g_clear_pointer(&client->errors, g_hash_table_unref);
    g_clear_pointer(&client->wanted, g_ptr_array_unref);
    g_clear_pointer(&client->uses, g_hash_table_unref);
    rpcFrameFree(client->frame);
    g_free(client);
}


int
definitionClientFD(const DefinitionClient *client)
{
    return client->fd;
}


gboolean
definitionClientIsFull(const DefinitionClient *client)
{
    return g_hash_table_size(client->calls) + client->upstream >= DEFINITION_REQUESTS_MAX;
}


gboolean
definitionClientIsIdle(const DefinitionClient *client)
{
    return g_hash_table_size(client->calls) == 0;
}


gboolean
definitionClientUses(const DefinitionClient *client)
{
    return client->uses && g_hash_table_size(client->uses) > 0;
}


/* --- to and from the listener --- */

/* The listener has gone: what was asked fails, and so does what is asked from
 * now on. */
static void
definitionClientDisconnect(Session *session)
{
    DefinitionClient *client = session->definitions;
    g_autofree char *text = g_strdup(_("the daemon that keeps the definitions has ended"));
    DefinitionMessage reply = {
        .kind = DEFINITION_ERROR,
        .value = VIR_ERR_INTERNAL_ERROR,
        .text = text,
        .textLen = strlen(text),
    };

    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;

    while (g_hash_table_size(client->calls) > 0) {
        g_autoptr(DefinitionCall) call = NULL;
        GHashTableIter iter;
        void *serial;
        void *value;

        g_hash_table_iter_init(&iter, client->calls);
        g_hash_table_iter_next(&iter, &serial, &value);
        g_hash_table_iter_steal(&iter);
        call = value;
        call->func(session, call, &reply);
    }
}


/* FALSE: the listener has gone. */
static gboolean
definitionSend(Session *session, const DefinitionMessage *message)
{
    g_autoptr(GByteArray) packet = definitionMessageEncode(message);
    ssize_t sent;

    g_return_val_if_fail(packet, FALSE);

    /* This can wait until the listener reads; see DEFINITION_SEND_TIMEOUT. */
    do {
        sent = send(session->definitions->fd, packet->data, packet->len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}


/* Asks; FUNC gets the reply, and CALL is freed behind it. */
static void
definitionAsk(Session *session,
           DefinitionCall *call,
           DefinitionKind kind,
           const char *name,
           const char *text,
           gsize textLen,
           DefinitionReplyFunc func)
{
    DefinitionClient *client = session->definitions;
    DefinitionMessage message = {
        .kind = kind,
        .serial = ++client->serial,
        .value = call->value,
        .name = name,
        .nameLen = name ? strlen(name) : 0,
        .text = text,
        .textLen = textLen,
    };

    call->func = func;
    g_hash_table_insert(client->calls, GUINT_TO_POINTER(message.serial), call);
    if (!definitionSend(session, &message))
        definitionClientDisconnect(session);
}


static DefinitionCall *
definitionCallNew(const RPCHeader *header, const Procedure *proc)
{
    DefinitionCall *call = g_new0(DefinitionCall, 1);

    call->header = *header;
    call->proc = proc;
    return call;
}


/* --- replies to the client --- */

static void
definitionReplyError(Session *session, const RPCHeader *header, int code, const char *message)
{
    g_autoptr(GError) err = NULL;

    emulatedPCIReportError(&err, code, "%s", message);
    sessionReplyErrorFrom(session, header, VIR_FROM_NODEDEV, err);
}


static void
definitionReplyString(Session *session, const RPCHeader *header, const char *str, guint len)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteString(payload, str, len);
    sessionReply(session, header, payload);
}


static void
definitionReplyInt(Session *session, const RPCHeader *header, gint32 value)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteI32(payload, value);
    sessionReply(session, header, payload);
}


/* TRUE if REPLY is of KIND; else the client has got its error. */
static gboolean
definitionExpect(Session *session, const RPCHeader *header, const DefinitionMessage *reply,
             DefinitionKind kind)
{
    g_autofree char *text = NULL;

    if (reply->kind == kind)
        return TRUE;

    text = reply->kind == DEFINITION_ERROR ? g_strndup(reply->text, reply->textLen) :
        g_strdup(_("the listener's answer makes no sense"));
    definitionReplyError(session, header,
                      reply->kind == DEFINITION_ERROR ? (int) reply->value : VIR_ERR_INTERNAL_ERROR,
                      text);
    return FALSE;
}


/* --- one definition --- */

static void
definitionReplyCaps(Session *session, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteU32(payload, call->value > 0 ? 1 : 0);
    if (call->value > 0)
        rpcWriteString(payload, DEFINITION_CAPABILITY, strlen(DEFINITION_CAPABILITY));
    sessionReply(session, &call->header, payload);
}


static void
definitionReplyParent(Session *session, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteOptString(payload, DEFINITION_PARENT, strlen(DEFINITION_PARENT));
    sessionReply(session, &call->header, payload);
}


/* What there is to know about a definition: the answer to all questions. */
static void
definitionGotDefinition(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    const RPCHeader *header = &call->header;
    g_autofree char *message = NULL;

    if (!definitionExpect(session, header, reply, DEFINITION_FOUND))
        return;

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_LOOKUP_BY_NAME:
        definitionReplyString(session, header, reply->name, reply->nameLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_XML_DESC:
        definitionReplyString(session, header, reply->text, reply->textLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_PARENT:
        definitionReplyParent(session, call);
        return;
    case PROCEDURE_NODE_DEVICE_NUM_OF_CAPS:
        definitionReplyInt(session, header, 1);
        return;
    case PROCEDURE_NODE_DEVICE_LIST_CAPS:
        definitionReplyCaps(session, call);
        return;
    case PROCEDURE_NODE_DEVICE_GET_AUTOSTART:
        definitionReplyInt(session, header, (reply->value & DEFINITION_AUTOSTART) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_PERSISTENT:
        definitionReplyInt(session, header, (reply->value & DEFINITION_PERSISTENT) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_ACTIVE:
        definitionReplyInt(session, header, (reply->value & DEFINITION_ACTIVE) != 0);
        return;
    default:
        message = g_strdup_printf(_("device %1$s is not a PCI device"), call->name);
        definitionReplyError(session, header, VIR_ERR_INVALID_ARG, message);
    }
}


static void
definitionChanged(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    if (definitionExpect(session, &call->header, reply, DEFINITION_DONE))
        sessionReply(session, &call->header, NULL);
}


/* A definition is there: the client gets the device. */
static void
definitionDefined(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    if (definitionExpect(session, &call->header, reply, DEFINITION_DONE))
        definitionReplyString(session, &call->header, reply->name, reply->nameLen);
}


/* TRUE if this connection may not change anything; the client knows it now. */
static gboolean
definitionRefuseReadOnly(Session *session, const RPCHeader *header)
{
    if (!session->readonly)
        return FALSE;
    definitionReplyError(session, header, VIR_ERR_OPERATION_DENIED,
                      _("read only access prevents changes of definitions"));
    return TRUE;
}


/* TRUE if FLAGS has other ones than SUPPORTED; the client knows it now. */
static gboolean
definitionRefuseFlags(Session *session, const RPCHeader *header, guint32 flags, guint32 supported)
{
    g_autofree char *message = NULL;

    if ((flags & ~supported) == 0)
        return FALSE;
    message = g_strdup_printf(_("unsupported flags (0x%1$x) for a definition"), flags & ~supported);
    definitionReplyError(session, header, VIR_ERR_INVALID_ARG, message);
    return TRUE;
}


static gboolean
definitionIsOurs(const char *name, guint len)
{
    return len > strlen(DEFINITION_PREFIX) &&
        memcmp(name, DEFINITION_PREFIX, strlen(DEFINITION_PREFIX)) == 0;
}


static void
definitionChangeByName(Session *session, DefinitionCall *call, DefinitionKind kind, guint32 flags)
{
    if (definitionRefuseReadOnly(session, &call->header) ||
        definitionRefuseFlags(session, &call->header, flags, 0)) {
        definitionCallFree(call);
        return;
    }
    definitionAsk(session, call, kind, call->name, NULL, 0, definitionChanged);
}


static void definitionDefine(Session *session, const RPCHeader *header, RPCFrame *frame);


/* A call whose first argument is the name of a device. */
static gboolean
definitionCallByName(Session *session,
                  const RPCHeader *header,
                  const Procedure *proc,
                  RPCFrame *frame)
{
    RPCReader reader;
    DefinitionCall *call;
    const char *name;
    guint32 word = 0;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &name, &len) || !definitionIsOurs(name, len) ||
        (proc->layout[1] && strchr("fu", proc->layout[1]) && !rpcReadU32(&reader, &word)))
        return FALSE;

    if (len > DEFINITION_STRINGS_MAX) {
        definitionReplyError(session, header, VIR_ERR_NO_NODE_DEVICE,
                          _("the name is longer than that of any node device"));
        return TRUE;
    }

    call = definitionCallNew(header, proc);
    call->name = g_strndup(name, len);

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_DESTROY:
        definitionChangeByName(session, call, DEFINITION_DESTROY, 0);
        break;
    case PROCEDURE_NODE_DEVICE_UNDEFINE:
        definitionChangeByName(session, call, DEFINITION_UNDEFINE, word);
        break;
    case PROCEDURE_NODE_DEVICE_CREATE:
        definitionChangeByName(session, call, DEFINITION_START, word);
        break;
    case PROCEDURE_NODE_DEVICE_SET_AUTOSTART:
        call->value = word;
        definitionChangeByName(session, call, DEFINITION_SET_AUTOSTART, 0);
        break;
    default:
        call->value = word;
        definitionAsk(session, call, DEFINITION_GET, call->name, NULL, 0, definitionGotDefinition);
        break;
    }
    return TRUE;
}


/* --- XML of a definition --- */

static xmlNodePtr
definitionChild(xmlNodePtr parent, const char *name)
{
    xmlNodePtr node;

    for (node = parent->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0)
            return node;
    }
    return NULL;
}


/* Whether ATTR is just VALUE. (libxml2's own functions would expand entities,
 * as often as a client pleases.) */
static gboolean
definitionAttributeIs(const xmlAttr *attr, const char *value)
{
    const xmlNode *text = attr ? attr->children : NULL;

    return text && !text->next && text->type == XML_TEXT_NODE &&
        strcmp((const char *) text->content, value) == 0;
}


/* Whether XML, which no parser has read, looks like a definition. */
static gboolean
definitionMeansDefinition(const char *xml, gsize len, const EmulatedPCIXMLFacts *facts)
{
    return facts->isRoot && (g_strstr_len(xml, len, "'" DEFINITION_CAPABILITY "'") ||
                             g_strstr_len(xml, len, "\"" DEFINITION_CAPABILITY "\""));
}


/* Whether XML is a definition's; *NAME gets its name, or NULL if that is no text.
 * ERR is set for a definition that is too long or that no parser is to read. What
 * is not well-formed is libvirt's to complain about. */
static gboolean
definitionXMLIsOurs(const char *xml, gsize len, char **name, GError **err)
{
    EmulatedPCIXMLFacts facts;
    g_autoptr(GError) refused = NULL;
    xmlDocPtr doc;
    xmlNodePtr root;
    xmlNodePtr child;
    gboolean ours = FALSE;

    *name = NULL;
    if (!g_strstr_len(xml, len, DEFINITION_CAPABILITY))
        return FALSE;

    emulatedPCIXMLLook(xml, len, "device", &facts);
    if (len > DEFINITION_STRINGS_MAX) {
        emulatedPCIReportError(&refused, VIR_ERR_XML_ERROR,
                               _("the XML of the definition has more than %1$d bytes"),
                               DEFINITION_STRINGS_MAX);
    }
    if (refused || !emulatedPCIXMLAccept(xml, &facts, &refused)) {
        if (!definitionMeansDefinition(xml, len, &facts))
            return FALSE;
        g_propagate_error(err, g_steal_pointer(&refused));
        return TRUE;
    }

    doc = emulatedPCIXMLParse(xml, len, DEFINITION_STRINGS_MAX, NULL, NULL);
    if (!doc)
        return FALSE;

    root = xmlDocGetRootElement(doc);
    if (strcmp((const char *) root->name, "device") == 0 &&
        (child = definitionChild(root, "capability")))
        ours = definitionAttributeIs(xmlHasProp(child, BAD_CAST "type"), DEFINITION_CAPABILITY);
    if (ours && (child = definitionChild(root, "name")))
        *name = emulatedPCIXMLReadText(child, NULL);
    xmlFreeDoc(doc);
    return ours;
}


/* Asks the listener to take the definition in FRAME, which is valid as far as
 * a grammar can tell. */
static void
definitionDefine(Session *session, const RPCHeader *header, RPCFrame *frame)
{
    const Procedure *proc = procedureLookup(header->procedure);
    gboolean create = header->procedure == PROCEDURE_NODE_DEVICE_CREATE_XML;
    gboolean update = header->procedure == PROCEDURE_NODE_DEVICE_UPDATE;
    g_autoptr(RPCFrame) call = frame;
    RewriteArguments args;

    if (!rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args))
        return;
    definitionAsk(session, definitionCallNew(header, proc), create ? DEFINITION_CREATE : DEFINITION_DEFINE,
               NULL, args.xml, args.xmlLen, update ? definitionChanged : definitionDefined);
}


static void
definitionGotUpdated(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    if (definitionExpect(session, &call->header, reply, DEFINITION_FOUND))
        definitionDefine(session, &call->header, g_steal_pointer(&call->frame));
}


/* An update is the same definition again, of a device that is there. */
static gboolean
definitionCallUpdate(Session *session,
                  const RPCHeader *header,
                  const Procedure *proc,
                  RPCFrame *frame,
                  const char *name)
{
    g_autofree char *wanted = NULL;
    DefinitionCall *call;
    RPCReader reader;
    const char *text;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &text, &len) || !definitionIsOurs(text, len))
        return FALSE;

    wanted = g_strndup(text, len);
    if (g_strcmp0(name, wanted) != 0) {
        g_autofree char *message =
            g_strdup_printf(_("the definition of '%1$s' cannot become one of '%2$s'"), wanted,
                            name ? name : "");

        definitionReplyError(session, header, VIR_ERR_CONFIG_UNSUPPORTED, message);
        return TRUE;
    }

    call = definitionCallNew(header, proc);
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    definitionAsk(session, call, DEFINITION_GET, wanted, NULL, 0, definitionGotUpdated);
    return TRUE;
}


static gboolean
definitionCallXML(Session *session,
               const RPCHeader *header,
               const Procedure *proc,
               RPCFrame *frame)
{
    g_autofree char *name = NULL;
    g_autoptr(RPCFrame) call = NULL;
    g_autoptr(GError) err = NULL;
    RewriteArguments args;

    if (!rewriteRead(proc, frame->bytes, RPC_HEADER_SIZE, &args) || !args.xml ||
        !definitionXMLIsOurs(args.xml, args.xmlLen, &name, &err))
        return FALSE;

    if (definitionRefuseReadOnly(session, header))
        return TRUE;
    if (err) {
        sessionReplyError(session, header, err);
        return TRUE;
    }

    if (header->procedure == PROCEDURE_NODE_DEVICE_UPDATE)
        return definitionCallUpdate(session, header, proc, frame, name);
    if (definitionRefuseFlags(session, header, args.flags, proc->validate))
        return TRUE;

    call = rpcFrameNew(g_byte_array_ref(frame->bytes));
    if (args.flags & proc->validate) {
        validateJobStart(session, header, args.xml, args.xmlLen, g_steal_pointer(&call),
                         definitionDefine);
    } else {
        definitionDefine(session, header, g_steal_pointer(&call));
    }
    return TRUE;
}


/* --- lists --- */

/* Whether an error of upstream's says that it has no node devices at all: no driver for
 * them, or, where they have a daemon of their own, no socket of that daemon. All other errors mean
 * that it has node devices and could not list them, so that a list without them would be
 * wrong. */
static gboolean
definitionHasNoDriver(const RPCFrame *reply)
{
    RPCErrorReply error;

    if (!rpcMessageReadErrorReply(reply->bytes, &error))
        return FALSE;
    return error.code == VIR_ERR_NO_SUPPORT || error.code == VIR_ERR_NO_CONNECT ||
        (error.code == VIR_ERR_SYSTEM_ERROR && error.errnum == ENOENT);
}


static gboolean
definitionListMatches(const DefinitionCall *call, guint32 state)
{
    guint32 flags = call->flags;

    if (flags & (DEFINITION_LIST_ACTIVE | DEFINITION_LIST_INACTIVE) &&
        !(flags & (state & DEFINITION_ACTIVE ? DEFINITION_LIST_ACTIVE : DEFINITION_LIST_INACTIVE)))
        return FALSE;
    if (flags & (DEFINITION_LIST_PERSISTENT | DEFINITION_LIST_TRANSIENT) &&
        !(flags & (state & DEFINITION_PERSISTENT ? DEFINITION_LIST_PERSISTENT :
                   DEFINITION_LIST_TRANSIENT)))
        return FALSE;
    return TRUE;
}


static void
definitionReplyList(Session *session, const DefinitionCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    gboolean all = call->header.procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES;

    if (call->count > DEFINITION_LIST_MAX) {
        definitionReplyError(session, &call->header, VIR_ERR_RPC,
                          _("there are more node devices than a list may have"));
        return;
    }

    if (call->header.procedure == PROCEDURE_NODE_NUM_OF_DEVICES) {
        rpcWriteU32(payload, call->count);
    } else {
        rpcWriteU32(payload, call->results ? call->count : 0);
        if (call->results)
            g_byte_array_append(payload, call->list->data, call->list->len);
        if (all)
            rpcWriteU32(payload, call->count);
    }
    sessionReply(session, &call->header, payload);
}


static void
definitionGotNames(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    g_autofree char *last = NULL;
    const char *name = NULL;
    guint32 state;
    guint offset = 0;
    guint len = 0;

    if (!definitionExpect(session, &call->header, reply, DEFINITION_NAMES))
        return;

    while (definitionNamesNext(reply->text, reply->textLen, &offset, &name, &len, &state)) {
        if (!definitionListMatches(call, state))
            continue;
        if (call->header.procedure == PROCEDURE_NODE_LIST_DEVICES && call->count >= call->value)
            continue;
        if (call->results)
            rpcWriteString(call->list, name, len);
        call->count++;
    }

    if (reply->value && name) {
        DefinitionCall *more = definitionCallNew(&call->header, call->proc);

        more->value = call->value;
        more->flags = call->flags;
        more->results = call->results;
        more->list = g_steal_pointer(&call->list);
        more->count = call->count;
        last = g_strndup(name, len);
        definitionAsk(session, more, DEFINITION_LIST, last, NULL, 0, definitionGotNames);
        return;
    }
    definitionReplyList(session, call);
}


/* Upstream's part of the list. */
static gboolean
definitionReadList(DefinitionCall *call, const RPCFrame *reply)
{
    gsize size = reply->bytes->len - RPC_HEADER_SIZE;
    const guint8 *data = reply->bytes->data + RPC_HEADER_SIZE;
    RPCReader reader;

    rpcReaderInit(&reader, data, size);
    if (!rpcReadU32(&reader, &call->count) || call->count > DEFINITION_LIST_MAX)
        return FALSE;
    if (call->header.procedure == PROCEDURE_NODE_NUM_OF_DEVICES)
        return TRUE;

    if (call->header.procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES) {
        if (size < 8)
            return FALSE;
        size -= 4;
        call->count = rpcGetU32(data + size);
    }
    if (call->results)
        g_byte_array_append(call->list, data + 4, size - 4);
    return TRUE;
}


static void
definitionGotList(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(DefinitionCall) call = opaque;

    session->definitions->upstream--;
    if (header->status != RPC_OK ? !definitionHasNoDriver(reply) : !definitionReadList(call, reply)) {
        sessionForward(session, &call->header, g_steal_pointer(&reply));
        return;
    }
    definitionAsk(session, g_steal_pointer(&call), DEFINITION_LIST, NULL, NULL, 0, definitionGotNames);
}


static gboolean
definitionCallList(Session *session,
                const RPCHeader *header,
                const Procedure *proc,
                RPCFrame *frame)
{
    const guint8 *data = frame->bytes->data + RPC_HEADER_SIZE;
    gsize size = frame->bytes->len - RPC_HEADER_SIZE;
    g_autoptr(DefinitionCall) call = definitionCallNew(header, proc);
    g_autoptr(GByteArray) payload = NULL;
    const char *cap = NULL;
    RPCReader reader;
    guint len = 0;

    rpcReaderInit(&reader, data, size);
    call->list = g_byte_array_new();
    call->results = header->procedure == PROCEDURE_NODE_LIST_DEVICES;

    if (header->procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES) {
        guint32 results;

        if (!rpcReadU32(&reader, &results) || !rpcReadU32(&reader, &call->flags) ||
            call->flags & ~DEFINITION_LIST_FILTERS)
            return FALSE;
        call->results = results != 0;
    } else if (!rpcReadOptString(&reader, RPC_STRING_MAX, &cap, &len) ||
               (call->results && !rpcReadU32(&reader, &call->value))) {
        return FALSE;
    }

    if (cap) {
        if (len != strlen(DEFINITION_CAPABILITY) || memcmp(cap, DEFINITION_CAPABILITY, len) != 0)
            return FALSE;
        definitionAsk(session, g_steal_pointer(&call), DEFINITION_LIST, NULL, NULL, 0, definitionGotNames);
        return TRUE;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, data, size);
    session->definitions->upstream++;
    sessionCallFull(session, header->procedure, payload, definitionGotList, g_steal_pointer(&call),
                    (GDestroyNotify) definitionCallFree);
    return TRUE;
}


/* --- events --- */

static void
definitionAddCallback(Session *session, const DefinitionCall *call, gint32 callbackID)
{
    DefinitionClient *client = session->definitions;
    DefinitionCallback callback = {
        .callbackID = callbackID,
        .event = call->value,
        .name = g_strdup(call->name),
    };

    if (!client->callbacks) {
        client->callbacks = g_array_new(FALSE, FALSE, sizeof(DefinitionCallback));
        g_array_set_clear_func(client->callbacks, definitionCallbackClear);
    }
    g_array_append_val(client->callbacks, callback);
}


static void
definitionGotCallback(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(DefinitionCall) call = opaque;
    RPCReader reader;
    gint32 id;

    session->definitions->upstream--;
    if (header->status != RPC_OK && definitionHasNoDriver(reply)) {
        id = DEFINITION_CALLBACK_OWN + session->definitions->ownCallbacks++;
        definitionAddCallback(session, call, id);
        definitionReplyInt(session, &call->header, id);
        return;
    }

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (header->status == RPC_OK && rpcReadI32(&reader, &id))
        definitionAddCallback(session, call, id);
    sessionForward(session, &call->header, g_steal_pointer(&reply));
}


/* The listener will tell; now upstream is asked to. */
static void
definitionSubscribed(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    DefinitionCall *next;
    g_autoptr(GByteArray) payload = NULL;

    if (!definitionExpect(session, &call->header, reply, DEFINITION_DONE))
        return;

    next = definitionCallNew(&call->header, call->proc);
    next->name = g_steal_pointer(&call->name);
    next->value = call->flags;
    payload = g_byte_array_new();
    g_byte_array_append(payload, call->frame->bytes->data + RPC_HEADER_SIZE,
                        call->frame->bytes->len - RPC_HEADER_SIZE);
    session->definitions->upstream++;
    sessionCallFull(session, call->header.procedure, payload, definitionGotCallback, next,
                    (GDestroyNotify) definitionCallFree);
}


static gboolean
definitionCallRegister(Session *session,
                    const RPCHeader *header,
                    const Procedure *proc,
                    RPCFrame *frame)
{
    g_autoptr(DefinitionCall) call = definitionCallNew(header, proc);
    RPCReader reader;
    const char *name;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadU32(&reader, &call->flags) || call->flags > VIR_NODE_DEVICE_EVENT_ID_UPDATE ||
        !rpcReadOptString(&reader, RPC_STRING_MAX, &name, &len))
        return FALSE;
    if (session->definitions->callbacks && session->definitions->callbacks->len >= DEFINITION_CALLBACKS_MAX) {
        definitionReplyError(session, header, VIR_ERR_OPERATION_FAILED,
                          _("too many registrations for events of node devices"));
        return TRUE;
    }

    call->name = name ? g_strndup(name, len) : NULL;
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    call->value = 1;
    definitionAsk(session, g_steal_pointer(&call), DEFINITION_SUBSCRIBE, NULL, NULL, 0,
               definitionSubscribed);
    return TRUE;
}


static gboolean
definitionCallDeregister(Session *session, const RPCHeader *header, RPCFrame *frame)
{
    GArray *callbacks = session->definitions->callbacks;
    RPCReader reader;
    gint32 id;
    guint i;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!callbacks || !rpcReadI32(&reader, &id))
        return FALSE;

    for (i = 0; i < callbacks->len; i++) {
        if (g_array_index(callbacks, DefinitionCallback, i).callbackID != id)
            continue;
        g_array_remove_index(callbacks, i);
        if (id < DEFINITION_CALLBACK_OWN)
            return FALSE;
        sessionReply(session, header, NULL);
        return TRUE;
    }
    return FALSE;
}


static void
definitionTellClient(Session *session, const DefinitionCallback *callback, const DefinitionMessage *event)
{
    gboolean lifecycle = event->kind == DEFINITION_LIFECYCLE;
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = lifecycle ? PROCEDURE_NODE_DEVICE_EVENT_LIFECYCLE :
            PROCEDURE_NODE_DEVICE_EVENT_UPDATE,
        .type = RPC_MESSAGE,
    };
    GByteArray *frame;

    if (rpcChannelInjected(session->toClient) > DEFINITION_EVENTS_MAX) {
        daemonWarning("session", "the client does not read: an event is lost");
        return;
    }

    frame = rpcMessageNew(&header);
    rpcWriteI32(frame, callback->callbackID);
    rpcWriteString(frame, event->name, event->nameLen);
    if (lifecycle) {
        rpcWriteU32(frame, event->value);
        rpcWriteI32(frame, 0);
    }
    rpcMessageFinish(frame);
    rpcChannelInject(session->toClient, rpcFrameNew(frame));
}


static void
definitionGotEvent(Session *session, const DefinitionMessage *event)
{
    const GArray *callbacks = session->definitions->callbacks;
    guint id = event->kind == DEFINITION_LIFECYCLE ? VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE :
        VIR_NODE_DEVICE_EVENT_ID_UPDATE;
    guint i;

    for (i = 0; callbacks && i < callbacks->len; i++) {
        const DefinitionCallback *callback = &g_array_index(callbacks, DefinitionCallback, i);

        if (callback->event == id &&
            (!callback->name || (strlen(callback->name) == event->nameLen &&
                                 memcmp(callback->name, event->name, event->nameLen) == 0)))
            definitionTellClient(session, callback, event);
    }
}


/* --- definitions that a domain refers to --- */

const EmulatedPCIDef *
definitionClientDefinition(const char *name, void *opaque, GError **err)
{
    Session *session = opaque;
    DefinitionClient *client = session->definitions;
    const DefinitionCached *known;
    const EmulatedPCIDef *def;
    const GError *error;

    if (client->fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("the definition '%1$s' cannot be looked up: the daemon that "
                                 "keeps the definitions has ended"), name);
        return NULL;
    }

    def = client->definitions ? g_hash_table_lookup(client->definitions, name) : NULL;
    if (def)
        return def;
    known = client->known ? g_hash_table_lookup(client->known, name) : NULL;
    if (known && known->builtIn)
        return known->def;
    error = client->errors ? g_hash_table_lookup(client->errors, name) : NULL;
    if (error) {
        g_propagate_error(err, g_error_copy(error));
        return NULL;
    }

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("definition '%1$s' cannot be used: a document may refer to %2$d "
                             "definitions"), name, DEFINITION_WANTED_MAX);
    return NULL;
}


void
definitionClientWant(Session *session, const char *name)
{
    DefinitionClient *client = session->definitions;
    const DefinitionCached *known = client->known ? g_hash_table_lookup(client->known, name) : NULL;

    if (known && known->builtIn)
        return;
    if (!client->wanted)
        client->wanted = g_ptr_array_new_with_free_func(g_free);
    if (client->wanted->len < DEFINITION_WANTED_MAX &&
        !g_ptr_array_find_with_equal_func(client->wanted, name, g_str_equal, NULL))
        g_ptr_array_add(client->wanted, g_strdup(name));
}


gboolean
definitionClientWants(const Session *session)
{
    return session->definitions->wanted && session->definitions->wanted->len > 0;
}


void
definitionClientForget(Session *session)
{
    if (!session->definitions)
        return;
    g_clear_pointer(&session->definitions->definitions, g_hash_table_unref);
    g_clear_pointer(&session->definitions->errors, g_hash_table_unref);
    g_clear_pointer(&session->definitions->wanted, g_ptr_array_unref);
    if (session->definitions->known && g_hash_table_size(session->definitions->known) > DEFINITION_CACHE_MAX)
        g_clear_pointer(&session->definitions->known, g_hash_table_unref);
}


/* Built-in definitions have to be asked for again. */
static void
definitionInvalidate(DefinitionClient *client)
{
    GHashTableIter iter;
    void *known;

    if (!client->known)
        return;
    g_hash_table_iter_init(&iter, client->known);
    while (g_hash_table_iter_next(&iter, NULL, &known))
        ((DefinitionCached *) known)->builtIn = FALSE;
}


/* The definition in REPLY, for NAME, which stays the session's; read only if it is not
 * the one that came the last time. NULL with ERR set. */
static EmulatedPCIDef *
definitionCache(DefinitionClient *client, const char *name, const DefinitionMessage *reply, GError **err)
{
    DefinitionCached *known = client->known ? g_hash_table_lookup(client->known, name) : NULL;

    if (!known || g_bytes_get_size(known->text) != reply->textLen ||
        memcmp(g_bytes_get_data(known->text, NULL), reply->text, reply->textLen) != 0 ||
        strlen(known->def->definition) != reply->nameLen ||
        memcmp(known->def->definition, reply->name, reply->nameLen) != 0) {
        EmulatedPCIDef *def = emulatedPCIDefParseString(reply->text, reply->textLen, err);

        if (!def)
            return NULL;
        g_free(def->definition);
        def->definition = g_strndup(reply->name, reply->nameLen);

        known = g_new0(DefinitionCached, 1);
        known->text = g_bytes_new(reply->text, reply->textLen);
        known->def = def;
        if (!client->known)
            client->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, definitionCachedFree);
        g_hash_table_replace(client->known, g_strdup(name), known);
    }
    known->builtIn = (reply->value & DEFINITION_BUILT_IN) != 0;
    return known->def;
}


static void definitionGotUse(Session *session, DefinitionCall *call, const DefinitionMessage *reply);


/* Asks for the definitions that are missing still, as many at once as may be, and goes on
 * with the call when all are there. */
static void
definitionAskWanted(Session *session)
{
    DefinitionClient *client = session->definitions;
    RPCHeader header = client->header;

    client->asking = TRUE;
    while (client->asked < client->wanted->len && client->fetching < DEFINITION_WANTED_AT_ONCE) {
        DefinitionCall *use = definitionCallNew(&header, NULL);

        use->name = g_strdup(g_ptr_array_index(client->wanted, client->asked++));
        client->fetching++;
        definitionAsk(session, use, DEFINITION_USE, use->name, NULL, 0, definitionGotUse);
    }
    client->asking = FALSE;
    if (client->fetching > 0)
        return;

    session->resolving = FALSE;
    client->ready(session, &header, g_steal_pointer(&client->frame));
}


static void
definitionGotUse(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    DefinitionClient *client = session->definitions;
    g_autofree char *text = g_strndup(reply->text, reply->textLen);
    g_autoptr(GError) err = NULL;
    EmulatedPCIDef *def = NULL;

    if (reply->kind == DEFINITION_FOUND)
        def = definitionCache(client, call->name, reply, &err);
    else
        emulatedPCIReportError(&err, (int) reply->value, "%s", text);

    if (def)
        g_hash_table_insert(client->definitions, g_strdup(call->name), def);
    else
        g_hash_table_insert(client->errors, g_strdup(call->name), g_steal_pointer(&err));

    client->fetching--;
    if (!client->asking)
        definitionAskWanted(session);
}


void
definitionClientFetch(Session *session,
                    const RPCHeader *header,
                    RPCFrame *call,
                    DefinitionReadyFunc ready)
{
    DefinitionClient *client = session->definitions;

    client->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    client->errors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify) g_error_free);
    if (!client->uses)
        client->uses = g_hash_table_new(NULL, NULL);
    g_hash_table_add(client->uses, GUINT_TO_POINTER(header->serial));

    session->resolving = TRUE;
    client->header = *header;
    client->frame = call;
    client->ready = ready;
    client->asked = 0;
    client->fetching = 0;
    definitionAskWanted(session);
}


void
definitionClientEnded(Session *session, guint32 serial)
{
    DefinitionClient *client = session->definitions;
    DefinitionMessage release = { .kind = DEFINITION_RELEASE };

    if (!client || !client->uses ||
        !g_hash_table_remove(client->uses, GUINT_TO_POINTER(serial)) ||
        g_hash_table_size(client->uses) > 0)
        return;

    g_clear_pointer(&client->uses, g_hash_table_unref);
    if (client->fd >= 0 && !definitionSend(session, &release))
        definitionClientDisconnect(session);
}


/* --- both --- */

gboolean
definitionClientCall(Session *session,
                   const RPCHeader *header,
                   const Procedure *proc,
                   RPCFrame *call)
{
    if (header->type != RPC_CALL)
        return FALSE;

    switch (header->procedure) {
    case PROCEDURE_NODE_NUM_OF_DEVICES:
    case PROCEDURE_NODE_LIST_DEVICES:
    case PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES:
        return definitionCallList(session, header, proc, call);
    case PROCEDURE_NODE_DEVICE_CREATE_XML:
    case PROCEDURE_NODE_DEVICE_DEFINE_XML:
    case PROCEDURE_NODE_DEVICE_UPDATE:
        return definitionCallXML(session, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY:
        return definitionCallRegister(session, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY:
        return definitionCallDeregister(session, header, call);
    default:
        return definitionCallByName(session, header, proc, call);
    }
}


void
definitionClientRead(Session *session)
{
    DefinitionClient *client = session->definitions;
    g_autofree guint8 *buffer = g_malloc(DEFINITION_MESSAGE_MAX + 1);
    g_autoptr(DefinitionCall) call = NULL;
    DefinitionMessage message;
    void *value = NULL;
    ssize_t got;

    session->busy = TRUE;
    do {
        got = recv(client->fd, buffer, DEFINITION_MESSAGE_MAX + 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !definitionMessageDecode(buffer, got, &message)) {
        definitionClientDisconnect(session);
        return;
    }

    if (message.kind == DEFINITION_RELOADED) {
        definitionInvalidate(client);
        return;
    }
    if (message.kind == DEFINITION_LIFECYCLE || message.kind == DEFINITION_UPDATED) {
        definitionGotEvent(session, &message);
        return;
    }

    if (g_hash_table_steal_extended(client->calls, GUINT_TO_POINTER(message.serial), NULL,
                                    &value)) {
        call = value;
        call->func(session, call, &message);
    }
}


/* The reply to DEFINITION_LINK. */
static void
definitionGotLink(Session *session, DefinitionCall *call, const DefinitionMessage *reply)
{
    DefinitionClient *client = session->definitions;

    (void) call;
    client->linking = FALSE;
    if (reply->kind != DEFINITION_DONE)
        client->linkError = g_strndup(reply->text, reply->textLen);
}


/* Has the listener make the launcher of QEMU. Returns NULL, or why that failed, newly
 * allocated. */
static char *
definitionMakeLink(Session *session, const char *qemu)
{
    DefinitionClient *client = session->definitions;
    const gint64 deadline = g_get_monotonic_time() + DEFINITION_LINK_TIMEOUT * 1000LL;

    client->linking = TRUE;
    definitionAsk(session, g_new0(DefinitionCall, 1), DEFINITION_LINK, qemu, NULL, 0, definitionGotLink);
    while (client->linking && client->fd >= 0) {
        struct pollfd fd = { .fd = client->fd, .events = POLLIN };
        const gint64 left = deadline - g_get_monotonic_time();

        if (left <= 0)
            break;
        if (poll(&fd, 1, left / 1000 + 1) > 0)
            definitionClientRead(session);
    }
    if (!client->linking)
        return g_steal_pointer(&client->linkError);
    client->linking = FALSE;
    return g_strdup(_("the daemon does not answer"));
}


gboolean
definitionClientLauncher(const char *qemu, const char *launcher, void *opaque, GError **err)
{
    Session *session = opaque;
    g_autofree char *failure = NULL;

    if (access(launcher, F_OK) == 0)
        return TRUE;
    if (access(qemu, X_OK) < 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(errno));
        return FALSE;
    }
    failure = session->definitions && session->definitions->fd >= 0 ?
        definitionMakeLink(session, qemu) : g_strdup(_("the daemon does not answer"));
    if (!failure)
        return TRUE;
    launchLinkReport(qemu, launcher, failure, err);
    return FALSE;
}
