/*
 * emulator_options.c: pci-emulator's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_options.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulator_log.h"
#include "gettext.h"

#define _(s) gettext(s)

enum {
    OPTION_DEVICE = 256,
    OPTION_READY_FD,
    OPTION_CLIENT_FD,
    OPTION_STATE_FD,
    OPTION_REQUESTS_FD,
    OPTION_SECCOMP,
    OPTION_NO_GUARD,
    OPTION_CONNECT_TIMEOUT,
    OPTION_LISTEN,
    OPTION_ALLOW_USER,
    OPTION_PRINT_CAPABILITIES,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option longOptions[] = {
    { "device", required_argument, NULL, OPTION_DEVICE },
    { "ready-fd", required_argument, NULL, OPTION_READY_FD },
    { "client-fd", required_argument, NULL, OPTION_CLIENT_FD },
    { "state-fd", required_argument, NULL, OPTION_STATE_FD },
    { "requests-fd", required_argument, NULL, OPTION_REQUESTS_FD },
    { "seccomp", required_argument, NULL, OPTION_SECCOMP },
    { "no-guard", no_argument, NULL, OPTION_NO_GUARD },
    { "connect-timeout", required_argument, NULL, OPTION_CONNECT_TIMEOUT },
    { "listen", optional_argument, NULL, OPTION_LISTEN },
    { "allow-user", required_argument, NULL, OPTION_ALLOW_USER },
    { "print-capabilities", no_argument, NULL, OPTION_PRINT_CAPABILITIES },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};


static int
optionsAddDevice(EmulatorOptions *options,
                 char *arg)
{
    EmulatorDeviceOptions *devices;
    EmulatorDeviceOptions *device;
    EmulatorDeviceError error;
    size_t i;

    if (options->ndevices == EMULATOR_DEVICES_MAX) {
        emulatorLog(_("more than %1$d devices"), EMULATOR_DEVICES_MAX);
        return -1;
    }

    devices = realloc(options->devices, (options->ndevices + 1) * sizeof(*devices));
    if (!devices) {
        emulatorLog(_("out of memory"));
        return -1;
    }
    options->devices = devices;
    device = &devices[options->ndevices++];

    if (emulatorDeviceOptionsParse(device, arg, -1, &error) < 0) {
        emulatorLog("%s", error.text);
        return -1;
    }

    for (i = 0; i + 1 < options->ndevices; i++) {
        if (device->fd >= 0 && devices[i].fd == device->fd) {
            emulatorLog(_("--device: fd %1$d is given to two devices"), device->fd);
            return -1;
        }
    }
    return 0;
}


/* Parses a descriptor of the option NAME, which must not belong to a device. */
static int
optionsSetFd(int *fd,
             const char *name,
             const char *value)
{
    *fd = emulatorDeviceOptionsParseFd(value);
    if (*fd < 0) {
        emulatorLog(_("%1$s: invalid fd '%2$s': the number of a descriptor above 2 is allowed"),
                    name, value);
        return -1;
    }
    return 0;
}


static int
optionsSetConnectTimeout(EmulatorOptions *options,
                         const char *value)
{
    char *end = NULL;
    unsigned long seconds = 0;

    if (*value >= '0' && *value <= '9')
        seconds = strtoul(value, &end, 10);

    if (seconds < 1 || seconds > EMULATOR_CONNECT_TIMEOUT_MAX || *end != '\0') {
        emulatorLog(_("--connect-timeout: invalid number '%1$s': 1 to %2$d seconds are allowed"),
                    value, EMULATOR_CONNECT_TIMEOUT_MAX);
        return -1;
    }
    options->connectTimeout = seconds;
    return 0;
}


static int
optionsSetListen(EmulatorOptions *options,
                 const char *path)
{
    options->listen = true;
    if (!path)
        return 0;

    if (*path != '/' || strlen(path) >= sizeof(options->listenPath)) {
        emulatorLog(_("--listen: invalid path '%1$s': an absolute path of up to %2$zu bytes "
                      "is allowed"), path, sizeof(options->listenPath) - 1);
        return -1;
    }
    memcpy(options->listenPath, path, strlen(path) + 1);
    return 0;
}


static int
optionsAllowUser(EmulatorOptions *options,
                 const char *name)
{
    const struct passwd *user = getpwnam(name);

    if (!user) {
        emulatorLog(_("--allow-user: there is no user '%1$s'"), name);
        return -1;
    }
    if (options->nallowed == EMULATOR_ALLOWED_MAX) {
        emulatorLog(_("--allow-user: more than %1$d users"), EMULATOR_ALLOWED_MAX);
        return -1;
    }
    options->allowed[options->nallowed++] = user->pw_uid;
    return 0;
}


/* Checks the rules about several options after all have been read. */
static int
optionsValidate(const EmulatorOptions *options)
{
    size_t i;

    if (options->action != EMULATOR_ACTION_RUN)
        return 0;

    if (options->listen) {
        if (options->requestsFd >= 0) {
            emulatorLog(_("--listen and --requests-fd exclude each other"));
            return -1;
        }
        if (options->ndevices > 0) {
            emulatorLog(_("--listen and --device exclude each other"));
            return -1;
        }
        if (options->clientFd >= 0) {
            emulatorLog(_("--client-fd requires --device"));
            return -1;
        }
        if (options->stateFd >= 0) {
            emulatorLog(_("--state-fd requires --device"));
            return -1;
        }
        return 0;
    }
    if (options->nallowed > 0) {
        emulatorLog(_("--allow-user requires --listen"));
        return -1;
    }
    if (options->requestsFd >= 0) {
        if (options->ndevices > 0 || options->readyFd >= 0 || options->clientFd >= 0 ||
            options->stateFd >= 0) {
            emulatorLog(_("--requests-fd excludes --device, --ready-fd, --client-fd and --state-fd"));
            return -1;
        }
        return 0;
    }
    if (options->ndevices == 0) {
        emulatorLog(_("--device is missing; see --help"));
        return -1;
    }
    for (i = 0; i < options->ndevices; i++) {
        if (options->stateFd >= 0 && options->devices[i].fd == options->stateFd) {
            emulatorLog(_("--state-fd: fd %1$d is already used by a device"), options->stateFd);
            return -1;
        }
        if (options->readyFd >= 0 && options->devices[i].fd == options->readyFd) {
            emulatorLog(_("--ready-fd: fd %1$d is already used by a device"), options->readyFd);
            return -1;
        }
        if (options->clientFd >= 0 && options->devices[i].fd == options->clientFd) {
            emulatorLog(_("--client-fd: fd %1$d is already used by a device"), options->clientFd);
            return -1;
        }
    }
    if (options->stateFd >= 0 &&
        (options->stateFd == options->readyFd || options->stateFd == options->clientFd)) {
        emulatorLog(_("--state-fd: fd %1$d is already used by another option"), options->stateFd);
        return -1;
    }
    if (options->clientFd >= 0 && options->clientFd == options->readyFd) {
        emulatorLog(_("--client-fd: fd %1$d is already used by --ready-fd"), options->clientFd);
        return -1;
    }
    return 0;
}


int
emulatorOptionsParse(EmulatorOptions *options,
                     int argc,
                     char **argv)
{
    int c;

    *options = (EmulatorOptions) {
        .readyFd = -1,
        .clientFd = -1,
        .stateFd = -1,
        .requestsFd = -1,
        .filter = SANDBOX_FILTER_DEFAULT,
    };

    opterr = 0;
    /* A process of --requests-fd parses a second command line. */
    optind = 0;
    while ((c = getopt_long(argc, argv, ":", longOptions, NULL)) != -1) {
        switch (c) {
        case OPTION_DEVICE:
            if (optionsAddDevice(options, optarg) < 0)
                return -1;
            break;

        case OPTION_READY_FD:
            if (optionsSetFd(&options->readyFd, "--ready-fd", optarg) < 0)
                return -1;
            break;

        case OPTION_CLIENT_FD:
            if (optionsSetFd(&options->clientFd, "--client-fd", optarg) < 0)
                return -1;
            break;

        case OPTION_STATE_FD:
            if (optionsSetFd(&options->stateFd, "--state-fd", optarg) < 0)
                return -1;
            break;

        case OPTION_REQUESTS_FD:
            if (optionsSetFd(&options->requestsFd, "--requests-fd", optarg) < 0)
                return -1;
            break;

        case OPTION_SECCOMP:
            if (sandboxFilterFromString(optarg, &options->filter) < 0) {
                emulatorLog(_("--seccomp: invalid action '%1$s': kill, log and none are allowed"),
                            optarg);
                return -1;
            }
            break;

        case OPTION_NO_GUARD:
            options->noGuard = true;
            break;

        case OPTION_CONNECT_TIMEOUT:
            if (optionsSetConnectTimeout(options, optarg) < 0)
                return -1;
            break;

        case OPTION_LISTEN:
            if (optionsSetListen(options, optarg) < 0)
                return -1;
            break;

        case OPTION_ALLOW_USER:
            if (optionsAllowUser(options, optarg) < 0)
                return -1;
            break;

        case OPTION_PRINT_CAPABILITIES:
            options->action = EMULATOR_ACTION_CAPABILITIES;
            break;

        case OPTION_HELP:
            options->action = EMULATOR_ACTION_HELP;
            break;

        case OPTION_VERSION:
            options->action = EMULATOR_ACTION_VERSION;
            break;

        case ':':
            emulatorLog(_("option '%1$s' requires a value"), argv[optind - 1]);
            return -1;

        default:
            if (optopt > 0 && optopt < OPTION_DEVICE)
                emulatorLog(_("unknown option '-%1$c'; see --help"), optopt);
            else
                emulatorLog(_("unknown option '%1$s'; see --help"), argv[optind - 1]);
            return -1;
        }
    }

    if (optind < argc) {
        emulatorLog(_("unexpected argument '%1$s'; see --help"), argv[optind]);
        return -1;
    }
    if (options->connectTimeout == 0 && options->clientFd < 0)
        options->connectTimeout = EMULATOR_CONNECT_TIMEOUT;
    return optionsValidate(options);
}


void
emulatorOptionsHelp(void)
{
    puts(_("Usage: pci-emulator [--ready-fd=FD] --device fd=FD,devicename=NAME,... ...\n"
           "       pci-emulator --listen[=PATH] [--allow-user=NAME] ...\n"
           "\n"
           "Emulates the configuration space of PCI devices for QEMU, which connects each\n"
           "device to a socket with x-pci-proxy-dev or vfio-user-pci. Exits with QEMU.\n"
           "\n"
           "  --device KEY=VALUE,...  add a device; the keys are fd or socket, and the fields\n"
           "                          devicename, vendorid, deviceid, command, status,\n"
           "                          revision, classcode, headertype, subvendorid,\n"
           "                          subsystemid, interruptline, interruptpin\n"
           "  --ready-fd FD           write a byte to FD when the devices are ready, and close it\n"
           "  --client-fd FD          the pidfd of the process that will connect with vfio-user;\n"
           "                          exit if it exits before it has connected\n"
           "  --state-fd FD           the socket through which registers are read and restored\n"
           "                          when a guest is saved or migrated\n"
           "  --requests-fd FD        start a process for each command line that comes from FD\n"
           "  --seccomp ACTION        the action for a forbidden system call: kill (the default)\n"
           "                          or log; none disables the filter\n"
           "  --no-guard              do not restart the process that serves the devices if a\n"
           "                          signal kills it\n"
           "  --connect-timeout N     exit after N seconds if vfio-user is not connected; the\n"
           "                          default is 300, or no timeout with --client-fd\n"
           "  --listen[=PATH]         run as an independent emulator, to which launchers attach\n"
           "                          devices\n"
           "  --allow-user NAME       allow this user to attach devices, in addition to root and\n"
           "                          the emulator's user\n"
           "  --print-capabilities    print the supported features as JSON\n"
           "  --help, --version       print this help, or the version"));
}
