/*
 * daemonunittest.c: the parts of virtemulatedpcid that need no connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_config.h"
#include "daemon_log.h"
#include "device_edit.h"
#include "device_owner.h"
#include "domcaps.h"
#include "emulatedpci_error.h"
#include "lift_cache.h"
#include "login_session.h"
#include "procedures.h"
#include "qemu_programs.h"
#include "relay_marker.h"
#include "rewrite.h"
#include "rpc_frame.h"
#include "rpc_message.h"
#include "rpc_xdr.h"
#include "socket_owner.h"
#include "testutils.h"
#include "upstream.h"
#include "validate_job.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the configuration file --- */

static void
testConfig(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(DaemonConfig) config = NULL;

    config = daemonConfigParse("", "f", &err);
    g_assert_no_error(err);
    g_assert_cmpint(config->maxClients, ==, 5000);
    g_assert_cmpint(config->logLevel, ==, 3);
    g_assert_cmpint(config->rwPerms, ==, -1);
    g_assert_null(config->upstream);
    g_clear_pointer(&config, daemonConfigFree);

    config = daemonConfigParse("# comment\n\n  unix_sock_group = \"kvm\" # why\n"
                               "unix_sock_rw_perms='0770'\nunix_sock_ro_perms=\"0\"\r\n"
                               "max_clients = 17\nlog_level=1\nlog_filters=\"1:session\"\n"
                               "log_outputs = \"2:stderr\"\nupstream = \"/a=b\"\n"
                               "definitions_dir = \"/d\"\nmachine_version_min = \"6.2\"", "f", &err);
    g_assert_no_error(err);
    g_assert_cmpstr(config->group, ==, "kvm");
    g_assert_cmpint(config->rwPerms, ==, 0770);
    g_assert_cmpint(config->roPerms, ==, 0);
    g_assert_cmpint(config->maxClients, ==, 17);
    g_assert_cmpint(config->logLevel, ==, 1);
    g_assert_cmpstr(config->logFilters, ==, "1:session");
    g_assert_cmpstr(config->logOutputs, ==, "2:stderr");
    g_assert_cmpstr(config->upstream, ==, "/a=b");
    g_assert_cmpstr(config->definitionsDir, ==, "/d");
    g_assert_cmpuint(config->machineMin.major, ==, 6);
    g_assert_cmpuint(config->machineMin.minor, ==, 2);
}


static void
testConfigErrors(void)
{
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        { "\nnonsense = 1", "f:2: unknown key 'nonsense'" },
        { "max_clients", "f:1: KEY = VALUE was expected" },
        { "max_clients = 0", "f:1: invalid value 0 of 'max_clients'" },
        { "max_clients = 100001", "f:1: invalid value 100001 of 'max_clients'" },
        { "max_clients = -1", "f:1: invalid value -1 of 'max_clients'" },
        { "max_clients = 99999999999999999999999", "of 'max_clients'" },
        { "max_clients = 5 5", "f:1: invalid value 5 5 of 'max_clients'" },
        { "max_clients = \"5\"", "of 'max_clients'" },
        { "log_level = 5", "of 'log_level'" },
        { "unix_sock_group = kvm", "a string in quotes was expected" },
        { "unix_sock_group = \"kvm", "a string in quotes was expected" },
        { "unix_sock_rw_perms = \"0800\"", "of 'unix_sock_rw_perms': permissions in quotes" },
        { "unix_sock_rw_perms = \"1777\"", "of 'unix_sock_rw_perms'" },
        { "unix_sock_rw_perms = \"\"", "of 'unix_sock_rw_perms'" },
        { "machine_version_min = \"6\"", "such as \"6.0\" was expected" },
        { "machine_version_min = \"pc-q35-6.0\"", "of 'machine_version_min'" },
        { "machine_version_min = 6.0", "of 'machine_version_min'" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_null(daemonConfigParse(bad[i].text, "f", &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONF_SYNTAX);
        if (!strstr(err->message, bad[i].message))
            g_error("'%s' is not in '%s'", bad[i].message, err->message);
    }
}


static void
testShippedConfig(void)
{
    g_autofree char *path = testSourcePath("src/daemon/virtemulatedpcid.conf");
    g_autofree char *text = testReadFile(path, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) active = g_string_new(NULL);
    g_autoptr(GError) err = NULL;
    g_autoptr(DaemonConfig) config = daemonConfigLoad(path, &err);
    int examples = 0;
    gsize i;

    g_assert_no_error(err);
    g_assert_cmpint(config->maxClients, ==, 5000);

    /* The examples in the comments of the file must be valid, too. */
    for (i = 0; lines[i]; i++) {
        if (lines[i][0] == '#' && g_ascii_islower(lines[i][1]) && strstr(lines[i], " = ")) {
            g_string_append_printf(active, "%s\n", lines[i] + 1);
            examples++;
        }
    }
    g_assert_cmpint(examples, ==, 10);
    g_clear_pointer(&config, daemonConfigFree);
    config = daemonConfigParse(active->str, "examples", &err);
    g_assert_no_error(err);
}


static void
testLog(void)
{
    static const char *const badFilters[] = { "session", "5:x", "0:x", "1:", "1", ":x" };
    static const char *const badOutputs[] = { "stderr", "1:", "1:nowhere", "1:file:relative", "9:stderr" };
    g_autoptr(GError) err = NULL;
    gsize i;

    g_assert_true(daemonLogSetup(3, "1:sess  4:listener", "1:stderr", &err));
    g_assert_true(daemonLogWanted("session", DAEMON_LOG_DEBUG));
    g_assert_false(daemonLogWanted("listener", DAEMON_LOG_WARNING));
    g_assert_false(daemonLogWanted("other", DAEMON_LOG_INFO));
    g_assert_true(daemonLogWanted("other", DAEMON_LOG_WARNING));

    for (i = 0; i < G_N_ELEMENTS(badFilters); i++) {
        g_assert_false(daemonLogSetup(3, badFilters[i], NULL, &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_INVALID_ARG);
        g_clear_error(&err);
    }
    for (i = 0; i < G_N_ELEMENTS(badOutputs); i++) {
        g_assert_false(daemonLogSetup(3, NULL, badOutputs[i], &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_INVALID_ARG);
        g_clear_error(&err);
    }
    g_assert_false(daemonLogSetup(0, NULL, NULL, &err));
    g_assert_true(daemonLogWanted("session", DAEMON_LOG_DEBUG));    /* the settings are unchanged */
    g_clear_error(&err);
    g_assert_true(daemonLogSetup(3, NULL, NULL, &err));
}


/* Each message is one line of the file, whatever text a client sent. */
static void
testLogFile(void)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *dir = g_dir_make_tmp("epci.XXXXXX", &err);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *outputs = g_strdup_printf("3:file:%s", path);
    g_autofree char *text = NULL;

    g_assert_no_error(err);
    g_assert_true(daemonLogSetup(1, NULL, outputs, &err));
    daemonInfo("x", "below the output's level");
    daemonWarning("x", "a\nb\033c");
    text = testReadFile(path, NULL);
    g_assert_true(g_str_has_suffix(text, " : x: a b c\n"));
    g_assert_cmpuint(strchr(text, '\n') - text, ==, strlen(text) - 1);
    g_assert_true(daemonLogSetup(3, NULL, NULL, &err));
    remove(path);
    remove(dir);
}


/* --- upstream --- */

static void
testUpstreamPaths(void)
{
    static const char *const bad[] = {
        "nonsense", "qemu:///x", "qemu+unix:///system", "relative/path",
        "qemu+unix:///system?socket=relative", "qemu+unix:///system?mode=direct",
    };
    g_autoptr(GError) err = NULL;
    g_auto(GStrv) paths = NULL;
    gsize i;

    paths = upstreamPaths(NULL, TRUE, FALSE, &err);
    g_assert_cmpstr(paths[0], ==, "/run/libvirt/virtqemud-sock");
    g_assert_cmpstr(paths[1], ==, "/run/libvirt/libvirt-sock");
    g_assert_null(paths[2]);
    g_clear_pointer(&paths, g_strfreev);

    paths = upstreamPaths("", TRUE, TRUE, &err);
    g_assert_cmpstr(paths[0], ==, "/run/libvirt/virtqemud-sock-ro");
    g_assert_cmpstr(paths[1], ==, "/run/libvirt/libvirt-sock-ro");
    g_clear_pointer(&paths, g_strfreev);

    paths = upstreamPaths("qemu:///session", TRUE, FALSE, &err);
    g_assert_true(g_str_has_prefix(paths[0], g_get_user_runtime_dir()));
    g_clear_pointer(&paths, g_strfreev);

    paths = upstreamPaths("qemu+unix:///system?a=b&socket=/x%20y", TRUE, TRUE, &err);
    g_assert_cmpstr(paths[0], ==, "/x y-ro");
    g_assert_null(paths[1]);

    for (i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(upstreamPaths(bad[i], TRUE, FALSE, &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_INVALID_ARG);
        g_clear_error(&err);
    }
}


/* --- payloads --- */

/* Duplicates XML that contains "twice", and fails for XML that contains "bad". */
static ProjectionResult
fakeProjection(const char *xml, gsize len,
               const ProjectionOptions *opts G_GNUC_UNUSED,
               char **out, gsize *outlen,
               GError **err)
{
    g_autofree char *copy = g_strndup(xml, len);

    if (strstr(copy, "bad")) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s", copy);
        return PROJECTION_ERROR;
    }
    if (!strstr(copy, "twice"))
        return PROJECTION_UNCHANGED;
    *out = g_strconcat(copy, copy, NULL);
    *outlen = 2 * len;
    return PROJECTION_CHANGED;
}


static void
putString(GByteArray *out, const char *text)
{
    rpcWriteString(out, text, strlen(text));
}


static void
putParameter(GByteArray *out, const char *name, const char *value)
{
    putString(out, name);
    rpcWriteI32(out, VIR_TYPED_PARAM_STRING);
    putString(out, value);
}


/* Returns a frame with a payload of that LAYOUT, with XML in the place of the XML. A payload may
 * continue after the last field of a layout, so some data follows there. */
static GByteArray *
makePayload(const char *layout, const char *xml)
{
    RPCHeader header = { .program = RPC_PROGRAM_REMOTE, .version = 1 };
    GByteArray *frame = rpcMessageNew(&header);

    for (; *layout; layout++) {
        switch (*layout) {
        case 'u':
        case 'f':
            rpcWriteU32(frame, 5);
            break;
        case 'h':
            rpcWriteU32(frame, 1);
            rpcWriteU32(frame, 2);
            break;
        case 's':
        case 'o':
            putString(frame, "text");
            break;
        case 'S':
            rpcWriteOptString(frame, NULL, 0);
            break;
        case 'd':
            putString(frame, "domain");
            rpcWriteFixed(frame, "0123456789abcdef", 16);
            rpcWriteI32(frame, -1);
            break;
        case 'x':
            putString(frame, xml);
            break;
        case 'X':
            rpcWriteOptString(frame, xml, strlen(xml));
            break;
        case 'p':
            rpcWriteU32(frame, 5);
            putParameter(frame, "bandwidth", "twice, but not XML");
            putParameter(frame, VIR_MIGRATE_PARAM_DEST_XML, xml);
            putString(frame, "number");
            rpcWriteI32(frame, VIR_TYPED_PARAM_ULLONG);
            rpcWriteFixed(frame, "12345678", 8);
            putString(frame, "flag");
            rpcWriteI32(frame, VIR_TYPED_PARAM_BOOLEAN);
            rpcWriteI32(frame, 1);
            putParameter(frame, "dxml", xml);
            break;
        default:
            g_assert_not_reached();
        }
    }
    rpcWriteU32(frame, 0xabcdef);
    rpcMessageFinish(frame);
    return frame;
}


/* Tests every procedure of the table: the XML is replaced wherever it is, and nothing else; and a
 * truncated payload is unchanged. */
static void
testRewrite(void)
{
    guint32 number;
    int seen = 0;

    for (number = 0; number < 1000; number++) {
        const Procedure *proc = procedureLookup(number);
        g_autoptr(GByteArray) frame = NULL;
        g_autoptr(GByteArray) expected = NULL;
        g_autoptr(GByteArray) out = NULL;
        g_autoptr(GByteArray) same = NULL;
        g_autoptr(GByteArray) bad = NULL;
        g_autoptr(GError) err = NULL;
        guint size;

        if (!proc || proc->action == PROCEDURE_CHANGE || proc->action == PROCEDURE_DEFINITION)
            continue;
        seen++;
        frame = makePayload(proc->layout, "<twice>");
        expected = makePayload(proc->layout, "<twice><twice>");
        g_assert_cmpint(rewriteFrame(proc, frame, RPC_HEADER_SIZE, fakeProjection, NULL, &out, &err),
                        ==, PROJECTION_CHANGED);
        g_assert_cmpmem(out->data, out->len, expected->data, expected->len);

        same = makePayload(proc->layout, "<once/>");
        g_assert_cmpint(rewriteFrame(proc, same, RPC_HEADER_SIZE, fakeProjection, NULL, &out, &err),
                        ==, PROJECTION_UNCHANGED);
        bad = makePayload(proc->layout, "<bad/>");
        g_assert_cmpint(rewriteFrame(proc, bad, RPC_HEADER_SIZE, fakeProjection, NULL, &out, &err),
                        ==, PROJECTION_ERROR);
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_clear_error(&err);

        for (size = RPC_HEADER_SIZE; size + 4 < frame->len; size++) {
            g_autoptr(GByteArray) cut = g_byte_array_new();
            g_autoptr(GByteArray) none = NULL;
            RewriteArguments args;

            g_byte_array_append(cut, frame->data, size);
            g_assert_cmpint(rewriteFrame(proc, cut, RPC_HEADER_SIZE, fakeProjection, NULL, &none, &err),
                            ==, PROJECTION_UNCHANGED);
            g_assert_false(rewriteRead(proc, cut, RPC_HEADER_SIZE, &args));
        }
    }
    g_assert_cmpint(seen, ==, 43);
}


static void
testRewriteRead(void)
{
    const Procedure *proc = procedureLookup(PROCEDURE_DOMAIN_ATTACH_DEVICE_FLAGS);
    g_autoptr(GByteArray) frame = makePayload(proc->layout, "<device/>");
    RewriteArguments args;

    g_assert_true(rewriteRead(proc, frame, RPC_HEADER_SIZE, &args));
    g_assert_cmpmem(args.xml, args.xmlLen, "<device/>", 9);
    g_assert_cmpuint(args.flags, ==, 5);
    g_assert_cmpuint(args.domainLen, ==, 4 + 8 + 16 + 4);
    g_assert_cmpmem(args.domain + 4, 6, "domain", 6);
    g_assert_false(rewriteRead(proc, frame, frame->len + 1, &args));
}


/* A result longer than libvirt's limit for a string causes an error, not a frame that closes the
 * connection. */
static void
testRewriteLimit(void)
{
    const Procedure *proc = procedureLookup(11);
    g_autofree char *xml = g_strnfill(3 * 1024 * 1024, 'x');
    g_autoptr(GByteArray) frame = NULL;
    g_autoptr(GByteArray) out = NULL;
    g_autoptr(GError) err = NULL;

    memcpy(xml, "twice", 5);
    frame = makePayload(proc->layout, xml);
    g_assert_cmpint(rewriteFrame(proc, frame, RPC_HEADER_SIZE, fakeProjection, NULL, &out, &err),
                    ==, PROJECTION_ERROR);
    g_assert_nonnull(strstr(err->message, "4194304"));
}


/* --- devices --- */

#define DEVICE(name, id, more) \
    "    <emulatedpci devicename='" name "'>\n" \
    "      <config vendorid='0x5853' deviceid='" id "'/>\n" more \
    "    </emulatedpci>\n"

static const char domainXML[] =
    "<domain type='qemu'>\n"
    "  <name>d</name>\n"
    "  <os>\n    <type arch='x86_64' machine='pc'>hvm</type>\n  </os>\n"
    "  <devices>\n"
    DEVICE("one", "0x1", "      <alias name='ua-emulatedpci0'/>\n"
           "      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>\n")
    DEVICE("two", "0x2", "      <alias name='ua-two'/>\n")
    DEVICE("two", "0x3", "")
    "    <memballoon model='none'/>\n"
    "  </devices>\n"
    "</domain>\n";


static EmulatedPCIDef *
makeDevice(const char *xml)
{
    g_autoptr(GError) err = NULL;
    EmulatedPCIDef *def = emulatedPCIDefParseString(xml, strlen(xml), &err);

    g_assert_no_error(err);
    return def;
}


static char *
edit(DeviceOperation op, const char *device, int code)
{
    g_autoptr(EmulatedPCIDef) def = makeDevice(device);
    g_autoptr(GError) err = NULL;
    char *result = deviceEdit(domainXML, op, def, &err);

    if (code) {
        g_assert_null(result);
        g_assert_error(err, EMULATED_PCI_ERROR, code);
    } else {
        g_assert_no_error(err);
    }
    return result;
}


/* Checks that XML is domainXML without the bytes of LOST. */
static void
assertLost(char *xml, const char *lost)
{
    const char *where = strstr(domainXML, lost);
    g_autofree char *expected = NULL;

    g_assert_nonnull(where);
    expected = g_strdup_printf("%.*s%s", (int) (where - domainXML), domainXML, where + strlen(lost));
    g_assert_cmpstr(xml, ==, expected);
    g_free(xml);
}


static void
testDeviceEdit(void)
{
    g_autofree char *attached = NULL;
    g_autofree char *updated = NULL;
    g_autofree char *alias = NULL;
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autoptr(GError) err = NULL;

    assertLost(edit(DEVICE_DETACH, DEVICE("x", "9", "<alias name='ua-two'/>"), 0),
               DEVICE("two", "0x2", "      <alias name='ua-two'/>\n"));
    assertLost(edit(DEVICE_DETACH, DEVICE("two", "0x3", ""), 0), DEVICE("two", "0x3", ""));
    assertLost(edit(DEVICE_DETACH, DEVICE("x", "9", "<address type='pci' slot='5'/>"), 0),
               DEVICE("one", "0x1", "      <alias name='ua-emulatedpci0'/>\n"
                      "      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>\n"));
    edit(DEVICE_DETACH, DEVICE("two", "0x4", ""), VIR_ERR_DEVICE_MISSING);
    edit(DEVICE_DETACH, DEVICE("two", "0x2", "<alias name='ua-none'/>"), VIR_ERR_DEVICE_MISSING);
    edit(DEVICE_DETACH, DEVICE("one", "0x1", "<address type='pci' slot='6'/>"), VIR_ERR_DEVICE_MISSING);
    edit(DEVICE_UPDATE, DEVICE("two", "0x7", ""), VIR_ERR_OPERATION_FAILED);

    attached = edit(DEVICE_ATTACH, DEVICE("new", "0x7", ""), 0);
    g_assert_nonnull(strstr(attached, "    <memballoon model='none'/>\n    <emulatedpci devicename='new'>\n"));
    g_assert_true(g_str_has_suffix(attached, "    </emulatedpci>\n  </devices>\n</domain>\n"));

    updated = edit(DEVICE_UPDATE, DEVICE("one", "0x77", ""), 0);
    g_assert_nonnull(strstr(updated, "deviceid='0x0077'"));
    g_assert_nonnull(strstr(updated, "<alias name='ua-emulatedpci0'/>"));
    g_assert_nonnull(strstr(updated, "slot='0x05'"));

    def = makeDevice(DEVICE("one", "0x1", ""));
    alias = deviceFindAlias(domainXML, def, &err);
    g_assert_cmpstr(alias, ==, "ua-emulatedpci0");
    assertLost(deviceRemoveAlias(domainXML, "ua-two", &err),
               DEVICE("two", "0x2", "      <alias name='ua-two'/>\n"));
    g_assert_null(deviceRemoveAlias(domainXML, "ua-none", &err));
    g_assert_no_error(err);
}


static void
testDeviceHasServer(void)
{
    static const char served[] =
        "<domain type='qemu'>\n  <name>d</name>\n  <devices>\n"
        DEVICE("one", "0x1", "<alias name='ua-one'/>")
        "    <emulatedpci devicename='two'><driver socket='/run/s'/><alias name='ua-two'/></emulatedpci>\n"
        "  </devices>\n</domain>\n";
    static const struct {
        const char *xml;
        const char *alias;
        gboolean server;
    } cases[] = {
        { served, "ua-one", FALSE },
        { served, "ua-none", FALSE },
        { served, "ua-two", TRUE },
        { "<domain><devices/></domain>", "ua-two", FALSE },
    };
    g_autoptr(GError) err = NULL;
    gboolean server;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        server = !cases[i].server;
        g_assert_true(deviceHasServer(cases[i].xml, cases[i].alias, &server, &err));
        g_assert_no_error(err);
        g_assert_cmpint(server, ==, cases[i].server);
    }
}


#define NO_USER ((uid_t) -1)

/* A user other than root */
#define OTHER_USER 65534


/* Returns a listening socket with the abstract name NAME. */
static int
makeMarker(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path + 1, name, sizeof(address.sun_path) - 1);
    g_assert_cmpint(bind(fd, (struct sockaddr *) &address,
                         offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}


static void
assertNoDetach(const guint8 *uuid, const char *reason)
{
    g_autoptr(GError) err = NULL;

    g_assert_false(relayMarkerCheckDetach(uuid, NO_USER, "ua-one", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_nonnull(strstr(err->message, "'ua-one'"));
    g_assert_nonnull(strstr(err->message, reason));
}


/* Returns a name of the relay of a new domain, whose UUID is stored in UUID. */
static char *
makeMarkerName(guint8 uuid[16])
{
    gsize i;

    for (i = 0; i < 16; i++)
        uuid[i] = g_random_int();
    return g_strdup_printf("emulatedpci-monitor/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                           "%02x%02x%02x%02x%02x%02x/%d",
                           uuid[0], uuid[1], uuid[2], uuid[3], uuid[4], uuid[5], uuid[6], uuid[7],
                           uuid[8], uuid[9], uuid[10], uuid[11], uuid[12], uuid[13], uuid[14],
                           uuid[15], (int) getpid());
}


static void
testRelayMarker(void)
{
    guint8 uuid[16];
    g_autofree char *first = makeMarkerName(uuid);
    g_autofree char *second = g_strdup_printf("%s/2", first);
    g_autoptr(GError) err = NULL;
    int fds[2];

    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_NONE);
    g_assert_false(relayMarkerCheckAttach(uuid, NO_USER, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_UNSUPPORTED);
    g_clear_error(&err);
    assertNoDetach(uuid, "the domain has no emulatedpci-monitor");

    fds[0] = makeMarker(first);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_ATTACH);
    g_assert_true(relayMarkerCheckAttach(uuid, NO_USER, &err));
    assertNoDetach(uuid, "an older version");

    fds[1] = makeMarker(second);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_DETACH);
    g_assert_true(relayMarkerCheckAttach(uuid, NO_USER, &err));
    g_assert_true(relayMarkerCheckDetach(uuid, NO_USER, "ua-one", &err));
    g_assert_no_error(err);
    close(fds[0]);
    close(fds[1]);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_NONE);
}


static void
testRelayMarkerOwner(void)
{
    guint8 uuid[16];
    g_autofree char *first = makeMarkerName(uuid);
    g_autofree char *second = g_strdup_printf("%s/2", first);
    int fds[2];

    if (geteuid() != 0 || seteuid(OTHER_USER) < 0) {
        g_test_skip("root is required to create the sockets of another user");
        return;
    }
    fds[0] = makeMarker(second);
    g_assert_cmpint(seteuid(0), ==, 0);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_NONE);
    g_assert_cmpint(relayMarkerFind(uuid, OTHER_USER - 1), ==, RELAY_NONE);
    g_assert_cmpint(relayMarkerFind(uuid, OTHER_USER), ==, RELAY_DETACH);

    /* Another one does not hide that of root. */
    fds[1] = makeMarker(first);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_ATTACH);
    g_assert_cmpint(seteuid(OTHER_USER), ==, 0);
    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_DETACH);
    g_assert_cmpint(seteuid(0), ==, 0);
    close(fds[0]);
    close(fds[1]);
}


/* A path can contain what looks like an abstract name. */
static void
testRelayMarkerPath(void)
{
    guint8 uuid[16];
    g_autofree char *first = makeMarkerName(uuid);
    g_autofree char *longer = g_strdup_printf("x @%s", first);
    const int fd = makeMarker(longer);

    g_assert_cmpint(relayMarkerFind(uuid, NO_USER), ==, RELAY_NONE);
    close(fd);
}


static void
testSocketOwner(void)
{
    g_autofree char *name = g_strdup_printf("emulatedpci-test/%d", (int) getpid());
    const int fd = makeMarker(name);
    struct stat info;
    uid_t uid;

    g_assert_cmpint(fstat(fd, &info), ==, 0);
    uid = NO_USER;
    g_assert_cmpint(socketOwnerGet(info.st_ino, name, &uid), ==, 0);
    g_assert_cmpuint(uid, ==, geteuid());
    g_assert_cmpint(socketOwnerGet(info.st_ino, "emulatedpci-test", &uid), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
    close(fd);
    g_assert_cmpint(socketOwnerGet(info.st_ino, name, &uid), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
}


static void
testDeviceOwner(void)
{
    static const struct {
        const char *labels;
        uid_t uid;
    } cases[] = {
        { "", NO_USER },
        { "<seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+108</label>"
          "<imagelabel>+1:+2</imagelabel></seclabel>", 64055 },
        { "<seclabel type='dynamic' model='apparmor' relabel='yes'><label>+1:+2</label></seclabel>"
          "<seclabel type='static' model='dac' relabel='yes'><label>root:root</label></seclabel>", 0 },
        { "<seclabel type='static' model='dac'><label>107:107</label></seclabel>", 107 },
        { "<seclabel type='none' model='dac'/>", NO_USER },
        { "<seclabel model='dac'><label>+4294967295:+1</label></seclabel>", NO_USER },
        { "<seclabel model='dac'><label>no-such-user/:+1</label></seclabel>", NO_USER },
        { "<seclabel model='dac'><label></label></seclabel>", NO_USER },
        { "<devices><seclabel model='dac'><label>+1:+1</label></seclabel></devices>", NO_USER },
        { "<", NO_USER },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = g_strdup_printf("<domain>%s</domain>", cases[i].labels);

        g_assert_cmpuint(deviceOwnerRead(xml, strlen(xml)), ==, cases[i].uid);
    }
}


/* --- capabilities, the cache, validation --- */

static char *
makeCaps(const char *domain, const char *arch, const char *machine)
{
    return g_strdup_printf("<domainCapabilities>\n  <path>/q</path>\n  <domain>%s</domain>\n"
                           "  <machine>%s</machine>\n  <arch>%s</arch>\n  <devices>\n"
                           "    <disk supported='yes'/>\n  </devices>\n  <features/>\n"
                           "</domainCapabilities>\n", domain, machine, arch);
}


static void
testDomcaps(void)
{
    static const struct {
        const char *domain;
        const char *arch;
        const char *machine;
        const char *expected;
    } cases[] = {
        { "kvm", "x86_64", "pc-q35-7.2", "<emulatedpci supported='yes'>" },
        { "qemu", "i686", "pc-i440fx-7.2", "<emulatedpci supported='yes'>" },
        { "qemu", "x86_64", "isapc", "<emulatedpci supported='no'/>" },
        { "qemu", "x86_64", "microvm", "<emulatedpci supported='no'/>" },
        { "qemu", "x86_64", "none", "<emulatedpci supported='no'/>" },
        { "kvm", "x86_64", "pc-i440fx-5.2", "<emulatedpci supported='yes'>" },
        { "qemu", "aarch64", "virt-7.2", "<emulatedpci supported='yes'>" },
        { "qemu", "aarch64", "sbsa-ref", "<emulatedpci supported='no'/>" },
        { "qemu", "s390x", "s390-ccw-virtio", "<emulatedpci supported='no'/>" },
        { "xen", "x86_64", "xenfv", "<emulatedpci supported='no'/>" },
    };
    char *out = NULL;
    gsize len;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = makeCaps(cases[i].domain, cases[i].arch, cases[i].machine);

        g_assert_cmpint(domcapsExtend(xml, strlen(xml), NULL, &out, &len, NULL), ==, PROJECTION_CHANGED);
        g_assert_cmpuint(strlen(out), ==, len);
        g_assert_nonnull(strstr(out, cases[i].expected));
        g_assert_nonnull(strstr(out, "\n  </devices>\n  <features/>\n</domainCapabilities>\n"));
        g_free(out);
    }
    g_assert_cmpint(domcapsExtend("<domain/>", 9, NULL, &out, &len, NULL), ==, PROJECTION_UNCHANGED);
    g_assert_cmpint(domcapsExtend("", 0, NULL, &out, &len, NULL), ==, PROJECTION_UNCHANGED);
}


#define BANNER(version) "\0QEMU emulator version " version "\0"
#define BOTH "x-pci-proxy-dev\0vfio-user-pci\0"

/* The transports and the accepted domains depend on the QEMU program. The domain capabilities and
 * lowering agree. */
static void
testDomcapsPrograms(void)
{
    static const struct {
        const char *program;
        gsize len;
        const char *type;
        const char *version;    /* of the <driver>, or NULL */
        const char *transports;     /* NULL: none is supported */
        gboolean refused;
    } cases[] = {
#define PROGRAM(text) text, sizeof(text)
        { PROGRAM(BANNER("7.2.0") "x-pci-proxy-dev\0"), "qemu", NULL, "mpqemu", FALSE },
        { PROGRAM(BANNER("7.2.0") "x-pci-proxy-dev\0"), "qemu", "vfio-user", "mpqemu", TRUE },
        { PROGRAM(BANNER("10.0.0") "x-pci-proxy-dev\0"), "kvm", NULL, "mpqemu", FALSE },
        { PROGRAM(BANNER("10.0.0") "x-pci-proxy-dev\0"), "qemu", NULL, NULL, TRUE },
        { PROGRAM(BANNER("10.1.0") BOTH), "qemu", NULL, "vfio-user", FALSE },
        { PROGRAM(BANNER("10.1.0") BOTH), "qemu", "mpqemu", "vfio-user", TRUE },
        { PROGRAM(BANNER("10.1.0") BOTH), "kvm", "mpqemu", "mpqemu vfio-user", FALSE },
        { PROGRAM(BANNER("10.1.0") "vfio-user-pci\0"), "kvm", NULL, "vfio-user", FALSE },
        { PROGRAM(BANNER("5.2.0") "\0"), "kvm", NULL, NULL, TRUE },
        { PROGRAM(BANNER("7.2.0") "x-pci-proxy-devs\0"), "qemu", NULL, NULL, TRUE },

        /* A program that cannot be read is not an error. */
        { PROGRAM("#!/bin/sh"), "qemu", NULL, "mpqemu", FALSE },
        { "", 0, "qemu", "vfio-user", "mpqemu", FALSE },
#undef PROGRAM
    };
    g_autofree char *dir = g_dir_make_tmp("emulatedpci.XXXXXX", NULL);
    g_autofree char *program = g_build_filename(dir, "qemu-system-x86_64", NULL);
    const ProjectionOptions opts = {
        .launchDir = "/launch", .qemuDir = dir, .program = qemuProgramsGet,
    };
    gsize n;

    for (n = 0; n < 2 * G_N_ELEMENTS(cases); n++) {
        const gsize i = n % G_N_ELEMENTS(cases);
        g_autofree char *caps = makeCaps(cases[i].type, "x86_64", "pc-q35-7.2");
        g_auto(GStrv) parts = g_strsplit(caps, "/q", 2);
        g_autofree char *xml = g_strjoinv(i % 2 ? "/launch/qemu-system-x86_64" : program, parts);
        g_auto(GStrv) names = g_strsplit(cases[i].transports ? cases[i].transports : "", " ", -1);
        g_autofree char *joined = g_strjoinv("</value>\n        <value>", names);
        g_autofree char *expected = cases[i].transports ?
            g_strdup_printf("<enum name='transport'>\n        <value>%s</value>\n      </enum>\n"
                            "      <enum name='migratable'>\n        <value>%s</value>\n      </enum>\n"
                            "    </emulatedpci>", joined,
                            strstr(cases[i].transports, "vfio-user") ? "yes" : "no") :
            g_strdup("<emulatedpci supported='no'/>");
        g_autofree char *driver = cases[i].version ?
            g_strdup_printf("<driver version='%s'/>", cases[i].version) : g_strdup("");
        g_autofree char *domain =
            g_strdup_printf("<domain type='%s'><os><type arch='x86_64'>hvm</type></os><devices>"
                            "<emulatedpci devicename='d'><config vendorid='1' deviceid='2'/>%s"
                            "</emulatedpci></devices></domain>", cases[i].type, driver);
        g_autofree char *out = NULL;
        g_autofree char *lowered = NULL;
        g_autoptr(GError) err = NULL;
        ProjectionResult result;
        gsize len;

        /* The second round has the cache of programs; each time, the file is another program. */
        if (n == G_N_ELEMENTS(cases))
            qemuProgramsInit();
        g_assert_true(g_file_set_contents(program, cases[i].program, cases[i].len, NULL));
        g_assert_cmpint(domcapsExtend(xml, strlen(xml), &opts, &out, &len, NULL), ==, PROJECTION_CHANGED);
        if (!strstr(out, expected))
            g_error("case %zu: expected %s in %s", i, expected, out);

        result = projectionLower(domain, strlen(domain), &opts, &lowered, &len, &err);
        if ((result == PROJECTION_ERROR) != cases[i].refused)
            g_error("case %zu: %s", i, err ? err->message : "accepted");
        if (cases[i].refused)
            g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    }
    g_assert_cmpint(g_remove(program), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}


static void
testLiftCache(void)
{
    ProjectionOptions opts = { "/launch", "/usr/bin" };
    g_autofree char *lowered = NULL;
    gsize loweredLen;
    int i;

    g_assert_cmpint(projectionLower(domainXML, strlen(domainXML), &opts, &lowered, &loweredLen, NULL),
                    ==, PROJECTION_CHANGED);
    for (i = 0; i < 40; i++) {
        g_autofree char *direct = NULL;
        g_autofree char *cached = NULL;
        gsize directLen;
        gsize cachedLen;

        /* 10 documents, each lifted 4 times, with a cache for 8 results */
        lowered[strstr(lowered, "<name>") + 6 - lowered] = (char) ('a' + i % 10);
        g_assert_cmpint(projectionLift(lowered, loweredLen, &opts, &direct, &directLen, NULL),
                        ==, PROJECTION_CHANGED);
        g_assert_cmpint(liftCached(lowered, loweredLen, &opts, &cached, &cachedLen, NULL),
                        ==, PROJECTION_CHANGED);
        g_assert_cmpmem(cached, cachedLen + 1, direct, directLen + 1);
        g_clear_pointer(&cached, g_free);
        g_assert_cmpint(liftCached(lowered, loweredLen, &opts, &cached, &cachedLen, NULL),
                        ==, PROJECTION_CHANGED);
        g_assert_cmpmem(cached, cachedLen + 1, direct, directLen + 1);
        if (i == 25)
            liftCacheDrop();
    }
    liftCacheDrop();
}


static void
testValidate(void)
{
    g_autofree char *dir = g_build_filename(g_getenv("abs_top_builddir"), "docs/schemas", NULL);
    g_autoptr(GError) err = NULL;
    static const char good[] =
        "<domain type='qemu'><name>d</name><memory>1024</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>"
        DEVICE("one", "0x1", "") "</devices></domain>";
    g_autofree char *bad = g_strdup(good);

    g_assert_true(validateDocument(dir, good, strlen(good), &err));
    g_assert_no_error(err);

    memcpy(strstr(bad, "deviceid"), "deviceix", 8);
    g_assert_false(validateDocument(dir, bad, strlen(bad), &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_INVALID_SCHEMA);
    g_clear_error(&err);
    g_assert_false(validateDocument(dir, "<network/>", 10, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
    g_clear_error(&err);
    g_assert_false(validateDocument(dir, "<domain", 7, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
    g_clear_error(&err);
    g_assert_false(validateDocument("/nowhere", good, strlen(good), &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_INTERNAL_ERROR);
}


/* Runs CHECK in a process with the limits of a validating process. Returns its wait status. */
static int
runLimited(void (*check)(void))
{
    pid_t pid = fork();
    int status = 0;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        validateLimit();
        check();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return status;
}


static gboolean
canMap(gsize mebibytes)
{
    void *memory = mmap(NULL, mebibytes << 20, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return FALSE;
    munmap(memory, mebibytes << 20);
    return TRUE;
}


static void
checkLimits(void)
{
    struct rlimit cpu;

    if (!canMap(200) || canMap(300) || getrlimit(RLIMIT_CPU, &cpu) < 0 || cpu.rlim_cur != 10 ||
        cpu.rlim_max < 60)
        _exit(1);
}


/* A valid document for which libxml2 would need minutes. The test allows 1 second instead of 10. */
static void
checkSlowDocument(void)
{
    g_autofree char *dir = g_build_filename(g_getenv("abs_top_builddir"), "docs/schemas", NULL);
    g_autofree char *many = g_strnfill(200000, '!');
    g_auto(GStrv) pieces = g_strsplit(many, "!", -1);
    g_autofree char *elements = g_strjoinv("<a/>", pieces);
    g_autofree char *xml = g_strdup_printf(
        "<domain type='qemu'><name>d</name><memory>1</memory><os><type>hvm</type></os>"
        "<metadata><x:x xmlns:x='u'>%s</x:x></metadata></domain>", elements);
    struct rlimit cpu = { 1, 61 };

    if (setrlimit(RLIMIT_CPU, &cpu) == 0)
        validateDocument(dir, xml, strlen(xml), NULL);
}


static void
testValidateLimits(void)
{
    int status;

    status = runLimited(checkLimits);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);

    status = runLimited(checkSlowDocument);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGXCPU);
}


/* Documents that must not be parsed are rejected before parsing. */
static void
testValidateRefused(void)
{
    g_autofree char *dir = g_build_filename(g_getenv("abs_top_builddir"), "docs/schemas", NULL);
    static const char *const documents[] = {
        "<!DOCTYPE domain [<!ENTITY e 'x'>]><domain a='&e;'/>",
        "<!DOCTYPE domain><domain/>",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_false(validateDocument(dir, documents[i], strlen(documents[i]), &err));
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_assert_cmpstr(err->message, ==, "a document type declaration is not allowed");
    }
}


/* --- moving a connection to the login session of its client --- */

static void
testLoginSessionCommand(const char *cgroups, const char *expected)
{
    g_auto(GStrv) argv = loginSessionCommand(cgroups, 4711);
    g_autofree char *command = argv ? g_strjoinv(" ", argv) : NULL;

    if (!expected)
        g_assert_null(command);
    else
        g_assert_true(command && g_str_has_suffix(command, expected));
}


static void
testLoginSession(void)
{
    const char *expected = " StartTransientUnit ssa(sv)a(sa(sv)) virtemulatedpcid-4711.scope fail 4"
        " Description s Connection to virtemulatedpcid Slice s user-1000.slice"
        " PIDs au 1 4711 CollectMode s inactive-or-failed 0";

    /* On a terminal, in a control group below that of the session, and on a desktop, where the
     * user's manager has started the client */
    testLoginSessionCommand("0::/user.slice/user-1000.slice/session-3.scope\n", expected);
    testLoginSessionCommand("12:cpu:/x\n0::/user.slice/user-1000.slice/session-c1.scope/below", expected);
    testLoginSessionCommand("0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n", expected);

    testLoginSessionCommand("", NULL);
    testLoginSessionCommand("0::/\n", NULL);
    testLoginSessionCommand("0::/../../x\n", NULL);
    testLoginSessionCommand("0::/system.slice/cron.service\n", NULL);
    testLoginSessionCommand("0::/user.slice/user-1000.slice\n", NULL);
    testLoginSessionCommand("0::/user.slice/user-1000.slice/other.scope\n", NULL);
    testLoginSessionCommand("0::/machine.slice/user-1000.slice/session-3.scope\n", NULL);
    testLoginSessionCommand("1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n", NULL);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/daemon/config", testConfig);
    g_test_add_func("/daemon/config-errors", testConfigErrors);
    g_test_add_func("/daemon/config-shipped", testShippedConfig);
    g_test_add_func("/daemon/log", testLog);
    g_test_add_func("/daemon/log-file", testLogFile);
    g_test_add_func("/daemon/upstream-paths", testUpstreamPaths);
    g_test_add_func("/daemon/rewrite", testRewrite);
    g_test_add_func("/daemon/rewrite-read", testRewriteRead);
    g_test_add_func("/daemon/rewrite-limit", testRewriteLimit);
    g_test_add_func("/daemon/device-edit", testDeviceEdit);
    g_test_add_func("/daemon/device-has-server", testDeviceHasServer);
    g_test_add_func("/daemon/device-owner", testDeviceOwner);
    g_test_add_func("/daemon/relay-marker", testRelayMarker);
    g_test_add_func("/daemon/relay-marker-owner", testRelayMarkerOwner);
    g_test_add_func("/daemon/relay-marker-path", testRelayMarkerPath);
    g_test_add_func("/daemon/socket-owner", testSocketOwner);
    g_test_add_func("/daemon/domcaps", testDomcaps);
    g_test_add_func("/daemon/domcaps/programs", testDomcapsPrograms);
    g_test_add_func("/daemon/lift-cache", testLiftCache);
    g_test_add_func("/daemon/login-session", testLoginSession);
    g_test_add_func("/daemon/validate", testValidate);
    g_test_add_func("/daemon/validate/limits", testValidateLimits);
    g_test_add_func("/daemon/validate/refused", testValidateRefused);

    return g_test_run();
}
