/*
 * monitor_main.c: emulatedpci-monitor, between libvirt and QEMU's monitor
 *
 * docs/emulatedpci-monitor.rst describes the interface to the launcher.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator_log.h"
#include "gettext.h"
#include "monitor_guard.h"

#define _(s) gettext(s)


static void
initSignals(void)
{
    /* A terminal, or a session that ends, sends these signals to the process group of QEMU: see
     * emulator_main.c. */
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE };
    size_t i;

    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}


/* Closes all descriptors except those in OPTIONS, and sets close-on-exec for these. Returns 0, or
 * -1 with errno set. */
static int
closeOthers(const MonitorOptions *options)
{
    const int given[] = {
        options->listenFd, options->qemuFd, options->gateFd, options->logFd, options->stateFd,
        options->readyFd,
    };
    int fds[sizeof(given) / sizeof(given[0])];
    size_t n = 0;
    size_t i;

    for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i] < 0)
            continue;
        if (fcntl(given[i], F_SETFD, FD_CLOEXEC) < 0)
            return -1;
        fds[n++] = given[i];
    }
    return sandboxCloseOthers(fds, n);
}


int
main(int argc,
     char **argv)
{
    static MonitorOptions options;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);
    emulatorLogSetProgram("emulatedpci-monitor: ");

    if (monitorOptionsParse(&options, argc, argv) < 0)
        return EXIT_FAILURE;

    switch (options.action) {
    case MONITOR_ACTION_RUN:
        initSignals();
        if (closeOthers(&options) < 0) {
            emulatorLog(_("cannot close other descriptors: %1$s"), strerror(errno));
            return EXIT_FAILURE;
        }
        return monitorGuardRun(&options);

    case MONITOR_ACTION_HELP:
        monitorOptionsHelp();
        break;

    case MONITOR_ACTION_VERSION:
    default:
        printf("emulatedpci-monitor (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
        break;
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
