/*
 * launcher_live.c: an emulator for a device that is attached to a running domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_live.h"
#include "launcher_emulator.h"
#include "launcher_fds.h"
#include "launcher_emulators.h"
#include "launcher_live_state.h"
#include "launcher_log.h"
#include "launcher_paths.h"
#include "launcher_template.h"
#include "pass_descriptors.h"
#include "qemu_program.h"
#include "qemu_props_alias.h"
#include "qemu_props_json.h"
#include "qemu_props_marker.h"

#include "full-write.h"
#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

typedef struct {
    EmulatedPCIVersion transport;
    char *qemu;                     /* its pid, or NULL */
    int template;                   /* of pci-emulator, or -1 */
    int link;                       /* or -1 */
    int state;                      /* or -1 */
    size_t number;
    JSONObject *command;
    JSONObject *arguments;          /* the arguments of the command */
} LiveRequest;


gboolean
launcherLiveIsMeant(int argc,
                    char *const *argv)
{
    return argc == 5 && strcmp(argv[1], "--attach") == 0;
}


/* Returns the value of "--NAME=VALUE" in ARG, or NULL. */
static const char *
liveGetValue(const char *arg,
             const char *name)
{
    return g_str_has_prefix(arg, name) ? arg + strlen(name) : NULL;
}


static gboolean
liveReadNumber(const char *text,
               gint64 min,
               gint64 max,
               gint64 *value)
{
    return text && g_ascii_string_to_signed(text, 10, min, max, value, NULL);
}


static gboolean
liveReadOptions(LiveRequest *request,
                char *const *argv)
{
    const char *transport = liveGetValue(argv[2], "--transport=");
    gint64 state;
    gint64 number;

    if (!transport ||
        !liveReadNumber(liveGetValue(argv[3], "--state-fd="), -1, G_MAXINT, &state) ||
        !liveReadNumber(liveGetValue(argv[4], "--number="), 0, G_MAXINT, &number))
        return FALSE;
    request->transport = emulatedPCIVersionFromString(transport);
    request->state = state;
    /* Numbers from here on are not used by the devices with which QEMU was started. */
    request->number = number + EMULATED_PCI_DEVICES_MAX + 2;
    request->qemu = g_strdup(g_getenv(LAUNCHER_EMULATOR_QEMU_ENV));
    return request->transport > EMULATED_PCI_VERSION_NONE;
}


/* Returns whether COMMAND attaches an emulated PCI device. */
static gboolean
liveReadCommand(LiveRequest *request,
                const char *command)
{
    g_autofree char *arguments = NULL;

    request->command = json_tokener_parse(command);
    if (!json_object_is_type(request->command, json_type_object) ||
        g_strcmp0(qemuPropsGetStringProperty(request->command, "execute"), "device_add") != 0 ||
        !json_object_object_get_ex(request->command, "arguments", &request->arguments) ||
        !json_object_is_type(request->arguments, json_type_object))
        return FALSE;
    arguments = qemuPropsJSONToString(request->arguments);
    return qemuPropsAliasIsReservation(arguments);
}


/* Writes KIND, and OBJECT as a line of QMP, to standard output. Returns FALSE on failure. */
static gboolean
liveAnswer(char kind,
           JSONObject *object)
{
    g_autofree char *text = object ? qemuPropsJSONToString(object) : g_strdup("");
    g_autofree char *line = g_strdup_printf("%c%s\r\n", kind, text);

    return full_write(STDOUT_FILENO, line, strlen(line)) == strlen(line);
}


static gboolean
liveRefuse(const LiveRequest *request,
           const GError *err)
{
    g_autoptr(JSONObject) reply = json_object_new_object();
    JSONObject *error = json_object_new_object();
    JSONObject *id;

    if (json_object_object_get_ex(request->command, "id", &id))
        json_object_object_add(reply, "id", json_object_get(id));
    json_object_object_add(error, "class", json_object_new_string("GenericError"));
    json_object_object_add(error, "desc", json_object_new_string(err->message));
    json_object_object_add(reply, "error", error);
    return liveAnswer('E', reply);
}


/* Returns whether a device with DRIVER can be attached. */
static gboolean
liveCheckDriver(const LiveRequest *request,
                const EmulatedPCIDriver *driver,
                GError **err)
{
    const int attribute = emulatedPCIDriverGetOther(driver);

    if (!driver)
        return TRUE;
    if (attribute >= 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("a device with '%1$s' of <driver> cannot be attached to a running domain"),
                               emulatedPCIDriverAttrToString(attribute));
        return FALSE;
    }
    if (driver->version != EMULATED_PCI_VERSION_NONE && driver->version != request->transport) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' of <driver> is '%2$s', but devices of this running domain can only use '%3$s'"),
                               "version", emulatedPCIVersionToString(driver->version),
                               emulatedPCIVersionToString(request->transport));
        return FALSE;
    }
    return TRUE;
}


/* Returns the arguments of device_add for the device in EMULATED. */
static char *
liveReplace(const char *emulated,
            const LauncherSocket *socket,
            GError **err)
{
    g_autofree char *text = NULL;
    g_autoptr(JSONObject) object = NULL;

    if (socket->path)
        return qemuPropsReplaceDriverPath(emulated, QEMU_PROGRAM_VFIO_USER, socket->path, err);

    text = qemuPropsReplaceDriver(emulated, QEMU_PROGRAM_PROXY, 0, err);
    object = text ? json_tokener_parse(text) : NULL;
    if (!object)
        return NULL;
    json_object_object_add(object, "fd", json_object_new_string(QEMU_PROPS_ATTACH_FDNAME));
    return qemuPropsJSONToString(object);
}


/* Returns whether a process of the template can serve a device with this DRIVER. */
static gboolean
liveIsPlain(const EmulatedPCIDriver *driver)
{
    return !driver || (!driver->emulator && !driver->args[0] && driver->stubdomain != 1);
}


/* Starts the emulator that SPEC describes. */
static gboolean
liveStartEmulator(LiveRequest *request,
                  LauncherEmulator *emulator,
                  const LauncherEmulatorSpec *spec,
                  GError **err)
{
    if (request->template >= 0 && liveIsPlain(spec->props[0]->driver)) {
        if (launcherTemplateServe(emulator, request->template, spec))
            return TRUE;
        launcherFdsClose(&request->template);
    }
    return launcherEmulatorStart(emulator, spec, err);
}


/* Starts the emulator of PROPS, and waits until it serves. */
static gboolean
liveStart(LiveRequest *request,
          QEMUProps *props,
          const char *name,
          LauncherSocket *socket,
          GError **err)
{
    const EmulatedPCIDriver *driver = props->driver;
    g_autofree char *home = launcherPathsGetHome(err);
    g_autofree char *program = NULL;
    g_autofree char *stubdomain = NULL;
    LauncherEmulatorSpec spec = { .n = 1, .own = TRUE, .clientFd = -1, .state = -1 };
    LauncherEmulator emulator;
    const gboolean saves = socket->path && request->state >= 0;
    int state[2] = { -1, -1 };
    gboolean ok;

    if (!home)
        return FALSE;
    if (saves && !launcherFdsPacketpair(state)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot create a socket for the PCI device emulator '%1$s': %2$s"),
                               LAUNCHER_EMULATORS_DEFAULT, g_strerror(errno));
        return FALSE;
    }
    program = launcherPathsGetEmulator(home);
    if (driver && driver->stubdomain == 1)
        stubdomain = launcherPathsGetStubdomain(home);
    spec.name = driver && driver->emulator ? driver->emulator : LAUNCHER_EMULATORS_DEFAULT;
    spec.stubdomain = stubdomain;
    spec.program = program;
    spec.args = driver ? driver->args : NULL;
    spec.props = &props;
    spec.sockets = &socket;
    spec.clientFd = socket->path ? request->link : -1;
    spec.qemu = request->qemu;
    spec.state = state[1];

    ok = liveStartEmulator(request, &emulator, &spec, err);
    launcherFdsClose(&state[1]);
    ok = ok && launcherEmulatorWait(&emulator, g_get_monotonic_time() +
                                    LAUNCHER_EMULATOR_TIMEOUT * INT64_C(1000), err) &&
        (!saves || launcherLiveStateAdd(request->state, state[0], name, socket->path, props, err));
    launcherFdsClose(&state[0]);
    if (!ok)
        launcherEmulatorKill(&emulator);
    launcherEmulatorClear(&emulator);
    return ok;
}


/* Makes the command that QEMU gets. Returns NULL with ERR set. */
static JSONObject *
liveAttach(LiveRequest *request,
           LauncherSocket *socket,
           GError **err)
{
    g_autofree char *arguments = qemuPropsJSONToString(request->arguments);
    g_autofree char *emulated = qemuPropsAliasExpand(arguments, err);
    g_autoptr(QEMUProps) props = emulated ? qemuPropsParse(emulated, err) : NULL;
    g_autofree char *id = emulated ? qemuPropsGetId(emulated) : NULL;
    g_autofree char *name = id ? qemuPropsAliasGetName(id) : NULL;
    g_autofree char *replaced = NULL;

    if (!props || !liveCheckDriver(request, props->driver, err))
        return NULL;

    socket->version = request->transport;
    if (request->transport == EMULATED_PCI_VERSION_VFIO_USER) {
        if (!launcherSocketMake(socket, request->number, request->number, err))
            return NULL;
    } else {
        socket->theirs = request->link;
        request->link = -1;
    }
    replaced = liveReplace(emulated, socket, err);
    if (!replaced || !liveStart(request, props, name, socket, err))
        return NULL;

    json_object_object_add(request->command, "arguments", json_tokener_parse(replaced));
    return request->command;
}


/* Reads a request into LINE, and the link that is sent with it. Returns FALSE if there are no more
 * requests. */
static gboolean
liveReceive(LiveRequest *request,
            char line[LAUNCHER_LIVE_REQUEST_MAX])
{
    struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
    size_t len = 0;

    while (len == 0 || line[len - 1] != '\n') {
        int passed;
        size_t npassed = 1;
        ssize_t got;

        if (TEMP_FAILURE_RETRY(poll(&pfd, 1, LAUNCHER_LIVE_IDLE)) <= 0)
            return FALSE;
        got = passDescriptorsReceive(STDIN_FILENO, line + len, LAUNCHER_LIVE_REQUEST_MAX - 1 - len,
                                     &passed, &npassed, 0);
        if (npassed > 0) {
            launcherFdsClose(&request->link);
            request->link = passed;
            if (!launcherFdsRaise(&request->link))
                return FALSE;
        }
        if (got <= 0)
            return FALSE;
        len += got;
    }
    line[len] = '\0';
    return request->link >= 0;
}


/* Replies to one request. Returns FALSE if the reply cannot be written. */
static gboolean
liveServe(LiveRequest *request,
          const char *line)
{
    g_autoptr(GError) err = NULL;
    LauncherSocket *socket = launcherSocketNew(1);
    JSONObject *command;
    gboolean ok;

    if (!liveReadCommand(request, line)) {
        ok = liveAnswer('P', NULL);
    } else if (!(command = liveAttach(request, socket, &err))) {
        launcherLog("%s", err->message);
        ok = liveRefuse(request, err);
    } else {
        ok = liveAnswer(request->transport == EMULATED_PCI_VERSION_VFIO_USER ? 'S' : 'F', command);
        /* QEMU will connect to it, and the emulator will remove it. */
        if (ok)
            g_clear_pointer(&socket->path, g_free);
    }
    launcherSocketFree(socket, 1);
    json_object_put(request->command);
    request->command = request->arguments = NULL;
    launcherFdsClose(&request->link);
    return ok;
}


/* Starts a process of pci-emulator for the next request, unless there is one. */
static void
livePrepare(LiveRequest *request)
{
    g_autofree char *home = NULL;
    g_autofree char *program = NULL;

    if (request->template >= 0 || !(home = launcherPathsGetHome(NULL)))
        return;
    program = launcherPathsGetEmulator(home);
    request->template = launcherTemplateStart(program, request->qemu);
}


int
launcherLive(int argc G_GNUC_UNUSED,
             char **argv)
{
    static char line[LAUNCHER_LIVE_REQUEST_MAX];
    LiveRequest request = { .template = -1, .link = -1, .state = -1 };

    if (!liveReadOptions(&request, argv) ||
        (request.state >= 0 && fcntl(request.state, F_SETFD, FD_CLOEXEC) < 0)) {
        launcherLog(_("invalid command line; see %1$s --help"), "emulatedpci-launcher");
        return 2;
    }

    while (liveReceive(&request, line) && liveServe(&request, line)) {
        request.number++;
        livePrepare(&request);
    }
    launcherFdsClose(&request.link);
    launcherFdsClose(&request.template);
    g_free(request.qemu);
    return EXIT_SUCCESS;
}
