/*
 * launcher_relay.c: the relay between libvirt and QEMU's monitor
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_relay.h"
#include "launcher_child.h"
#include "launcher_emulator.h"
#include "launcher_fds.h"
#include "launcher_monitor.h"
#include "launcher_paths.h"
#include "launcher_process.h"
#include "qemu_launcher_path.h"

#include "gettext.h"
#include "ignore-value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)


/* Returns the value of the option NAME in ARGV, or NULL. */
static const char *
relayFindOption(char *const *argv,
                const char *name)
{
    guint i;

    for (i = 1; argv[i] && argv[i + 1]; i++) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}


int
launcherRelayOpenLog(LauncherRelay *relay)
{
    int fds[2];

    if (!launcherFdsPipe(fds))
        return -1;
    relay->log = fds[0];
    return fds[1];
}


/* Starts PROGRAM, which writes to READY when it is ready, and waits for the end of GATE. */
static gboolean
relaySpawn(LauncherRelay *relay,
           char *const *argv,
           const char *program,
           const char *home,
           int state,
           int ready,
           int gate,
           LauncherProcessError *error)
{
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    const char *uuid = relayFindOption(argv, "-uuid");
    int self = launcherFdsSelf();
    int fds[6];
    size_t n = 0;
    gboolean ok;

    g_ptr_array_add(args, g_strdup(program));
    g_ptr_array_add(args, g_strdup_printf("--listen-fd=%d", fds[n++] = relay->monitor));
    g_ptr_array_add(args, g_strdup_printf("--qemu-fd=%d", fds[n++] = self));
    g_ptr_array_add(args, g_strdup_printf("--ready-fd=%d", fds[n++] = ready));
    g_ptr_array_add(args, g_strdup_printf("--gate-fd=%d", fds[n++] = gate));
    if (relay->log >= 0)
        g_ptr_array_add(args, g_strdup_printf("--log-fd=%d", fds[n++] = relay->log));
    if (state >= 0)
        g_ptr_array_add(args, g_strdup_printf("--state-fd=%d", fds[n++] = state));
    g_ptr_array_add(args, g_strdup_printf("--path=%s", relay->socket->path));
    g_ptr_array_add(args, g_strdup_printf("--launcher=%s/" QEMU_LAUNCHER_PROGRAM, home));
    g_ptr_array_add(args, g_strdup_printf("--transport=%s",
                                          emulatedPCIVersionToString(relay->transport)));
    if (uuid)
        g_ptr_array_add(args, g_strdup_printf("--name=%s", uuid));
    g_ptr_array_add(args, NULL);

    /* The relay starts this program again for each device. */
    launcherEmulatorTellQEMU();
    ok = launcherProcessStart((char **) args->pdata, fds, n, -1, &relay->pidfd, error);
    g_unsetenv(LAUNCHER_EMULATOR_QEMU_ENV);
    launcherFdsClose(&self);
    return ok;
}


/* Starts the process, and waits until it is ready. */
static gboolean
relayStartProgram(LauncherRelay *relay,
                  char *const *argv,
                  const char *home,
                  int state,
                  GError **err)
{
    g_autofree char *program = launcherPathsGetMonitor(home);
    LauncherProcessError error = { LAUNCHER_PROCESS_OTHER, 0 };
    int ready[2] = { -1, -1 };
    int gate[2] = { -1, -1 };
    gboolean ok = FALSE;
    char byte;

    if (launcherFdsPipe(ready) && launcherFdsPipe(gate)) {
        relay->gate = gate[1];
        ok = relaySpawn(relay, argv, program, home, state, ready[1], gate[0], &error);
    } else {
        error.number = errno;
    }
    launcherFdsClose(&ready[1]);
    launcherFdsClose(&gate[0]);

    if (!ok) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run '%1$s', which relays to QEMU's monitor: %2$s"), program,
                               g_strerror(error.number));
    } else if (launcherChildRead(ready[0], &byte, 1, g_get_monotonic_time() +
                                 LAUNCHER_RELAY_TIMEOUT * INT64_C(1000)) != 1) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("'%1$s', which relays to QEMU's monitor, has ended before it was ready"),
                               program);
        ok = FALSE;
    }
    launcherFdsClose(&ready[0]);
    return ok;
}


gboolean
launcherRelayStart(LauncherRelay *relay,
                   char **argv,
                   size_t number,
                   int state,
                   const char *home,
                   GError **err)
{
    gboolean ok;

    if (relay->transport == EMULATED_PCI_VERSION_NONE) {
        launcherFdsClose(&state);
        return TRUE;
    }

    relay->socket = launcherSocketNew(1);
    relay->socket->version = EMULATED_PCI_VERSION_VFIO_USER;
    ok = launcherSocketMake(relay->socket, number, number, err) &&
        launcherSocketListen(relay->socket, err) &&
        relayStartProgram(relay, argv, home, state, err);
    launcherFdsClose(&state);
    launcherFdsClose(&relay->log);
    if (!ok)
        return FALSE;

    /* QEMU inherits one of them. This process requires the other one only if it does not become
     * QEMU. */
    launcherMonitorReplace(argv, relay->socket->theirs);
    if (!launcherFdsInherit(relay->socket->theirs) ||
        fcntl(relay->monitor, F_SETFD, FD_CLOEXEC) < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot pass a socket to QEMU: %1$s"), g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}


void
launcherRelayClear(LauncherRelay *relay)
{
    if (relay->gate >= 0)
        ignore_value(write(relay->gate, "", 1));
    if (relay->pidfd >= 0)
        launcherChildKill(relay->pidfd);
    launcherFdsClose(&relay->gate);
    launcherFdsClose(&relay->pidfd);
    launcherFdsClose(&relay->log);
    if (relay->socket)
        launcherSocketFree(relay->socket, 1);
    relay->socket = NULL;
}
