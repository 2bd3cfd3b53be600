/*
 * launcher_emulators.c: all emulators of a domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_emulators.h"
#include "launcher_attach.h"
#include "launcher_fds.h"
#include "launcher_paths.h"
#include "launcher_server.h"

#include "gettext.h"

#include <errno.h>

#define _(s) gettext(s)


static const char *
launcherEmulatorsGetName(const EmulatedPCIDriver *driver)
{
    return driver && driver->emulator ? driver->emulator : LAUNCHER_EMULATORS_DEFAULT;
}


GPtrArray *
launcherEmulatorsGroup(QEMUProps *const *props,
                       size_t n,
                       GError **err)
{
    g_autofree const EmulatedPCIDriver **drivers = g_new(const EmulatedPCIDriver *, n);
    g_autofree const char **names = g_new(const char *, n);
    size_t i;

    for (i = 0; i < n; i++) {
        drivers[i] = props[i]->driver;
        names[i] = props[i]->fields.devicename;
    }
    return emulatedPCIDriverGroupAll(drivers, names, n, err);
}


gboolean
launcherEmulatorsPlan(LauncherEmulators *emulators,
                      QEMUProps *const *props,
                      size_t n,
                      const QEMUProgram *qemu,
                      const char *program,
                      const char *machine,
                      gboolean kvm,
                      GError **err)
{
    guint i;
    guint j;

    emulators->groups = launcherEmulatorsGroup(props, n, err);
    if (!emulators->groups)
        return FALSE;

    emulators->processes = g_new0(LauncherEmulator, emulators->groups->len);
    emulators->sockets = launcherSocketNew(n);
    emulators->n = n;

    for (i = 0; i < emulators->groups->len; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(emulators->groups, i);
        const EmulatedPCIVersion version =
            qemuProgramChoose(qemu, program, machine, kvm,
                              emulatedPCIDriverGetVersion(group->driver), err);

        if (version == EMULATED_PCI_VERSION_NONE)
            return FALSE;
        for (j = 0; j < group->devices->len; j++)
            emulators->sockets[g_array_index(group->devices, gsize, j)].version = version;
    }
    return TRUE;
}


gboolean
launcherEmulatorsHasVersion(const LauncherEmulators *emulators,
                            EmulatedPCIVersion version)
{
    size_t i;

    for (i = 0; i < emulators->n; i++) {
        if (emulators->sockets[i].version == version)
            return TRUE;
    }
    return FALSE;
}


static gboolean
launcherEmulatorsStartGroup(LauncherEmulators *emulators,
                            const EmulatedPCIDriverGroup *group,
                            QEMUProps *const *all,
                            const char *home,
                            GError **err)
{
    const EmulatedPCIDriver *driver = group->driver;
    const size_t n = group->devices->len;
    g_autofree QEMUProps **props = g_new(QEMUProps *, n);
    g_autofree LauncherSocket **sockets = g_new(LauncherSocket *, n);
    g_autofree char *stubdomain = NULL;
    g_autofree char *program = NULL;
    LauncherEmulatorSpec spec = { .name = launcherEmulatorsGetName(driver), .n = n, .clientFd = -1,
                                  .state = -1 };
    LauncherEmulator *emulator = &emulators->processes[emulators->started++];
    int state[2] = { -1, -1 };
    gboolean ok;
    size_t i;

    *emulator = (LauncherEmulator) { .name = spec.name, .pidfd = -1, .ready = -1, .state = -1 };
    for (i = 0; i < n; i++) {
        const gsize device = g_array_index(group->devices, gsize, i);

        props[i] = all[device];
        sockets[i] = &emulators->sockets[device];
        if (driver && driver->socket) {
            launcherSocketUse(sockets[i], driver->socket);
            continue;
        }
        if (!launcherSocketMake(sockets[i], device, emulators->n, err))
            return FALSE;
    }

    if (driver && driver->socket)
        return TRUE;
    if (emulators->travels && !launcherFdsPacketpair(state)) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot create a socket for the PCI device emulator '%1$s': %2$s"),
                               spec.name, g_strerror(errno));
        return FALSE;
    }

    if (driver && driver->pid > 0) {
        ok = launcherAttach(driver->pid, props, sockets, n, state[1], &emulator->travels, err);
        emulator->state = state[0];
        launcherFdsClose(&state[1]);
        return ok;
    }

    program = driver && driver->model ? g_strdup(driver->model) : launcherPathsGetEmulator(home);
    if (driver && driver->stubdomain == 1)
        stubdomain = launcherPathsGetStubdomain(home);
    spec.stubdomain = stubdomain;
    spec.program = program;
    spec.own = !driver || !driver->model;
    spec.args = driver ? driver->args : NULL;
    spec.props = props;
    spec.sockets = sockets;
    spec.state = state[1];

    ok = launcherEmulatorStart(emulator, &spec, err);
    emulator->state = state[0];
    launcherFdsClose(&state[1]);
    return ok;
}


/* Checks that the servers of devices that other programs provide accept connections. */
static gboolean
launcherEmulatorsCheckServers(const LauncherEmulators *emulators,
                              QEMUProps *const *props,
                              GError **err)
{
    guint i;

    for (i = 0; i < emulators->n; i++) {
        const EmulatedPCIDriver *driver = props[i]->driver;

        if (!driver || !driver->socket)
            continue;
        if (!launcherServerCheck(driver->socket, props[i]->fields.devicename, err) ||
            (driver->version == EMULATED_PCI_VERSION_VFIO_USER &&
             !launcherServerNegotiate(driver->socket, props[i]->fields.devicename, err)))
            return FALSE;
    }
    return TRUE;
}


gboolean
launcherEmulatorsStart(LauncherEmulators *emulators,
                       QEMUProps *const *props,
                       const char *home,
                       GError **err)
{
    guint i;

    if (!launcherEmulatorsCheckServers(emulators, props, err))
        return FALSE;
    for (i = 0; i < emulators->groups->len; i++) {
        const EmulatedPCIDriverGroup *group = g_ptr_array_index(emulators->groups, i);

        if (!launcherEmulatorsStartGroup(emulators, group, props, home, err))
            return FALSE;
    }
    return TRUE;
}


gboolean
launcherEmulatorsWait(LauncherEmulators *emulators,
                      GError **err)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_EMULATOR_TIMEOUT * INT64_C(1000);
    size_t i;

    for (i = 0; i < emulators->started; i++) {
        if (!launcherEmulatorWait(&emulators->processes[i], deadline, err))
            return FALSE;
    }
    return TRUE;
}


void
launcherEmulatorsClear(LauncherEmulators *emulators)
{
    size_t i;

    for (i = 0; i < emulators->started; i++) {
        launcherEmulatorKill(&emulators->processes[i]);
        launcherEmulatorClear(&emulators->processes[i]);
    }
    g_clear_pointer(&emulators->processes, g_free);
    g_clear_pointer(&emulators->unmovableAlias, g_free);
    g_clear_pointer(&emulators->unmovableReason, g_free);
    if (emulators->sockets)
        launcherSocketFree(emulators->sockets, emulators->n);
    emulators->sockets = NULL;
    if (emulators->state)
        launcherSocketFree(emulators->state, 1);
    emulators->state = NULL;
    launcherFdsClose(&emulators->control);
    g_clear_pointer(&emulators->groups, g_ptr_array_unref);
}
