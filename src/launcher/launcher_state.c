/*
 * launcher_state.c: saves the registers of the devices with a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_state.h"
#include "launcher_fds.h"
#include "launcher_paths.h"
#include "launcher_process.h"
#include "qemu_props_alias.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

#define STATE_OBJECT "dbus-vmstate"


/* Returns whether ARGV has the option NAME, with one dash or two; and with TEXT in its
 * value, unless that is NULL. */
static gboolean
stateHasOption(int argc,
               char *const *argv,
               const char *name,
               const char *text)
{
    int i;

    for (i = 1; i + 1 < argc; i++) {
        if (argv[i][0] == '-' && strcmp(argv[i] + (argv[i][1] == '-' ? 2 : 1), name) == 0 &&
            (!text || strstr(argv[i + 1], text)))
            return TRUE;
    }
    return FALSE;
}


/* Returns the name of device I, newly allocated, or NULL if it has none. A device that was attached
 * to the running domain has the same one as if it had been there from the start. */
static char *
stateGetAlias(const LauncherArgs *args,
              guint i,
              char *const *argv)
{
    g_autofree char *id = qemuPropsGetId(argv[g_array_index(args->at, int, i)]);

    return id ? qemuPropsAliasGetName(id) : NULL;
}


/* Stores in EMULATORS that device I (-1: no single device) is the reason why no registers are
 * saved. */
static void
stateSetReason(LauncherEmulators *emulators,
               QEMUUnmovable reason,
               const char *alias)
{
    emulators->travels = FALSE;
    emulators->unmovable = reason;
    g_free(emulators->unmovableAlias);
    emulators->unmovableAlias = g_strdup(alias);
}


/* Returns the reason why the registers of a device cannot be saved with any emulator, to be freed
 * with g_free(), or NULL if there is none. */
static char *
stateFindReason(LauncherEmulators *emulators,
                const LauncherArgs *args,
                int argc,
                char *const *argv,
                const char *home)
{
    g_autofree char *program = launcherPathsGetVMState(home);
    guint i;

    emulators->travels = TRUE;
    for (i = 0; i < emulators->n; i++) {
        const QEMUProps *props = g_ptr_array_index(args->props, i);
        g_autofree char *alias = stateGetAlias(args, i, argv);

        stateSetReason(emulators, QEMU_UNMOVABLE_MPQEMU, alias);
        if (emulators->sockets[i].version != EMULATED_PCI_VERSION_VFIO_USER)
            return g_strdup_printf(_("device '%1$s' uses '%2$s', which QEMU cannot save; "
                                     "'%3$s' of QEMU 10.1 or newer is required"),
                                   props->fields.devicename, QEMU_PROGRAM_PROXY,
                                   QEMU_PROGRAM_VFIO_USER);
        if (props->driver && props->driver->socket) {
            stateSetReason(emulators, QEMU_UNMOVABLE_SOCKET, alias);
            return g_strdup_printf(_("device '%1$s' is served at the socket '%2$s', "
                                     "and QEMU cannot save the registers of such a device"),
                                   props->fields.devicename, props->driver->socket);
        }
        stateSetReason(emulators, QEMU_UNMOVABLE_OTHER, NULL);
        if (!alias)
            return g_strdup_printf(_("device '%1$s' has no id"), props->fields.devicename);
    }
    if (access(program, X_OK) < 0)
        return g_strdup_printf(_("cannot run '%1$s', which saves the registers of emulated PCI devices: %2$s"),
                               program, g_strerror(errno));
    if (stateHasOption(argc, argv, "object", STATE_OBJECT))
        return g_strdup_printf(_("QEMU has another '%1$s' object, and only one is possible"), STATE_OBJECT);
    emulators->travels = TRUE;
    return NULL;
}


/* Returns the first device whose emulator does not hand over registers, newly allocated as above,
 * or NULL if there is none. */
static char *
stateFindEmulator(LauncherEmulators *emulators,
                  const LauncherArgs *args,
                  char *const *argv)
{
    guint i;

    for (i = 0; emulators->travels && i < emulators->started; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(emulators->groups, i);
        const gsize device = g_array_index(group->devices, gsize, 0);
        const QEMUProps *props = g_ptr_array_index(args->props, device);
        g_autofree char *alias = NULL;

        if (emulators->processes[i].travels)
            continue;
        alias = stateGetAlias(args, device, argv);
        stateSetReason(emulators, props->driver && props->driver->pid > 0 ? QEMU_UNMOVABLE_PID :
                       QEMU_UNMOVABLE_MODEL, alias);
        return g_strdup_printf(_("device '%1$s' has an emulator ('%2$s' of <driver>) "
                                 "that does not save registers"),
                               props->fields.devicename,
                               emulators->unmovable == QEMU_UNMOVABLE_PID ? "pid" : "model");
    }
    return NULL;
}


/* Reports REASON as an error if QEMU restores a guest. Otherwise it is logged if QEMU's own error
 * would not contain it. */
static gboolean
stateCheck(LauncherEmulators *emulators,
           const char *reason,
           int argc,
           char *const *argv,
           GError **err)
{
    if (reason && (stateHasOption(argc, argv, "incoming", NULL) ||
                   stateHasOption(argc, argv, "loadvm", NULL))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot restore or receive a running guest with emulated PCI devices, their registers would be lost: %1$s"),
                               reason);
        return FALSE;
    }
    if (reason && emulators->unmovable == QEMU_UNMOVABLE_OTHER && !emulators->unmovableReason)
        emulators->unmovableReason = g_strdup(reason);
    return TRUE;
}


gboolean
launcherStatePlan(LauncherEmulators *emulators,
                  const LauncherArgs *args,
                  int argc,
                  char *const *argv,
                  const char *home,
                  GError **err)
{
    g_autofree char *reason = stateFindReason(emulators, args, argc, argv, home);

    return stateCheck(emulators, reason, argc, argv, err);
}


gboolean
launcherStateDecide(LauncherEmulators *emulators,
                    const LauncherArgs *args,
                    int argc,
                    char *const *argv,
                    GError **err)
{
    g_autofree char *reason = NULL;
    guint i;

    /* Emulators other than pci-emulator tell this when they are ready. */
    for (i = 0; emulators->travels && i < emulators->started; i++) {
        if (!emulators->processes[i].travels) {
            if (!launcherEmulatorsWait(emulators, err))
                return FALSE;
            break;
        }
    }
    reason = stateFindEmulator(emulators, args, argv);
    return stateCheck(emulators, reason, argc, argv, err);
}


char *
launcherStateFormatAddress(const char *path)
{
    GString *result = g_string_new("unix:path=");

    for (; *path; path++) {
        if (g_ascii_isalnum(*path) || strchr("-_/.\\*", *path))
            g_string_append_c(result, *path);
        else
            g_string_append_printf(result, "%%%02x", (guchar) *path);
    }
    return g_string_free(result, FALSE);
}


static char **
stateFormatArgs(const LauncherEmulators *emulators,
                const LauncherArgs *args,
                char *const *argv,
                const char *program,
                const LauncherSocket *socket,
                int client,
                int control)
{
    GPtrArray *result = g_ptr_array_new();
    guint i;
    guint j;

    g_ptr_array_add(result, g_strdup(program));
    g_ptr_array_add(result, g_strdup_printf("--listen-fd=%d", socket->theirs));
    g_ptr_array_add(result, g_strdup_printf("--path=%s", socket->path));
    if (client >= 0)
        g_ptr_array_add(result, g_strdup_printf("--client-fd=%d", client));

    if (control >= 0)
        g_ptr_array_add(result, g_strdup_printf("--control-fd=%d", control));

    for (i = 0; i < emulators->started; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(emulators->groups, i);

        g_ptr_array_add(result, g_strdup_printf("--%s=%d",
                                                group->driver && (group->driver->model ||
                                                                  group->driver->pid > 0) ?
                                                "model" : "emulator", emulators->processes[i].state));
        for (j = 0; j < group->devices->len; j++) {
            const gsize n = g_array_index(group->devices, gsize, j);
            g_autofree char *alias = stateGetAlias(args, n, argv);
            g_autofree char *device = launcherEmulatorFormatDevice(g_ptr_array_index(args->props, n));

            g_ptr_array_add(result, g_strdup_printf("--alias=%s", alias));
            g_ptr_array_add(result, g_strdup_printf("--device=socket=%s,%s", emulators->sockets[n].path,
                                                    device));
        }
    }
    g_ptr_array_add(result, NULL);
    return (char **) g_ptr_array_free(result, FALSE);
}


/* Starts PROGRAM, which listens on SOCKET. */
static gboolean
stateStartProgram(LauncherEmulators *emulators,
                  const LauncherArgs *args,
                  char *const *argv,
                  const char *program,
                  const LauncherSocket *socket,
                  GError **err)
{
    LauncherProcessError error = { LAUNCHER_PROCESS_OTHER, 0 };
    int control[2] = { -1, -1 };
    int client = launcherFdsSelf();
    g_auto(GStrv) own = NULL;
    g_autofree int *fds = g_new(int, emulators->started + 3);
    gboolean ok;
    size_t n = 0;
    int pidfd = -1;
    guint i;

    if (emulators->live && !launcherFdsPacketpair(control)) {
        launcherFdsClose(&client);
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run '%1$s', which saves the registers of emulated PCI devices: %2$s"),
                               program, g_strerror(errno));
        return FALSE;
    }
    own = stateFormatArgs(emulators, args, argv, program, socket, client, control[1]);
    emulators->control = control[0];

    fds[n++] = socket->theirs;
    if (client >= 0)
        fds[n++] = client;
    if (control[1] >= 0)
        fds[n++] = control[1];
    for (i = 0; i < emulators->started; i++)
        fds[n++] = emulators->processes[i].state;

    ok = launcherProcessStart(own, fds, n, -1, &pidfd, &error);
    if (!ok)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run '%1$s', which saves the registers of emulated PCI devices: %2$s"),
                               program, g_strerror(error.number));
    launcherFdsClose(&pidfd);
    launcherFdsClose(&client);
    launcherFdsClose(&control[1]);
    return ok;
}


gboolean
launcherStateStart(LauncherEmulators *emulators,
                   const LauncherArgs *args,
                   char *const *argv,
                   const char *home,
                   GPtrArray *more,
                   GError **err)
{
    g_autofree char *program = launcherPathsGetVMState(home);
    g_autofree char *address = NULL;

    if (!emulators->travels || (emulators->n == 0 && !emulators->live))
        return TRUE;

    emulators->state = launcherSocketNew(1);
    emulators->state->version = EMULATED_PCI_VERSION_VFIO_USER;
    if (!launcherSocketMake(emulators->state, emulators->n, emulators->n, err) ||
        !launcherSocketListen(emulators->state, err) ||
        !stateStartProgram(emulators, args, argv, program, emulators->state, err))
        return FALSE;
    launcherFdsClose(&emulators->state->theirs);

    address = launcherStateFormatAddress(emulators->state->path);
    g_ptr_array_add(more, g_strdup("-object"));
    g_ptr_array_add(more, g_strdup_printf("{\"qom-type\":\"" STATE_OBJECT "\",\"id\":\"emulatedpci-vmstate\","
                                          "\"addr\":\"%s\",\"id-list\":\"emulatedpci\"}", address));
    return TRUE;
}
