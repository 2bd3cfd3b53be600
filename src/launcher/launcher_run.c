/*
 * launcher_run.c: starts the emulators and becomes QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_run.h"
#include "launcher_accel.h"
#include "launcher_args.h"
#include "launcher_blocker.h"
#include "launcher_fds.h"
#include "launcher_emulators.h"
#include "launcher_log.h"
#include "launcher_logfilter.h"
#include "launcher_machine.h"
#include "launcher_memory.h"
#include "launcher_monitor.h"
#include "launcher_paths.h"
#include "launcher_qemu.h"
#include "launcher_relay.h"
#include "launcher_stale.h"
#include "launcher_state.h"
#include "qemu_launcher_path.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)


static int
launcherRunExec(const char *qemu,
                char **argv,
                LauncherLogfilter *filter)
{
    int saved;

    launcherLogfilterEnter(filter);
    execv(qemu, argv);
    saved = errno;
    launcherLogfilterLeave(filter);
    launcherLog(_("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(saved));
    return saved == ENOENT ? LAUNCHER_EXIT_NOT_FOUND : LAUNCHER_EXIT_CANNOT_RUN;
}


/* libvirt may have cached the capabilities of an earlier QEMU. It can notice the new one now; a
 * failure does not prevent the start. */
static void
launcherRunRefresh(const char *qemu)
{
    g_autofree char *self = NULL;

    if (launcherStaleCheck(LAUNCHER_SELF, qemu) != LAUNCHER_STALE_YES ||
        launcherStaleRefresh(LAUNCHER_SELF, FALSE))
        return;
    self = g_file_read_link(LAUNCHER_SELF, NULL);
    launcherLog(_("warning: '%1$s' was replaced; for libvirt to notice, run as root: %2$s --refresh"),
                qemu, self ? self : QEMU_LAUNCHER_PROGRAM);
}


/* A server that cannot map the guest's memory can still do DMA if it requests each access from
 * QEMU, which not every server supports. This is therefore only a warning in the log of the
 * domain. */
static void
launcherRunWarn(const LauncherEmulators *emulators,
                int argc,
                char *const *argv)
{
    size_t i;

    for (i = 0; i < emulators->n; i++) {
        if (emulators->sockets[i].foreign && !launcherMemoryIsShared(argc, argv))
            launcherLog(
                        _("warning: the server at the socket '%1$s' cannot map the guest's memory; if its device does DMA, the domain may need %2$s"),
                        emulators->sockets[i].path,
                        "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>");
    }
}


/* Logs that no device can be attached to the running domain. */
static void
launcherRunWarnLive(const char *reason)
{
    launcherLog(_("warning: emulated PCI devices cannot be attached to the running domain: %1$s"),
                reason);
}


/* Returns whether the relay can be started. If not, logs that no device can be attached to the
 * running domain. */
static gboolean
launcherRunHasRelay(const char *home)
{
    g_autofree char *program = launcherPathsGetMonitor(home);
    g_autofree char *reason = NULL;

    if (access(program, X_OK) == 0)
        return TRUE;
    reason = g_strdup_printf(_("cannot run '%1$s', which relays to QEMU's monitor: %2$s"), program,
                             g_strerror(errno));
    launcherRunWarnLive(reason);
    return FALSE;
}


/* Returns the transport of devices that are attached to the running domain; NONE if no device
 * can be. */
static EmulatedPCIVersion
launcherRunFindTransport(const QEMUProgram *info,
                         const char *qemu,
                         const char *machine,
                         const char *home,
                         int argc,
                         char **argv)
{
    int self = launcherFdsSelf();
    const gboolean possible = self >= 0 && launcherMonitorIsListening(launcherMonitorFind(argc, argv)) &&
        launcherRunHasRelay(home);

    launcherFdsClose(&self);
    return !possible ? EMULATED_PCI_VERSION_NONE :
        qemuProgramChoose(info, qemu, machine, launcherAccelIsKVM(argc, argv),
                          EMULATED_PCI_VERSION_NONE, NULL);
}


/* Returns the control socket of the emulators, which loses it. */
static int
launcherRunTakeControl(LauncherEmulators *emulators)
{
    const int control = emulators->control;

    emulators->control = -1;
    return control;
}


/* Starts the filter between QEMU and its log. If there is a relay, libvirt notices QEMU's end
 * through it, and the log must be complete before. */
static void
launcherRunFilterLog(LauncherLogfilter *filter,
                     LauncherRelay *relay,
                     const char *home)
{
    int monitor = relay->monitor;

    if (relay->transport != EMULATED_PCI_VERSION_NONE)
        monitor = launcherRelayOpenLog(relay);
    launcherLogfilterStart(filter, home, monitor);
    if (relay->transport != EMULATED_PCI_VERSION_NONE)
        launcherFdsClose(&monitor);
}


/* No device can be attached to the running domain, because its registers would be lost when the
 * guest is saved. */
static void
launcherRunForbidLive(LauncherEmulators *emulators,
                      LauncherRelay *relay)
{
    relay->transport = EMULATED_PCI_VERSION_NONE;
    emulators->live = FALSE;
    if (emulators->n == 0 && emulators->unmovableReason) {
        launcherRunWarnLive(emulators->unmovableReason);
        g_clear_pointer(&emulators->unmovableReason, g_free);
    }
}


/* Starts the emulators for the devices in ARGV (stored in ARGS), the filter of QEMU's log, and the
 * relay of its monitor. Returns QEMU's arguments, or NULL with ERR set. */
static char **
launcherRunPrepare(const char *qemu,
                   int argc,
                   char **argv,
                   LauncherArgs *args,
                   LauncherEmulators *emulators,
                   LauncherLogfilter *filter,
                   LauncherRelay *relay,
                   GError **err)
{
    g_autoptr(GPtrArray) more = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) result = NULL;
    g_autofree char *home = NULL;
    g_autofree char *machine = launcherMachineGetType(argc, argv);
    QEMUProps *const *props;
    QEMUProgram info;
    gboolean vfioUser;

    if (!launcherArgsParse(args, argc, argv, err))
        return NULL;
    props = (QEMUProps *const *) args->props->pdata;

    home = launcherPathsGetHome(err);
    if (!home || !launcherQEMUInspect(&info, qemu, err))
        return NULL;
    relay->monitor = launcherMonitorFind(argc, argv);
    relay->transport = launcherRunFindTransport(&info, qemu, machine, home, argc, argv);
    emulators->live = relay->transport == EMULATED_PCI_VERSION_VFIO_USER;
    if (!launcherEmulatorsPlan(emulators, props, args->props->len, &info, qemu, machine,
                           launcherAccelIsKVM(argc, argv), err) ||
        !launcherStatePlan(emulators, args, argc, argv, home, err))
        return NULL;

    /* The registers of devices that are attached later must be saved with the guest, too. */
    vfioUser = launcherEmulatorsHasVersion(emulators, EMULATED_PCI_VERSION_VFIO_USER);
    if (emulators->live && !emulators->travels && !vfioUser)
        launcherRunForbidLive(emulators, relay);
    if (!launcherEmulatorsStart(emulators, props, home, err))
        return NULL;

    /* The rest is done while the emulators start. */
    if (launcherEmulatorsHasVersion(emulators, EMULATED_PCI_VERSION_MPQEMU) ||
        relay->transport == EMULATED_PCI_VERSION_MPQEMU)
        launcherRunFilterLog(filter, relay, home);
    result = launcherArgsRewrite(args, argc, argv, qemu, emulators->sockets, err);
    if (!result ||
        !launcherStateDecide(emulators, args, argc, argv, err) ||
        !launcherStateStart(emulators, args, argv, home, more, err) ||
        (vfioUser && !emulators->travels &&
         !launcherBlockerAdd(more, emulators->unmovable, emulators->unmovableAlias, err)) ||
        !launcherEmulatorsWait(emulators, err) ||
        !launcherSocketInherit(emulators->sockets, emulators->n, err) ||
        !launcherRelayStart(relay, result, emulators->n + 1, launcherRunTakeControl(emulators), home, err))
        return NULL;
    launcherArgsExtend(&result, more);
    launcherRunWarn(emulators, argc, argv);
    if (emulators->unmovableReason)
        launcherLog(_("warning: this guest cannot be saved or migrated: %1$s"),
                    emulators->unmovableReason);
    return g_steal_pointer(&result);
}


/* Returns the path of the QEMU that the name of the link encodes, or NULL with ERR set. */
static char *
launcherRunFindQEMU(const char *path,
                    GError **err)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *home = launcherPathsGetHome(err);
    char *qemu;

    if (!home)
        return NULL;

    /* Otherwise, a link in any directory could run any program. */
    if (!launcherPathsIsInLaunchDir(home, path)) {
        g_autofree char *dir = launcherPathsGetLaunchDir(home);

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' is not in the launch directory '%2$s': the launcher requires a link from there"),
                               path, dir);
        return NULL;
    }

    qemu = qemuLauncherNameToQEMU(NULL, name);
    if (!qemu)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s' is not a launcher name: 'qemu-system-ARCH' or an escaped absolute path is required"),
                               name);
    return qemu;
}


/* Executes QEMU. Returns only on failure, after a message, with the exit status. */
static int
launcherRunQEMU(char *qemu,
                int argc,
                char **argv)
{
    g_auto(LauncherArgs) args = { NULL, NULL };
    g_auto(LauncherEmulators) emulators = LAUNCHER_EMULATORS_INIT;
    g_auto(LauncherLogfilter) filter = LAUNCHER_LOGFILTER_INIT;
    g_auto(LauncherRelay) relay = LAUNCHER_RELAY_INIT;
    gboolean wanted;
    g_auto(GStrv) result = NULL;
    g_autoptr(GError) err = NULL;

    launcherRunRefresh(qemu);

    if (!launcherArgsExpand(argc, argv, &err)) {
        launcherLog("%s", err->message);
        return LAUNCHER_EXIT_FAILURE;
    }

    /* When libvirt probes capabilities, there is no such monitor. */
    wanted = launcherArgsHaveDevices(argc, argv);
    if (!wanted && !launcherMonitorIsListening(launcherMonitorFind(argc, argv))) {
        argv[0] = qemu;
        return launcherRunExec(qemu, argv, &filter);
    }

    if (access(qemu, X_OK) < 0) {
        const int saved = errno;

        launcherLog(_("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(saved));
        return saved == ENOENT ? LAUNCHER_EXIT_NOT_FOUND : LAUNCHER_EXIT_CANNOT_RUN;
    }

    result = launcherRunPrepare(qemu, argc, argv, &args, &emulators, &filter, &relay, &err);
    if (!result && !wanted) {
        launcherRunWarnLive(err->message);
        argv[0] = qemu;
        return launcherRunExec(qemu, argv, &filter);
    }
    if (!result) {
        launcherLog("%s", err->message);
        return LAUNCHER_EXIT_FAILURE;
    }
    return launcherRunExec(qemu, result, &filter);
}


int
launcherRun(int argc,
            char **argv)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *qemu = launcherRunFindQEMU(argc > 0 ? argv[0] : "", &err);
    int status = LAUNCHER_EXIT_FAILURE;

    if (qemu)
        status = launcherRunQEMU(qemu, argc, argv);
    else
        launcherLog("%s", err->message);

    launcherMonitorWait(launcherMonitorFind(argc, argv), LAUNCHER_MONITOR_TIMEOUT);
    return status;
}
