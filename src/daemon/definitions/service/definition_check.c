/*
 * definition_check.c: checks that the listener makes with libvirtd
 *
 * A client of libvirtd that makes one call at a time and waits for the reply.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "definition_check.h"
#include "login_session.h"
#include "rpc_frame.h"
#include "rpc_message.h"
#include "rpc_procedures.h"
#include "rpc_xdr.h"
#include "upstream.h"

#include "full-read.h"
#include "full-write.h"
#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The longest time that a check may take, in seconds */
#define CHECK_TIMEOUT 30

/* The maximum number of domains that a message names */
#define CHECK_NAMES 8

#define CHECK_AUTH_TYPE_NONE 0
#define CHECK_AUTH_TYPE_POLKIT 2
#define CHECK_AUTH_TYPES_MAX 20
#define CHECK_UUID_SIZE 16

typedef struct {
    int fd;
    guint32 serial;
} CheckConnection;


/* Sends the whole FRAME, and replaces it by the reply. */
static gboolean
checkExchange(CheckConnection *conn, GByteArray *frame, RPCHeader *header)
{
    guint32 serial = header->serial;
    gsize rest;

    if (full_write(conn->fd, frame->data, frame->len) != frame->len)
        return FALSE;

    do {
        g_byte_array_set_size(frame, RPC_HEADER_SIZE);
        if (full_read(conn->fd, frame->data, RPC_HEADER_SIZE) != RPC_HEADER_SIZE)
            return FALSE;
        rpcHeaderDecode(frame->data, header);
        if (!rpcLengthIsValid(header->length))
            return FALSE;
        rest = header->length - RPC_HEADER_SIZE;
        g_byte_array_set_size(frame, header->length);
        if (full_read(conn->fd, frame->data + RPC_HEADER_SIZE, rest) != rest)
            return FALSE;
    } while (header->type != RPC_REPLY || header->serial != serial);
    return TRUE;
}


/* Calls PROCEDURE with ARGS. Returns the payload of the reply, or NULL with ERR set to libvirtd's
 * error, or to another one if there is no reply. */
static GByteArray *
checkCall(CheckConnection *conn, guint32 procedure, const GByteArray *args, GError **err)
{
    RPCHeader header = {
        .program = RPC_PROGRAM_REMOTE,
        .version = 1,
        .procedure = procedure,
        .type = RPC_CALL,
        .serial = ++conn->serial,
    };
    g_autoptr(GByteArray) frame = rpcMessageNew(&header);
    g_autofree char *message = NULL;
    int code = VIR_ERR_RPC;

    if (args)
        g_byte_array_append(frame, args->data, args->len);
    rpcMessageFinish(frame);
    if (!checkExchange(conn, frame, &header)) {
        emulatedPCIReportError(err, VIR_ERR_RPC, "%s", _("libvirtd has closed the connection"));
        return NULL;
    }

    if (header.status == RPC_OK) {
        g_byte_array_remove_range(frame, 0, RPC_HEADER_SIZE);
        return g_steal_pointer(&frame);
    }
    if (!rpcMessageReadError(frame, &code, &message))
        message = g_strdup(_("malformed error reply"));
    emulatedPCIReportError(err, code, "%s", message);
    return NULL;
}


/* Performs the authentication methods that do not require a user. */
static gboolean
checkAuthenticate(CheckConnection *conn, GError **err)
{
    g_autoptr(GByteArray) reply = checkCall(conn, PROCEDURE_AUTH_LIST, NULL, err);
    g_autoptr(GByteArray) done = NULL;
    gboolean polkit = FALSE;
    RPCReader reader;
    guint32 count;
    guint32 type;

    if (!reply)
        return FALSE;

    rpcReaderInit(&reader, reply->data, reply->len);
    if (!rpcReadU32(&reader, &count) || count > CHECK_AUTH_TYPES_MAX)
        count = 0;
    while (count-- > 0 && rpcReadU32(&reader, &type)) {
        if (type == CHECK_AUTH_TYPE_NONE)
            return TRUE;
        polkit |= type == CHECK_AUTH_TYPE_POLKIT;
    }

    if (!polkit) {
        emulatedPCIReportError(err, VIR_ERR_AUTH_FAILED, "%s",
                               _("unsupported authentication of libvirtd: 'none' or 'polkit' is required"));
        return FALSE;
    }
    done = checkCall(conn, PROCEDURE_AUTH_POLKIT, NULL, err);
    return done != NULL;
}


/* Opens the connection. The path does not tell whether libvirtd is the system's or the user's:
 * if SYSTEM is set, the system's is tried first. */
static gboolean
checkOpen(CheckConnection *conn, gboolean system, GError **err)
{
    static const char *const uris[] = { "qemu:///system", "qemu:///session" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(uris); i++) {
        g_autoptr(GByteArray) args = g_byte_array_new();
        g_autoptr(GByteArray) reply = NULL;

        const char *uri = uris[system ? i : 1 - i];

        rpcWriteOptString(args, uri, strlen(uri));
        rpcWriteU32(args, 0);
        g_clear_error(err);
        reply = checkCall(conn, PROCEDURE_CONNECT_OPEN, args, err);
        if (reply)
            return TRUE;
    }
    return FALSE;
}


/* Searches libvirt's XML of a domain for a device of this definition. Returns 1, 0, or -1 with ERR
 * set. */
static int
checkXML(CheckConnection *conn,
         const guint8 *domain,
         guint domainLen,
         guint32 flags,
         const char *pattern,
         GError **err)
{
    g_autoptr(GByteArray) args = g_byte_array_new();
    g_autoptr(GByteArray) reply = NULL;
    g_autoptr(GError) failed = NULL;

    g_byte_array_append(args, domain, domainLen);
    rpcWriteU32(args, flags);
    reply = checkCall(conn, PROCEDURE_DOMAIN_GET_XML_DESC, args, &failed);
    if (reply)
        return memmem(reply->data, reply->len, pattern, strlen(pattern)) != NULL;

    /* The domain has been removed in the meantime. */
    if (failed->code == VIR_ERR_NO_DOMAIN)
        return 0;
    g_propagate_error(err, g_steal_pointer(&failed));
    return -1;
}


static gint
checkCompareNames(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* Fills in RESULT from the names of the domains that use the definition. */
static void
checkNameUsers(DefinitionCheckResult *result, GPtrArray *users)
{
    g_autoptr(GString) names = g_string_new(NULL);
    guint i;

    g_ptr_array_sort(users, checkCompareNames);
    for (i = 0; i < users->len && i < CHECK_NAMES; i++)
        g_string_append_printf(names, "%s'%s'", i > 0 ? ", " : "",
                               (const char *) g_ptr_array_index(users, i));
    if (users->len > CHECK_NAMES)
        g_string_append_printf(names, _(" and %1$u more"), users->len - CHECK_NAMES);

    result->users = users->len;
    g_strlcpy(result->message, names->str, sizeof(result->message));
}


static gboolean
checkMalformed(GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_RPC, "%s", _("Unable to decode message payload"));
    return FALSE;
}


static gboolean
checkDomains(CheckConnection *conn,
             const char *definition,
             DefinitionCheckResult *result,
             GError **err)
{
    /* This is libvirt's format of the lowered property. The name of a definition requires no
     * escaping. */
    g_autofree char *pattern =
        g_strdup_printf("<qemu:property name='definition' type='string' value='%s'/>", definition);
    g_autoptr(GPtrArray) users = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GByteArray) args = g_byte_array_new();
    g_autoptr(GByteArray) reply = NULL;
    RPCReader reader;
    guint32 count;

    rpcWriteU32(args, 1);
    rpcWriteU32(args, 0);
    reply = checkCall(conn, PROCEDURE_CONNECT_LIST_ALL_DOMAINS, args, err);
    if (!reply)
        return FALSE;

    /* A list that cannot be read must not look like one without users. */
    rpcReaderInit(&reader, reply->data, reply->len);
    if (!rpcReadU32(&reader, &count))
        return checkMalformed(err);

    while (count-- > 0) {
        guint start = rpcReaderPosition(&reader);
        const guint8 *uuid;
        const char *name;
        gint32 id;
        guint len;
        guint domainLen;
        int used;

        if (!rpcReadString(&reader, RPC_STRING_MAX, &name, &len) ||
            !rpcReadFixed(&reader, CHECK_UUID_SIZE, &uuid) || !rpcReadI32(&reader, &id))
            return checkMalformed(err);
        domainLen = rpcReaderPosition(&reader) - start;

        used = checkXML(conn, reply->data + start, domainLen, 0, pattern, err);
        if (used == 0 && id != -1)
            used = checkXML(conn, reply->data + start, domainLen, VIR_DOMAIN_XML_INACTIVE,
                            pattern, err);
        if (used < 0)
            return FALSE;
        if (used > 0)
            g_ptr_array_add(users, g_strndup(name, len));
    }

    checkNameUsers(result, users);
    return TRUE;
}


void
definitionCheckRun(const DefinitionCheckOptions *opts, DefinitionCheckResult *result)
{
    CheckConnection conn = { 0 };
    g_autoptr(GError) err = NULL;
    int errnum = 0;

    *result = (DefinitionCheckResult) { 0 };
    conn.fd = upstreamConnect(opts->paths, opts->own, opts->start, &errnum, &err);
    if (conn.fd >= 0) {
        fcntl(conn.fd, F_SETFL, fcntl(conn.fd, F_GETFL) & ~O_NONBLOCK);
        if (checkAuthenticate(&conn, &err) && checkOpen(&conn, opts->system, &err) &&
            opts->definition)
            checkDomains(&conn, opts->definition, result, &err);
        close(conn.fd);
    }

    if (err) {
        result->code = err->code;
        g_strlcpy(result->message, err->message, sizeof(result->message));
    }
}


/* The main function of the checking process. */
G_GNUC_NORETURN static void
checkChild(const DefinitionCheckOptions *opts, int fd)
{
    g_autoptr(GError) err = NULL;
    DefinitionCheckResult result = { 0 };

    signal(SIGALRM, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    alarm(CHECK_TIMEOUT);

    if (opts->id && opts->system)
        loginSessionJoin(opts->id);
    if (opts->id && !identityBecome(opts->id, &err)) {
        result.code = err->code;
        g_strlcpy(result.message, err->message, sizeof(result.message));
    } else {
        definitionCheckRun(opts, &result);
    }
    _exit(full_write(fd, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}


pid_t
definitionCheckStart(const DefinitionCheckOptions *opts, int *fd, GError **err)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot create a pipe: %1$s"), g_strerror(errno));
        return -1;
    }

    pid = fork();
    if (pid == 0) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close(fds[0]);
        checkChild(opts, fds[1]);
    }

    close(fds[1]);
    if (pid < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot start a process: %1$s"), g_strerror(errno));
        close(fds[0]);
        return -1;
    }
    *fd = fds[0];
    return pid;
}
