/*
 * launcher_state.c: lets the devices' registers travel with a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_state.h"
#include "launcher_fds.h"
#include "launcher_paths.h"
#include "launcher_process.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

#define STATE_OBJECT "dbus-vmstate"


/* Whether ARGV has the option NAME, with one dash or two; and with TEXT in its
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


/* QEMU's name for device I, newly allocated; NULL if it has none. */
static char *
stateGetAlias(const LauncherArgs *args,
              guint i,
              char *const *argv)
{
    return qemuPropsGetId(argv[g_array_index(args->at, int, i)]);
}


/* Notes in FLEET that device I, or no single one with -1, is the reason why nothing
 * travels. */
static void
stateSetReason(LauncherFleet *fleet,
               QEMUUnmovable reason,
               const char *alias)
{
    fleet->travels = FALSE;
    fleet->unmovable = reason;
    g_free(fleet->unmovableAlias);
    fleet->unmovableAlias = g_strdup(alias);
}


/* Why a device's registers cannot travel whatever its emulator is able to do, newly
 * allocated; NULL if there is no reason. */
static char *
stateFindReason(LauncherFleet *fleet,
                const LauncherArgs *args,
                int argc,
                char *const *argv,
                const char *home)
{
    g_autofree char *program = launcherPathsGetVMState(home);
    guint i;

    fleet->travels = TRUE;
    for (i = 0; i < fleet->n; i++) {
        const QEMUProps *props = g_ptr_array_index(args->props, i);
        g_autofree char *alias = stateGetAlias(args, i, argv);

        stateSetReason(fleet, QEMU_UNMOVABLE_MPQEMU, alias);
        if (fleet->sockets[i].version != EMULATED_PCI_VERSION_VFIO_USER)
            return g_strdup_printf(_("device '%1$s' uses '%2$s', which QEMU cannot save; "
                                     "'%3$s' of QEMU 10.1 or newer is required"),
                                   props->devicename, QEMU_PROGRAM_PROXY, QEMU_PROGRAM_VFIO_USER);
        if (props->driver && props->driver->socket) {
            stateSetReason(fleet, QEMU_UNMOVABLE_SOCKET, alias);
            return g_strdup_printf(_("device '%1$s' is served at the socket '%2$s', "
                                     "and QEMU cannot save the registers of such a device"),
                                   props->devicename, props->driver->socket);
        }
        stateSetReason(fleet, QEMU_UNMOVABLE_OTHER, NULL);
        if (!alias)
            return g_strdup_printf(_("device '%1$s' has no id"), props->devicename);
    }
    if (access(program, X_OK) < 0)
        return g_strdup_printf(_("cannot run '%1$s', which saves the registers of emulated PCI devices: %2$s"),
                               program, g_strerror(errno));
    if (stateHasOption(argc, argv, "object", STATE_OBJECT))
        return g_strdup_printf(_("QEMU has another '%1$s' object, and only one is possible"), STATE_OBJECT);
    fleet->travels = TRUE;
    return NULL;
}


/* The first device whose emulator does not hand over registers, newly allocated as
 * above; NULL if there is none. */
static char *
stateFindEmulator(LauncherFleet *fleet,
                  const LauncherArgs *args,
                  char *const *argv)
{
    guint i;

    for (i = 0; fleet->travels && i < fleet->started; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(fleet->groups, i);
        const gsize device = g_array_index(group->devices, gsize, 0);
        const QEMUProps *props = g_ptr_array_index(args->props, device);
        g_autofree char *alias = NULL;

        if (fleet->emulators[i].travels)
            continue;
        alias = stateGetAlias(args, device, argv);
        stateSetReason(fleet, props->driver && props->driver->pid > 0 ? QEMU_UNMOVABLE_PID :
                       QEMU_UNMOVABLE_MODEL, alias);
        return g_strdup_printf(_("device '%1$s' has an emulator ('%2$s' of <driver>) "
                                 "that does not save registers"),
                               props->devicename,
                               fleet->unmovable == QEMU_UNMOVABLE_PID ? "pid" : "model");
    }
    return NULL;
}


/* Refuses a start for REASON if it restores a guest. Otherwise the domain's log is to tell
 * a reason that QEMU's error will not. */
static gboolean
stateCheck(LauncherFleet *fleet,
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
    if (reason && fleet->unmovable == QEMU_UNMOVABLE_OTHER && !fleet->unmovableReason)
        fleet->unmovableReason = g_strdup(reason);
    return TRUE;
}


gboolean
launcherStatePlan(LauncherFleet *fleet,
                  const LauncherArgs *args,
                  int argc,
                  char *const *argv,
                  const char *home,
                  GError **err)
{
    g_autofree char *reason = stateFindReason(fleet, args, argc, argv, home);

    return stateCheck(fleet, reason, argc, argv, err);
}


gboolean
launcherStateDecide(LauncherFleet *fleet,
                    const LauncherArgs *args,
                    int argc,
                    char *const *argv,
                    GError **err)
{
    g_autofree char *reason = NULL;
    guint i;

    /* Those of other people tell it when they are ready. */
    for (i = 0; fleet->travels && i < fleet->started; i++) {
        if (!fleet->emulators[i].travels) {
            if (!launcherFleetWait(fleet, err))
                return FALSE;
            break;
        }
    }
    reason = stateFindEmulator(fleet, args, argv);
    return stateCheck(fleet, reason, argc, argv, err);
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
stateFormatArgs(const LauncherFleet *fleet,
                const LauncherArgs *args,
                char *const *argv,
                const char *program,
                const LauncherSocket *socket,
                int client)
{
    GPtrArray *result = g_ptr_array_new();
    guint i;
    guint j;

    g_ptr_array_add(result, g_strdup(program));
    g_ptr_array_add(result, g_strdup_printf("--listen-fd=%d", socket->theirs));
    g_ptr_array_add(result, g_strdup_printf("--path=%s", socket->path));
    if (client >= 0)
        g_ptr_array_add(result, g_strdup_printf("--client-fd=%d", client));

    for (i = 0; i < fleet->started; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(fleet->groups, i);

        g_ptr_array_add(result, g_strdup_printf("--%s=%d",
                                                group->driver && (group->driver->model ||
                                                                  group->driver->pid > 0) ?
                                                "model" : "emulator", fleet->emulators[i].state));
        for (j = 0; j < group->devices->len; j++) {
            const gsize n = g_array_index(group->devices, gsize, j);
            g_autofree char *alias = stateGetAlias(args, n, argv);
            g_autofree char *device = launcherEmulatorFormatDevice(g_ptr_array_index(args->props, n));

            g_ptr_array_add(result, g_strdup_printf("--alias=%s", alias));
            g_ptr_array_add(result, g_strdup_printf("--device=socket=%s,%s", fleet->sockets[n].path,
                                                    device));
        }
    }
    g_ptr_array_add(result, NULL);
    return (char **) g_ptr_array_free(result, FALSE);
}


/* Starts PROGRAM, which listens on SOCKET. */
static gboolean
stateStartProgram(const LauncherFleet *fleet,
                  const LauncherArgs *args,
                  char *const *argv,
                  const char *program,
                  const LauncherSocket *socket,
                  GError **err)
{
    LauncherProcessError error;
    int client = launcherFdsSelf();
    g_auto(GStrv) own = stateFormatArgs(fleet, args, argv, program, socket, client);
    g_autofree int *fds = g_new(int, fleet->started + 3);
    gboolean ok;
    size_t n = 0;
    int pidfd;
    guint i;

    fds[n++] = socket->theirs;
    if (client >= 0)
        fds[n++] = client;
    for (i = 0; i < fleet->started; i++)
        fds[n++] = fleet->emulators[i].state;

    ok = launcherProcessStart(own, fds, n, -1, &pidfd, &error);
    if (!ok)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run '%1$s', which saves the registers of emulated PCI devices: %2$s"),
                               program, g_strerror(error.number));
    launcherFdsClose(&pidfd);
    launcherFdsClose(&client);
    return ok;
}


gboolean
launcherStateStart(LauncherFleet *fleet,
                   const LauncherArgs *args,
                   char *const *argv,
                   const char *home,
                   GPtrArray *more,
                   GError **err)
{
    g_autofree char *program = launcherPathsGetVMState(home);
    g_autofree char *address = NULL;

    if (!fleet->travels)
        return TRUE;

    fleet->state = launcherSocketNew(1);
    fleet->state->version = EMULATED_PCI_VERSION_VFIO_USER;
    if (!launcherSocketMake(fleet->state, fleet->n, fleet->n, err) ||
        !launcherSocketListen(fleet->state, err) ||
        !stateStartProgram(fleet, args, argv, program, fleet->state, err))
        return FALSE;
    launcherFdsClose(&fleet->state->theirs);

    address = launcherStateFormatAddress(fleet->state->path);
    g_ptr_array_add(more, g_strdup("-object"));
    g_ptr_array_add(more, g_strdup_printf("{\"qom-type\":\"" STATE_OBJECT "\",\"id\":\"emulatedpci-vmstate\","
                                          "\"addr\":\"%s\",\"id-list\":\"emulatedpci\"}", address));
    return TRUE;
}
