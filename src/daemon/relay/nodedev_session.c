/*
 * nodedev_session.c: the definitions, as a connection sees them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"
#include "launch_link.h"
#include "nodedev_message.h"
#include "nodedev_session.h"
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
#define NODEDEV_REQUESTS_MAX 16

/* Definitions that one call may refer to, and how many of them are asked for at once, which
 * is limited for the same reason. */
#define NODEDEV_WANTED_MAX 1024
#define NODEDEV_WANTED_AT_ONCE 16

/* Event registrations of a connection. Without a limit, a client that registers again and again
 * would make it grow. */
#define NODEDEV_CALLBACKS_MAX 1024

/* How long the listener may take to read, in s. It never waits, so this is never used up. */
#define NODEDEV_SEND_TIMEOUT 10

/* How long the listener may take to make a launcher, in ms: it does so at once. */
#define NODEDEV_LINK_TIMEOUT 10000

/* Events wait until the client reads; more than so many bytes are lost. */
#define NODEDEV_EVENTS_MAX (4 * 1024 * 1024)

/* libvirt's REMOTE_NODE_DEVICE_LIST_MAX. */
#define NODEDEV_LIST_MAX 65536u

/* Definitions that are remembered, after a call, for the next one. */
#define NODEDEV_KNOWN_MAX 64

/* What all definitions have. */
#define NODEDEV_PARENT "computer"
#define NODEDEV_CAPABILITY "emulatedpci"

/* Filters of virConnectListAllNodeDevices(); the two in the middle came with
 * 10.1.0. All other flags are kinds of devices, none of which is ours. */
#define NODEDEV_LIST_PERSISTENT (1u << 28)
#define NODEDEV_LIST_TRANSIENT (1u << 29)
#define NODEDEV_LIST_INACTIVE (1u << 30)
#define NODEDEV_LIST_ACTIVE (1u << 31)
#define NODEDEV_LIST_FILTERS (0xfu << 28)

/* Callback identifiers where upstream has no node devices, hence gives none. */
#define NODEDEV_CALLBACK_OWN 0x40000000

typedef struct _NodedevCall NodedevCall;

/* What to do with the listener's reply. */
typedef void (*NodedevReplyFunc)(Session *session,
                                 NodedevCall *call,
                                 const NodedevMessage *reply);

/* A client's call, while somebody is asked. */
struct _NodedevCall {
    RPCHeader header;
    const Procedure *proc;
    NodedevReplyFunc func;
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
} NodedevCallback;

/* A definition as the listener gave it. */
typedef struct {
    GBytes *text;
    EmulatedPCIDef *def;
    gboolean builtIn;           /* stays as it is until NODEDEV_RELOADED */
} NodedevKnown;

struct _NodedevSession {
    int fd;                     /* -1: the listener has gone */
    guint32 serial;
    GHashTable *calls;          /* serial -> NodedevCall, which the listener will answer */
    guint upstream;             /* calls that upstream will answer first */
    GArray *callbacks;
    gint32 ownCallbacks;

    GHashTable *known;          /* name -> NodedevKnown, of the calls so far */

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
    NodedevReadyFunc ready;
    GHashTable *uses;           /* set of serials of calls that use definitions */
};


static void
nodedevCallFree(NodedevCall *call)
{
    rpcFrameFree(call->frame);
    g_free(call->name);
    if (call->list)
        g_byte_array_unref(call->list);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NodedevCall, nodedevCallFree)


static void
nodedevKnownFree(void *opaque)
{
    NodedevKnown *known = opaque;

    g_bytes_unref(known->text);
    emulatedPCIDefFree(known->def);
    g_free(known);
}


static void
nodedevCallbackClear(void *callback)
{
    g_free(((NodedevCallback *) callback)->name);
}


NodedevSession *
nodedevSessionNew(int fd)
{
    NodedevSession *nodedev = g_new0(NodedevSession, 1);
    const struct timeval timeout = { .tv_sec = NODEDEV_SEND_TIMEOUT };

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    nodedev->fd = fd;
    nodedev->calls = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) nodedevCallFree);
    return nodedev;
}


void
nodedevSessionFree(NodedevSession *nodedev)
{
    if (!nodedev)
        return;

    if (nodedev->fd >= 0)
        close(nodedev->fd);
    g_hash_table_unref(nodedev->calls);
    g_clear_pointer(&nodedev->callbacks, g_array_unref);
    g_clear_pointer(&nodedev->definitions, g_hash_table_unref);
    g_clear_pointer(&nodedev->known, g_hash_table_unref);
    g_clear_pointer(&nodedev->errors, g_hash_table_unref);
    g_clear_pointer(&nodedev->wanted, g_ptr_array_unref);
    g_clear_pointer(&nodedev->uses, g_hash_table_unref);
    rpcFrameFree(nodedev->frame);
    g_free(nodedev);
}


int
nodedevSessionFD(const NodedevSession *nodedev)
{
    return nodedev->fd;
}


gboolean
nodedevSessionIsFull(const NodedevSession *nodedev)
{
    return g_hash_table_size(nodedev->calls) + nodedev->upstream >= NODEDEV_REQUESTS_MAX;
}


gboolean
nodedevSessionIsIdle(const NodedevSession *nodedev)
{
    return g_hash_table_size(nodedev->calls) == 0;
}


gboolean
nodedevSessionUses(const NodedevSession *nodedev)
{
    return nodedev->uses && g_hash_table_size(nodedev->uses) > 0;
}


/* --- to and from the listener --- */

/* The listener has gone: what was asked fails, and so does what is asked from
 * now on. */
static void
nodedevLose(Session *session)
{
    NodedevSession *nodedev = session->nodedev;
    g_autofree char *text = g_strdup(_("the daemon that keeps the definitions has ended"));
    NodedevMessage reply = {
        .kind = NODEDEV_ERROR,
        .value = VIR_ERR_INTERNAL_ERROR,
        .text = text,
        .textLen = strlen(text),
    };

    if (nodedev->fd >= 0)
        close(nodedev->fd);
    nodedev->fd = -1;

    while (g_hash_table_size(nodedev->calls) > 0) {
        g_autoptr(NodedevCall) call = NULL;
        GHashTableIter iter;
        void *serial;
        void *value;

        g_hash_table_iter_init(&iter, nodedev->calls);
        g_hash_table_iter_next(&iter, &serial, &value);
        g_hash_table_iter_steal(&iter);
        call = value;
        call->func(session, call, &reply);
    }
}


/* FALSE: the listener has gone. */
static gboolean
nodedevSend(Session *session, const NodedevMessage *message)
{
    g_autoptr(GByteArray) packet = nodedevMessageEncode(message);
    ssize_t sent;

    g_return_val_if_fail(packet, FALSE);

    /* This can wait until the listener reads; see NODEDEV_SEND_TIMEOUT. */
    do {
        sent = send(session->nodedev->fd, packet->data, packet->len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}


/* Asks; FUNC gets the reply, and CALL is freed behind it. */
static void
nodedevAsk(Session *session,
           NodedevCall *call,
           NodedevKind kind,
           const char *name,
           const char *text,
           gsize textLen,
           NodedevReplyFunc func)
{
    NodedevSession *nodedev = session->nodedev;
    NodedevMessage message = {
        .kind = kind,
        .serial = ++nodedev->serial,
        .value = call->value,
        .name = name,
        .nameLen = name ? strlen(name) : 0,
        .text = text,
        .textLen = textLen,
    };

    call->func = func;
    g_hash_table_insert(nodedev->calls, GUINT_TO_POINTER(message.serial), call);
    if (!nodedevSend(session, &message))
        nodedevLose(session);
}


static NodedevCall *
nodedevCallNew(const RPCHeader *header, const Procedure *proc)
{
    NodedevCall *call = g_new0(NodedevCall, 1);

    call->header = *header;
    call->proc = proc;
    return call;
}


/* --- replies to the client --- */

static void
nodedevReplyError(Session *session, const RPCHeader *header, int code, const char *message)
{
    g_autoptr(GError) err = NULL;

    emulatedPCIReportError(&err, code, "%s", message);
    sessionReplyErrorFrom(session, header, VIR_FROM_NODEDEV, err);
}


static void
nodedevReplyString(Session *session, const RPCHeader *header, const char *str, guint len)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteString(payload, str, len);
    sessionReply(session, header, payload);
}


static void
nodedevReplyInt(Session *session, const RPCHeader *header, gint32 value)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteI32(payload, value);
    sessionReply(session, header, payload);
}


/* TRUE if REPLY is of KIND; else the client has got its error. */
static gboolean
nodedevCheck(Session *session, const RPCHeader *header, const NodedevMessage *reply,
             NodedevKind kind)
{
    g_autofree char *text = NULL;

    if (reply->kind == kind)
        return TRUE;

    text = reply->kind == NODEDEV_ERROR ? g_strndup(reply->text, reply->textLen) :
        g_strdup(_("the listener's answer makes no sense"));
    nodedevReplyError(session, header,
                      reply->kind == NODEDEV_ERROR ? (int) reply->value : VIR_ERR_INTERNAL_ERROR,
                      text);
    return FALSE;
}


/* --- one definition --- */

static void
nodedevReplyCaps(Session *session, const NodedevCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteU32(payload, call->value > 0 ? 1 : 0);
    if (call->value > 0)
        rpcWriteString(payload, NODEDEV_CAPABILITY, strlen(NODEDEV_CAPABILITY));
    sessionReply(session, &call->header, payload);
}


static void
nodedevReplyParent(Session *session, const NodedevCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();

    rpcWriteOptString(payload, NODEDEV_PARENT, strlen(NODEDEV_PARENT));
    sessionReply(session, &call->header, payload);
}


/* What there is to know about a definition: the answer to all questions. */
static void
nodedevGotDefinition(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    const RPCHeader *header = &call->header;
    g_autofree char *message = NULL;

    if (!nodedevCheck(session, header, reply, NODEDEV_DEFINITION))
        return;

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_LOOKUP_BY_NAME:
        nodedevReplyString(session, header, reply->name, reply->nameLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_XML_DESC:
        nodedevReplyString(session, header, reply->text, reply->textLen);
        return;
    case PROCEDURE_NODE_DEVICE_GET_PARENT:
        nodedevReplyParent(session, call);
        return;
    case PROCEDURE_NODE_DEVICE_NUM_OF_CAPS:
        nodedevReplyInt(session, header, 1);
        return;
    case PROCEDURE_NODE_DEVICE_LIST_CAPS:
        nodedevReplyCaps(session, call);
        return;
    case PROCEDURE_NODE_DEVICE_GET_AUTOSTART:
        nodedevReplyInt(session, header, (reply->value & NODEDEV_AUTOSTART) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_PERSISTENT:
        nodedevReplyInt(session, header, (reply->value & NODEDEV_PERSISTENT) != 0);
        return;
    case PROCEDURE_NODE_DEVICE_IS_ACTIVE:
        nodedevReplyInt(session, header, (reply->value & NODEDEV_ACTIVE) != 0);
        return;
    default:
        message = g_strdup_printf(_("device %1$s is not a PCI device"), call->name);
        nodedevReplyError(session, header, VIR_ERR_INVALID_ARG, message);
    }
}


static void
nodedevChanged(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    if (nodedevCheck(session, &call->header, reply, NODEDEV_DONE))
        sessionReply(session, &call->header, NULL);
}


/* A definition is there: the client gets the device. */
static void
nodedevDefined(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    if (nodedevCheck(session, &call->header, reply, NODEDEV_DONE))
        nodedevReplyString(session, &call->header, reply->name, reply->nameLen);
}


/* TRUE if this connection may not change anything; the client knows it now. */
static gboolean
nodedevRefuseReadOnly(Session *session, const RPCHeader *header)
{
    if (!session->readonly)
        return FALSE;
    nodedevReplyError(session, header, VIR_ERR_OPERATION_DENIED,
                      _("read only access prevents changes of definitions"));
    return TRUE;
}


/* TRUE if FLAGS has other ones than SUPPORTED; the client knows it now. */
static gboolean
nodedevRefuseFlags(Session *session, const RPCHeader *header, guint32 flags, guint32 supported)
{
    g_autofree char *message = NULL;

    if ((flags & ~supported) == 0)
        return FALSE;
    message = g_strdup_printf(_("unsupported flags (0x%1$x) for a definition"), flags & ~supported);
    nodedevReplyError(session, header, VIR_ERR_INVALID_ARG, message);
    return TRUE;
}


static gboolean
nodedevIsOurs(const char *name, guint len)
{
    return len > strlen(NODEDEV_PREFIX) &&
        memcmp(name, NODEDEV_PREFIX, strlen(NODEDEV_PREFIX)) == 0;
}


static void
nodedevChangeByName(Session *session, NodedevCall *call, NodedevKind kind, guint32 flags)
{
    if (nodedevRefuseReadOnly(session, &call->header) ||
        nodedevRefuseFlags(session, &call->header, flags, 0)) {
        nodedevCallFree(call);
        return;
    }
    nodedevAsk(session, call, kind, call->name, NULL, 0, nodedevChanged);
}


static void nodedevDefine(Session *session, const RPCHeader *header, RPCFrame *frame);


/* A call whose first argument is the name of a device. */
static gboolean
nodedevCallByName(Session *session,
                  const RPCHeader *header,
                  const Procedure *proc,
                  RPCFrame *frame)
{
    RPCReader reader;
    NodedevCall *call;
    const char *name;
    guint32 word = 0;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &name, &len) || !nodedevIsOurs(name, len) ||
        (proc->layout[1] && strchr("fu", proc->layout[1]) && !rpcReadU32(&reader, &word)))
        return FALSE;

    if (len > NODEDEV_STRINGS_MAX) {
        nodedevReplyError(session, header, VIR_ERR_NO_NODE_DEVICE,
                          _("the name is longer than that of any node device"));
        return TRUE;
    }

    call = nodedevCallNew(header, proc);
    call->name = g_strndup(name, len);

    switch (header->procedure) {
    case PROCEDURE_NODE_DEVICE_DESTROY:
        nodedevChangeByName(session, call, NODEDEV_DESTROY, 0);
        break;
    case PROCEDURE_NODE_DEVICE_UNDEFINE:
        nodedevChangeByName(session, call, NODEDEV_UNDEFINE, word);
        break;
    case PROCEDURE_NODE_DEVICE_CREATE:
        nodedevChangeByName(session, call, NODEDEV_START, word);
        break;
    case PROCEDURE_NODE_DEVICE_SET_AUTOSTART:
        call->value = word;
        nodedevChangeByName(session, call, NODEDEV_SET_AUTOSTART, 0);
        break;
    default:
        call->value = word;
        nodedevAsk(session, call, NODEDEV_GET, call->name, NULL, 0, nodedevGotDefinition);
        break;
    }
    return TRUE;
}


/* --- XML of a definition --- */

static xmlNodePtr
nodedevChild(xmlNodePtr parent, const char *name)
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
nodedevAttributeIs(const xmlAttr *attr, const char *value)
{
    const xmlNode *text = attr ? attr->children : NULL;

    return text && !text->next && text->type == XML_TEXT_NODE &&
        strcmp((const char *) text->content, value) == 0;
}


/* Whether XML, which no parser has read, looks like a definition. */
static gboolean
nodedevMeansDefinition(const char *xml, gsize len, const EmulatedPCIXMLFacts *facts)
{
    return facts->isRoot && (g_strstr_len(xml, len, "'" NODEDEV_CAPABILITY "'") ||
                             g_strstr_len(xml, len, "\"" NODEDEV_CAPABILITY "\""));
}


/* Whether XML is a definition's; *NAME gets its name, or NULL if that is no text.
 * ERR is set for a definition that is too long or that no parser is to read. What
 * is not well-formed is libvirt's to complain about. */
static gboolean
nodedevXMLIsOurs(const char *xml, gsize len, char **name, GError **err)
{
    EmulatedPCIXMLFacts facts;
    g_autoptr(GError) refused = NULL;
    xmlDocPtr doc;
    xmlNodePtr root;
    xmlNodePtr child;
    gboolean ours = FALSE;

    *name = NULL;
    if (!g_strstr_len(xml, len, NODEDEV_CAPABILITY))
        return FALSE;

    emulatedPCIXMLLook(xml, len, "device", &facts);
    if (len > NODEDEV_STRINGS_MAX) {
        emulatedPCIReportError(&refused, VIR_ERR_XML_ERROR,
                               _("the XML of the definition has more than %1$d bytes"),
                               NODEDEV_STRINGS_MAX);
    }
    if (refused || !emulatedPCIXMLAccept(xml, &facts, &refused)) {
        if (!nodedevMeansDefinition(xml, len, &facts))
            return FALSE;
        g_propagate_error(err, g_steal_pointer(&refused));
        return TRUE;
    }

    doc = emulatedPCIXMLParse(xml, len, NODEDEV_STRINGS_MAX, NULL, NULL);
    if (!doc)
        return FALSE;

    root = xmlDocGetRootElement(doc);
    if (strcmp((const char *) root->name, "device") == 0 &&
        (child = nodedevChild(root, "capability")))
        ours = nodedevAttributeIs(xmlHasProp(child, BAD_CAST "type"), NODEDEV_CAPABILITY);
    if (ours && (child = nodedevChild(root, "name")))
        *name = emulatedPCIXMLReadText(child, NULL);
    xmlFreeDoc(doc);
    return ours;
}


/* Asks the listener to take the definition in FRAME, which is valid as far as
 * a grammar can tell. */
static void
nodedevDefine(Session *session, const RPCHeader *header, RPCFrame *frame)
{
    const Procedure *proc = procedureLookup(header->procedure);
    gboolean create = header->procedure == PROCEDURE_NODE_DEVICE_CREATE_XML;
    gboolean update = header->procedure == PROCEDURE_NODE_DEVICE_UPDATE;
    g_autoptr(RPCFrame) call = frame;
    RewriteArguments args;

    if (!rewriteRead(proc, call->bytes, RPC_HEADER_SIZE, &args))
        return;
    nodedevAsk(session, nodedevCallNew(header, proc), create ? NODEDEV_CREATE : NODEDEV_DEFINE,
               NULL, args.xml, args.xmlLen, update ? nodedevChanged : nodedevDefined);
}


static void
nodedevGotUpdated(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    if (nodedevCheck(session, &call->header, reply, NODEDEV_DEFINITION))
        nodedevDefine(session, &call->header, g_steal_pointer(&call->frame));
}


/* An update is the same definition again, of a device that is there. */
static gboolean
nodedevCallUpdate(Session *session,
                  const RPCHeader *header,
                  const Procedure *proc,
                  RPCFrame *frame,
                  const char *name)
{
    g_autofree char *wanted = NULL;
    NodedevCall *call;
    RPCReader reader;
    const char *text;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadString(&reader, RPC_STRING_MAX, &text, &len) || !nodedevIsOurs(text, len))
        return FALSE;

    wanted = g_strndup(text, len);
    if (g_strcmp0(name, wanted) != 0) {
        g_autofree char *message =
            g_strdup_printf(_("the definition of '%1$s' cannot become one of '%2$s'"), wanted,
                            name ? name : "");

        nodedevReplyError(session, header, VIR_ERR_CONFIG_UNSUPPORTED, message);
        return TRUE;
    }

    call = nodedevCallNew(header, proc);
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    nodedevAsk(session, call, NODEDEV_GET, wanted, NULL, 0, nodedevGotUpdated);
    return TRUE;
}


static gboolean
nodedevCallXML(Session *session,
               const RPCHeader *header,
               const Procedure *proc,
               RPCFrame *frame)
{
    g_autofree char *name = NULL;
    g_autoptr(RPCFrame) call = NULL;
    g_autoptr(GError) err = NULL;
    RewriteArguments args;

    if (!rewriteRead(proc, frame->bytes, RPC_HEADER_SIZE, &args) || !args.xml ||
        !nodedevXMLIsOurs(args.xml, args.xmlLen, &name, &err))
        return FALSE;

    if (nodedevRefuseReadOnly(session, header))
        return TRUE;
    if (err) {
        sessionReplyError(session, header, err);
        return TRUE;
    }

    if (header->procedure == PROCEDURE_NODE_DEVICE_UPDATE)
        return nodedevCallUpdate(session, header, proc, frame, name);
    if (nodedevRefuseFlags(session, header, args.flags, proc->validate))
        return TRUE;

    call = rpcFrameNew(g_byte_array_ref(frame->bytes));
    if (args.flags & proc->validate) {
        validateJobStart(session, header, args.xml, args.xmlLen, g_steal_pointer(&call),
                         nodedevDefine);
    } else {
        nodedevDefine(session, header, g_steal_pointer(&call));
    }
    return TRUE;
}


/* --- lists --- */

/* Whether an error of upstream's says that it has no node devices at all: no driver for
 * them, or, where they have a daemon of their own, no socket of that daemon. All other errors mean
 * that it has node devices and could not list them, so that a list without them would be
 * wrong. */
static gboolean
nodedevHasNoDriver(const RPCFrame *reply)
{
    RPCErrorReply error;

    if (!rpcMessageReadErrorReply(reply->bytes, &error))
        return FALSE;
    return error.code == VIR_ERR_NO_SUPPORT || error.code == VIR_ERR_NO_CONNECT ||
        (error.code == VIR_ERR_SYSTEM_ERROR && error.errnum == ENOENT);
}


static gboolean
nodedevListMatches(const NodedevCall *call, guint32 state)
{
    guint32 flags = call->flags;

    if (flags & (NODEDEV_LIST_ACTIVE | NODEDEV_LIST_INACTIVE) &&
        !(flags & (state & NODEDEV_ACTIVE ? NODEDEV_LIST_ACTIVE : NODEDEV_LIST_INACTIVE)))
        return FALSE;
    if (flags & (NODEDEV_LIST_PERSISTENT | NODEDEV_LIST_TRANSIENT) &&
        !(flags & (state & NODEDEV_PERSISTENT ? NODEDEV_LIST_PERSISTENT :
                   NODEDEV_LIST_TRANSIENT)))
        return FALSE;
    return TRUE;
}


static void
nodedevReplyList(Session *session, const NodedevCall *call)
{
    g_autoptr(GByteArray) payload = g_byte_array_new();
    gboolean all = call->header.procedure == PROCEDURE_CONNECT_LIST_ALL_NODE_DEVICES;

    if (call->count > NODEDEV_LIST_MAX) {
        nodedevReplyError(session, &call->header, VIR_ERR_RPC,
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
nodedevGotNames(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    g_autofree char *last = NULL;
    const char *name = NULL;
    guint32 state;
    guint offset = 0;
    guint len = 0;

    if (!nodedevCheck(session, &call->header, reply, NODEDEV_NAMES))
        return;

    while (nodedevNamesNext(reply->text, reply->textLen, &offset, &name, &len, &state)) {
        if (!nodedevListMatches(call, state))
            continue;
        if (call->header.procedure == PROCEDURE_NODE_LIST_DEVICES && call->count >= call->value)
            continue;
        if (call->results)
            rpcWriteString(call->list, name, len);
        call->count++;
    }

    if (reply->value && name) {
        NodedevCall *more = nodedevCallNew(&call->header, call->proc);

        more->value = call->value;
        more->flags = call->flags;
        more->results = call->results;
        more->list = g_steal_pointer(&call->list);
        more->count = call->count;
        last = g_strndup(name, len);
        nodedevAsk(session, more, NODEDEV_LIST, last, NULL, 0, nodedevGotNames);
        return;
    }
    nodedevReplyList(session, call);
}


/* Upstream's part of the list. */
static gboolean
nodedevReadList(NodedevCall *call, const RPCFrame *reply)
{
    gsize size = reply->bytes->len - RPC_HEADER_SIZE;
    const guint8 *data = reply->bytes->data + RPC_HEADER_SIZE;
    RPCReader reader;

    rpcReaderInit(&reader, data, size);
    if (!rpcReadU32(&reader, &call->count) || call->count > NODEDEV_LIST_MAX)
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
nodedevGotList(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(NodedevCall) call = opaque;

    session->nodedev->upstream--;
    if (header->status != RPC_OK ? !nodedevHasNoDriver(reply) : !nodedevReadList(call, reply)) {
        sessionForward(session, &call->header, g_steal_pointer(&reply));
        return;
    }
    nodedevAsk(session, g_steal_pointer(&call), NODEDEV_LIST, NULL, NULL, 0, nodedevGotNames);
}


static gboolean
nodedevCallList(Session *session,
                const RPCHeader *header,
                const Procedure *proc,
                RPCFrame *frame)
{
    const guint8 *data = frame->bytes->data + RPC_HEADER_SIZE;
    gsize size = frame->bytes->len - RPC_HEADER_SIZE;
    g_autoptr(NodedevCall) call = nodedevCallNew(header, proc);
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
            call->flags & ~NODEDEV_LIST_FILTERS)
            return FALSE;
        call->results = results != 0;
    } else if (!rpcReadOptString(&reader, RPC_STRING_MAX, &cap, &len) ||
               (call->results && !rpcReadU32(&reader, &call->value))) {
        return FALSE;
    }

    if (cap) {
        if (len != strlen(NODEDEV_CAPABILITY) || memcmp(cap, NODEDEV_CAPABILITY, len) != 0)
            return FALSE;
        nodedevAsk(session, g_steal_pointer(&call), NODEDEV_LIST, NULL, NULL, 0, nodedevGotNames);
        return TRUE;
    }

    payload = g_byte_array_new();
    g_byte_array_append(payload, data, size);
    session->nodedev->upstream++;
    sessionCallFull(session, header->procedure, payload, nodedevGotList, g_steal_pointer(&call),
                    (GDestroyNotify) nodedevCallFree);
    return TRUE;
}


/* --- events --- */

static void
nodedevAddCallback(Session *session, const NodedevCall *call, gint32 callbackID)
{
    NodedevSession *nodedev = session->nodedev;
    NodedevCallback callback = {
        .callbackID = callbackID,
        .event = call->value,
        .name = g_strdup(call->name),
    };

    if (!nodedev->callbacks) {
        nodedev->callbacks = g_array_new(FALSE, FALSE, sizeof(NodedevCallback));
        g_array_set_clear_func(nodedev->callbacks, nodedevCallbackClear);
    }
    g_array_append_val(nodedev->callbacks, callback);
}


static void
nodedevGotCallback(Session *session, const RPCHeader *header, RPCFrame *frame, void *opaque)
{
    g_autoptr(RPCFrame) reply = frame;
    g_autoptr(NodedevCall) call = opaque;
    RPCReader reader;
    gint32 id;

    session->nodedev->upstream--;
    if (header->status != RPC_OK && nodedevHasNoDriver(reply)) {
        id = NODEDEV_CALLBACK_OWN + session->nodedev->ownCallbacks++;
        nodedevAddCallback(session, call, id);
        nodedevReplyInt(session, &call->header, id);
        return;
    }

    rpcReaderInit(&reader, reply->bytes->data + RPC_HEADER_SIZE,
                  reply->bytes->len - RPC_HEADER_SIZE);
    if (header->status == RPC_OK && rpcReadI32(&reader, &id))
        nodedevAddCallback(session, call, id);
    sessionForward(session, &call->header, g_steal_pointer(&reply));
}


/* The listener will tell; now upstream is asked to. */
static void
nodedevSubscribed(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    NodedevCall *next;
    g_autoptr(GByteArray) payload = NULL;

    if (!nodedevCheck(session, &call->header, reply, NODEDEV_DONE))
        return;

    next = nodedevCallNew(&call->header, call->proc);
    next->name = g_steal_pointer(&call->name);
    next->value = call->flags;
    payload = g_byte_array_new();
    g_byte_array_append(payload, call->frame->bytes->data + RPC_HEADER_SIZE,
                        call->frame->bytes->len - RPC_HEADER_SIZE);
    session->nodedev->upstream++;
    sessionCallFull(session, call->header.procedure, payload, nodedevGotCallback, next,
                    (GDestroyNotify) nodedevCallFree);
}


static gboolean
nodedevCallRegister(Session *session,
                    const RPCHeader *header,
                    const Procedure *proc,
                    RPCFrame *frame)
{
    g_autoptr(NodedevCall) call = nodedevCallNew(header, proc);
    RPCReader reader;
    const char *name;
    guint len;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!rpcReadU32(&reader, &call->flags) || call->flags > VIR_NODE_DEVICE_EVENT_ID_UPDATE ||
        !rpcReadOptString(&reader, RPC_STRING_MAX, &name, &len))
        return FALSE;
    if (session->nodedev->callbacks && session->nodedev->callbacks->len >= NODEDEV_CALLBACKS_MAX) {
        nodedevReplyError(session, header, VIR_ERR_OPERATION_FAILED,
                          _("too many registrations for events of node devices"));
        return TRUE;
    }

    call->name = name ? g_strndup(name, len) : NULL;
    call->frame = rpcFrameNew(g_byte_array_ref(frame->bytes));
    call->value = 1;
    nodedevAsk(session, g_steal_pointer(&call), NODEDEV_SUBSCRIBE, NULL, NULL, 0,
               nodedevSubscribed);
    return TRUE;
}


static gboolean
nodedevCallDeregister(Session *session, const RPCHeader *header, RPCFrame *frame)
{
    GArray *callbacks = session->nodedev->callbacks;
    RPCReader reader;
    gint32 id;
    guint i;

    rpcReaderInit(&reader, frame->bytes->data + RPC_HEADER_SIZE,
                  frame->bytes->len - RPC_HEADER_SIZE);
    if (!callbacks || !rpcReadI32(&reader, &id))
        return FALSE;

    for (i = 0; i < callbacks->len; i++) {
        if (g_array_index(callbacks, NodedevCallback, i).callbackID != id)
            continue;
        g_array_remove_index(callbacks, i);
        if (id < NODEDEV_CALLBACK_OWN)
            return FALSE;
        sessionReply(session, header, NULL);
        return TRUE;
    }
    return FALSE;
}


static void
nodedevTellClient(Session *session, const NodedevCallback *callback, const NodedevMessage *event)
{
    gboolean lifecycle = event->kind == NODEDEV_LIFECYCLE;
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = lifecycle ? PROCEDURE_NODE_DEVICE_EVENT_LIFECYCLE :
            PROCEDURE_NODE_DEVICE_EVENT_UPDATE,
        .type = RPC_MESSAGE,
    };
    GByteArray *frame;

    if (rpcChannelInjected(session->toClient) > NODEDEV_EVENTS_MAX) {
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
nodedevGotEvent(Session *session, const NodedevMessage *event)
{
    const GArray *callbacks = session->nodedev->callbacks;
    guint id = event->kind == NODEDEV_LIFECYCLE ? VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE :
        VIR_NODE_DEVICE_EVENT_ID_UPDATE;
    guint i;

    for (i = 0; callbacks && i < callbacks->len; i++) {
        const NodedevCallback *callback = &g_array_index(callbacks, NodedevCallback, i);

        if (callback->event == id &&
            (!callback->name || (strlen(callback->name) == event->nameLen &&
                                 memcmp(callback->name, event->name, event->nameLen) == 0)))
            nodedevTellClient(session, callback, event);
    }
}


/* --- definitions that a domain refers to --- */

const EmulatedPCIDef *
nodedevSessionDefinition(const char *name, void *opaque, GError **err)
{
    Session *session = opaque;
    NodedevSession *nodedev = session->nodedev;
    const NodedevKnown *known;
    const EmulatedPCIDef *def;
    const GError *error;

    if (nodedev->fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("the definition '%1$s' cannot be looked up: the daemon that "
                                 "keeps the definitions has ended"), name);
        return NULL;
    }

    def = nodedev->definitions ? g_hash_table_lookup(nodedev->definitions, name) : NULL;
    if (def)
        return def;
    known = nodedev->known ? g_hash_table_lookup(nodedev->known, name) : NULL;
    if (known && known->builtIn)
        return known->def;
    error = nodedev->errors ? g_hash_table_lookup(nodedev->errors, name) : NULL;
    if (error) {
        g_propagate_error(err, g_error_copy(error));
        return NULL;
    }

    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("definition '%1$s' cannot be used: a document may refer to %2$d "
                             "definitions"), name, NODEDEV_WANTED_MAX);
    return NULL;
}


void
nodedevSessionWant(Session *session, const char *name)
{
    NodedevSession *nodedev = session->nodedev;
    const NodedevKnown *known = nodedev->known ? g_hash_table_lookup(nodedev->known, name) : NULL;

    if (known && known->builtIn)
        return;
    if (!nodedev->wanted)
        nodedev->wanted = g_ptr_array_new_with_free_func(g_free);
    if (nodedev->wanted->len < NODEDEV_WANTED_MAX &&
        !g_ptr_array_find_with_equal_func(nodedev->wanted, name, g_str_equal, NULL))
        g_ptr_array_add(nodedev->wanted, g_strdup(name));
}


gboolean
nodedevSessionWants(const Session *session)
{
    return session->nodedev->wanted && session->nodedev->wanted->len > 0;
}


void
nodedevSessionForget(Session *session)
{
    if (!session->nodedev)
        return;
    g_clear_pointer(&session->nodedev->definitions, g_hash_table_unref);
    g_clear_pointer(&session->nodedev->errors, g_hash_table_unref);
    g_clear_pointer(&session->nodedev->wanted, g_ptr_array_unref);
    if (session->nodedev->known && g_hash_table_size(session->nodedev->known) > NODEDEV_KNOWN_MAX)
        g_clear_pointer(&session->nodedev->known, g_hash_table_unref);
}


/* Built-in definitions have to be asked for again. */
static void
nodedevDoubt(NodedevSession *nodedev)
{
    GHashTableIter iter;
    void *known;

    if (!nodedev->known)
        return;
    g_hash_table_iter_init(&iter, nodedev->known);
    while (g_hash_table_iter_next(&iter, NULL, &known))
        ((NodedevKnown *) known)->builtIn = FALSE;
}


/* The definition in REPLY, for NAME, which stays the session's; read only if it is not
 * the one that came the last time. NULL with ERR set. */
static EmulatedPCIDef *
nodedevKnow(NodedevSession *nodedev, const char *name, const NodedevMessage *reply, GError **err)
{
    NodedevKnown *known = nodedev->known ? g_hash_table_lookup(nodedev->known, name) : NULL;

    if (!known || g_bytes_get_size(known->text) != reply->textLen ||
        memcmp(g_bytes_get_data(known->text, NULL), reply->text, reply->textLen) != 0 ||
        strlen(known->def->definition) != reply->nameLen ||
        memcmp(known->def->definition, reply->name, reply->nameLen) != 0) {
        EmulatedPCIDef *def = emulatedPCIDefParseString(reply->text, reply->textLen, err);

        if (!def)
            return NULL;
        g_free(def->definition);
        def->definition = g_strndup(reply->name, reply->nameLen);

        known = g_new0(NodedevKnown, 1);
        known->text = g_bytes_new(reply->text, reply->textLen);
        known->def = def;
        if (!nodedev->known)
            nodedev->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, nodedevKnownFree);
        g_hash_table_replace(nodedev->known, g_strdup(name), known);
    }
    known->builtIn = (reply->value & NODEDEV_BUILT_IN) != 0;
    return known->def;
}


static void nodedevGotUse(Session *session, NodedevCall *call, const NodedevMessage *reply);


/* Asks for the definitions that are missing still, as many at once as may be, and goes on
 * with the call when all are there. */
static void
nodedevAskWanted(Session *session)
{
    NodedevSession *nodedev = session->nodedev;
    RPCHeader header = nodedev->header;

    nodedev->asking = TRUE;
    while (nodedev->asked < nodedev->wanted->len && nodedev->fetching < NODEDEV_WANTED_AT_ONCE) {
        NodedevCall *use = nodedevCallNew(&header, NULL);

        use->name = g_strdup(g_ptr_array_index(nodedev->wanted, nodedev->asked++));
        nodedev->fetching++;
        nodedevAsk(session, use, NODEDEV_USE, use->name, NULL, 0, nodedevGotUse);
    }
    nodedev->asking = FALSE;
    if (nodedev->fetching > 0)
        return;

    session->resolving = FALSE;
    nodedev->ready(session, &header, g_steal_pointer(&nodedev->frame));
}


static void
nodedevGotUse(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    NodedevSession *nodedev = session->nodedev;
    g_autofree char *text = g_strndup(reply->text, reply->textLen);
    g_autoptr(GError) err = NULL;
    EmulatedPCIDef *def = NULL;

    if (reply->kind == NODEDEV_DEFINITION)
        def = nodedevKnow(nodedev, call->name, reply, &err);
    else
        emulatedPCIReportError(&err, (int) reply->value, "%s", text);

    if (def)
        g_hash_table_insert(nodedev->definitions, g_strdup(call->name), def);
    else
        g_hash_table_insert(nodedev->errors, g_strdup(call->name), g_steal_pointer(&err));

    nodedev->fetching--;
    if (!nodedev->asking)
        nodedevAskWanted(session);
}


void
nodedevSessionFetch(Session *session,
                    const RPCHeader *header,
                    RPCFrame *call,
                    NodedevReadyFunc ready)
{
    NodedevSession *nodedev = session->nodedev;

    nodedev->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    nodedev->errors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify) g_error_free);
    if (!nodedev->uses)
        nodedev->uses = g_hash_table_new(NULL, NULL);
    g_hash_table_add(nodedev->uses, GUINT_TO_POINTER(header->serial));

    session->resolving = TRUE;
    nodedev->header = *header;
    nodedev->frame = call;
    nodedev->ready = ready;
    nodedev->asked = 0;
    nodedev->fetching = 0;
    nodedevAskWanted(session);
}


void
nodedevSessionEnded(Session *session, guint32 serial)
{
    NodedevSession *nodedev = session->nodedev;
    NodedevMessage release = { .kind = NODEDEV_RELEASE };

    if (!nodedev || !nodedev->uses ||
        !g_hash_table_remove(nodedev->uses, GUINT_TO_POINTER(serial)) ||
        g_hash_table_size(nodedev->uses) > 0)
        return;

    g_clear_pointer(&nodedev->uses, g_hash_table_unref);
    if (nodedev->fd >= 0 && !nodedevSend(session, &release))
        nodedevLose(session);
}


/* --- both --- */

gboolean
nodedevSessionCall(Session *session,
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
        return nodedevCallList(session, header, proc, call);
    case PROCEDURE_NODE_DEVICE_CREATE_XML:
    case PROCEDURE_NODE_DEVICE_DEFINE_XML:
    case PROCEDURE_NODE_DEVICE_UPDATE:
        return nodedevCallXML(session, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY:
        return nodedevCallRegister(session, header, proc, call);
    case PROCEDURE_CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY:
        return nodedevCallDeregister(session, header, call);
    default:
        return nodedevCallByName(session, header, proc, call);
    }
}


void
nodedevSessionRead(Session *session)
{
    NodedevSession *nodedev = session->nodedev;
    g_autofree guint8 *buffer = g_malloc(NODEDEV_MESSAGE_MAX + 1);
    g_autoptr(NodedevCall) call = NULL;
    NodedevMessage message;
    void *value = NULL;
    ssize_t got;

    session->busy = TRUE;
    do {
        got = recv(nodedev->fd, buffer, NODEDEV_MESSAGE_MAX + 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !nodedevMessageDecode(buffer, got, &message)) {
        nodedevLose(session);
        return;
    }

    if (message.kind == NODEDEV_RELOADED) {
        nodedevDoubt(nodedev);
        return;
    }
    if (message.kind == NODEDEV_LIFECYCLE || message.kind == NODEDEV_UPDATED) {
        nodedevGotEvent(session, &message);
        return;
    }

    if (g_hash_table_steal_extended(nodedev->calls, GUINT_TO_POINTER(message.serial), NULL,
                                    &value)) {
        call = value;
        call->func(session, call, &message);
    }
}


/* The reply to NODEDEV_LINK. */
static void
nodedevGotLink(Session *session, NodedevCall *call, const NodedevMessage *reply)
{
    NodedevSession *nodedev = session->nodedev;

    (void) call;
    nodedev->linking = FALSE;
    if (reply->kind != NODEDEV_DONE)
        nodedev->linkError = g_strndup(reply->text, reply->textLen);
}


/* Has the listener make the launcher of QEMU. Returns NULL, or why that failed, newly
 * allocated. */
static char *
nodedevMakeLink(Session *session, const char *qemu)
{
    NodedevSession *nodedev = session->nodedev;
    const gint64 deadline = g_get_monotonic_time() + NODEDEV_LINK_TIMEOUT * 1000LL;

    nodedev->linking = TRUE;
    nodedevAsk(session, g_new0(NodedevCall, 1), NODEDEV_LINK, qemu, NULL, 0, nodedevGotLink);
    while (nodedev->linking && nodedev->fd >= 0) {
        struct pollfd fd = { .fd = nodedev->fd, .events = POLLIN };
        const gint64 left = deadline - g_get_monotonic_time();

        if (left <= 0)
            break;
        if (poll(&fd, 1, left / 1000 + 1) > 0)
            nodedevSessionRead(session);
    }
    if (!nodedev->linking)
        return g_steal_pointer(&nodedev->linkError);
    nodedev->linking = FALSE;
    return g_strdup(_("the daemon does not answer"));
}


gboolean
nodedevSessionLauncher(const char *qemu, const char *launcher, void *opaque, GError **err)
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
    failure = session->nodedev && session->nodedev->fd >= 0 ?
        nodedevMakeLink(session, qemu) : g_strdup(_("the daemon does not answer"));
    if (!failure)
        return TRUE;
    launchLinkReport(qemu, launcher, failure, err);
    return FALSE;
}
