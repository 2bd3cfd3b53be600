/*
 * monitor_options.c: emulatedpci-monitor's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"

#define _(s) gettext(s)

enum {
    OPTION_LISTEN_FD = 256,
    OPTION_QEMU_FD,
    OPTION_GATE_FD,
    OPTION_LOG_FD,
    OPTION_STATE_FD,
    OPTION_READY_FD,
    OPTION_PATH,
    OPTION_LAUNCHER,
    OPTION_TRANSPORT,
    OPTION_NAME,
    OPTION_SECCOMP,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option longOptions[] = {
    { "listen-fd", required_argument, NULL, OPTION_LISTEN_FD },
    { "qemu-fd", required_argument, NULL, OPTION_QEMU_FD },
    { "gate-fd", required_argument, NULL, OPTION_GATE_FD },
    { "log-fd", required_argument, NULL, OPTION_LOG_FD },
    { "state-fd", required_argument, NULL, OPTION_STATE_FD },
    { "ready-fd", required_argument, NULL, OPTION_READY_FD },
    { "path", required_argument, NULL, OPTION_PATH },
    { "launcher", required_argument, NULL, OPTION_LAUNCHER },
    { "transport", required_argument, NULL, OPTION_TRANSPORT },
    { "name", required_argument, NULL, OPTION_NAME },
    { "seccomp", required_argument, NULL, OPTION_SECCOMP },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};


static int
optionsSetFd(int *fd,
             const char *value)
{
    const size_t len = strlen(value);

    *fd = -1;
    if (len > 0 && len <= 8 && strspn(value, "0123456789") == len)
        *fd = strtol(value, NULL, 10);
    if (*fd > STDERR_FILENO && fcntl(*fd, F_GETFD) >= 0)
        return 0;
    emulatorLog(_("invalid descriptor '%1$s': the number of an open one above 2 is required"),
                value);
    return -1;
}


static int
optionsTake(MonitorOptions *options,
            int option,
            char *const *argv)
{
    switch (option) {
    case OPTION_LISTEN_FD:
        return optionsSetFd(&options->listenFd, optarg);
    case OPTION_QEMU_FD:
        return optionsSetFd(&options->qemuFd, optarg);
    case OPTION_GATE_FD:
        return optionsSetFd(&options->gateFd, optarg);
    case OPTION_LOG_FD:
        return optionsSetFd(&options->logFd, optarg);
    case OPTION_STATE_FD:
        return optionsSetFd(&options->stateFd, optarg);
    case OPTION_READY_FD:
        return optionsSetFd(&options->readyFd, optarg);
    case OPTION_PATH:
        options->path = optarg;
        return 0;
    case OPTION_LAUNCHER:
        options->launcher = optarg;
        return 0;
    case OPTION_TRANSPORT:
        options->transport = optarg;
        return 0;
    case OPTION_NAME:
        options->name = optarg;
        return 0;

    case OPTION_SECCOMP:
        if (sandboxFilterFromString(optarg, &options->filter) == 0)
            return 0;
        emulatorLog(_("--seccomp: invalid action '%1$s': kill, log and none are allowed"), optarg);
        return -1;

    case OPTION_HELP:
        options->action = MONITOR_ACTION_HELP;
        return 0;
    case OPTION_VERSION:
        options->action = MONITOR_ACTION_VERSION;
        return 0;

    case ':':
        emulatorLog(_("option '%1$s' requires a value"), argv[optind - 1]);
        return -1;
    default:
        emulatorLog(_("unknown option '%1$s'; see --help"), argv[optind - 1]);
        return -1;
    }
}


int
monitorOptionsParse(MonitorOptions *options,
                    int argc,
                    char **argv)
{
    int option;

    *options = (MonitorOptions) {
        .listenFd = -1, .qemuFd = -1, .gateFd = -1, .logFd = -1, .stateFd = -1, .readyFd = -1,
        .filter = SANDBOX_FILTER_DEFAULT,
    };

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", longOptions, NULL)) != -1) {
        if (optionsTake(options, option, argv) < 0)
            return -1;
    }
    if (optind < argc) {
        emulatorLog(_("unexpected argument '%1$s'; see --help"), argv[optind]);
        return -1;
    }
    if (options->action == MONITOR_ACTION_RUN &&
        (options->listenFd < 0 || options->qemuFd < 0 || !options->path)) {
        emulatorLog(_("--listen-fd, --qemu-fd and --path are required; see --help"));
        return -1;
    }
    return 0;
}


void
monitorOptionsHelp(void)
{
    puts(_("Usage: emulatedpci-monitor --listen-fd=FD --qemu-fd=FD --path=PATH\n"
           "           [--launcher=PATH --transport=NAME [--state-fd=FD]] [--name=NAME]\n"
           "           [--gate-fd=FD] [--log-fd=FD] [--ready-fd=FD] [--seccomp=ACTION]\n"
           "\n"
           "Relays between libvirt and QEMU's monitor, and attaches emulated PCI devices to\n"
           "the running domain. Exits with QEMU.\n"
           "\n"
           "  --listen-fd FD      the listening socket to which libvirt connects\n"
           "  --qemu-fd FD        a pidfd of QEMU\n"
           "  --path PATH         the socket of QEMU's monitor\n"
           "  --launcher PATH     emulatedpci-launcher, which starts emulators; without it, no\n"
           "                      device can be attached\n"
           "  --transport NAME    the protocol of the devices: mpqemu or vfio-user\n"
           "  --state-fd FD       a socket of emulatedpci-vmstate, for the launcher\n"
           "  --name NAME         the UUID of the domain, by which the process is found\n"
           "  --gate-fd FD        a pipe: connections are accepted when it is closed\n"
           "  --log-fd FD         a pipe: it is closed when QEMU's log is complete\n"
           "  --ready-fd FD       write a byte to FD when the process is ready\n"
           "  --seccomp ACTION    the action for a forbidden system call: kill (the default)\n"
           "                      or log; none disables the filter\n"
           "  --help, --version   print this help, or the version"));
}
