/*
 * emulator_options.c: pci-emulator's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"

#define _(s) gettext(s)

enum {
    OPTION_DEVICE = 256,
    OPTION_READY_FD,
    OPTION_SECCOMP,
    OPTION_PRINT_CAPABILITIES,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option longOptions[] = {
    { "device", required_argument, NULL, OPTION_DEVICE },
    { "ready-fd", required_argument, NULL, OPTION_READY_FD },
    { "seccomp", required_argument, NULL, OPTION_SECCOMP },
    { "print-capabilities", no_argument, NULL, OPTION_PRINT_CAPABILITIES },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};


/* A descriptor above standard error, decimal. Returns -1 for anything else. */
static int
parseFd(const char *str)
{
    int fd = 0;

    if (*str == '\0' || (str[0] == '0' && str[1] != '\0'))
        return -1;

    for (; *str; str++) {
        if (*str < '0' || *str > '9' || fd > 99999999)
            return -1;
        fd = fd * 10 + (*str - '0');
    }
    return fd > STDERR_FILENO ? fd : -1;
}


static bool
fdIsStreamSocket(int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) < 0 || value != AF_UNIX)
        return false;

    len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM;
}


static int
deviceParseField(EmulatorDeviceOptions *device,
                 EmulatedPCIField field,
                 const char *value)
{
    const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(field);

    if (info->bits == 0) {
        if (!emulatedPCIDevicenameIsValid(value)) {
            emulatorLog(_("--device: invalid %1$s '%2$s': 1 to %3$d characters "
                          "of A-Z, a-z, 0-9, '.', '_' and '-' are allowed"),
                        info->name, value, EMULATED_PCI_DEVICENAME_MAX);
            return -1;
        }
        strcpy(device->devicename, value);
        return 0;
    }

    if (emulatedPCIFieldParseNumber(field, value, &device->values[field]) !=
        EMULATED_PCI_NUMBER_OK) {
        emulatorLog(_("--device: invalid %1$s '%2$s': a decimal or 0x-hexadecimal "
                      "number from 0 to 0x%3$x is allowed"),
                    info->name, value, emulatedPCIFieldMax(field));
        return -1;
    }
    return 0;
}


/* What the ranges of the single fields do not say. */
static int
deviceValidate(const EmulatorDeviceOptions *device)
{
    const uint32_t vendor = device->values[EMULATED_PCI_FIELD_VENDORID];
    const uint32_t header = device->values[EMULATED_PCI_FIELD_HEADERTYPE];

    if (vendor == 0 || vendor == 0xffff) {
        emulatorLog(_("--device: invalid vendorid '0x%1$04x': a guest reads it as no device; "
                      "0x0001 to 0xfffe are allowed"), vendor);
        return -1;
    }
    if (header & ~EMULATED_PCI_HEADERTYPE_MULTIFUNCTION) {
        emulatorLog(_("--device: invalid headertype '0x%1$02x': an endpoint's layout is 0, "
                      "so 0x00 and 0x80 are allowed"), header);
        return -1;
    }
    return 0;
}


/* ARG is written to. */
static int
deviceParse(EmulatorDeviceOptions *device,
            char *arg)
{
    bool seen[EMULATED_PCI_FIELD_LAST] = { false };
    char *save = NULL;
    char *item;
    int i;

    device->fd = -1;

    for (item = strtok_r(arg, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        char *value = strchr(item, '=');
        int field;

        if (!value) {
            emulatorLog(_("--device: no value in '%1$s'"), item);
            return -1;
        }
        *value++ = '\0';

        if (strcmp(item, "fd") == 0) {
            if (device->fd != -1) {
                emulatorLog(_("--device: %1$s is given twice"), item);
                return -1;
            }
            device->fd = parseFd(value);
            if (device->fd < 0 || !fdIsStreamSocket(device->fd)) {
                emulatorLog(_("--device: invalid fd '%1$s': the number of an open UNIX stream "
                              "socket above 2 is allowed"), value);
                return -1;
            }
            continue;
        }

        if ((field = emulatedPCIFieldFromString(item)) < 0) {
            emulatorLog(_("--device: unknown key '%1$s'"), item);
            return -1;
        }
        if (seen[field]) {
            emulatorLog(_("--device: %1$s is given twice"), item);
            return -1;
        }
        seen[field] = true;
        if (deviceParseField(device, field, value) < 0)
            return -1;
    }

    if (device->fd < 0) {
        emulatorLog(_("--device: %1$s is missing"), "fd");
        return -1;
    }
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (!seen[i]) {
            emulatorLog(_("--device: %1$s is missing"), emulatedPCIFieldGetInfo(i)->name);
            return -1;
        }
    }

    return deviceValidate(device);
}


static int
optionsAddDevice(EmulatorOptions *options,
                 char *arg)
{
    EmulatorDeviceOptions *devices;
    EmulatorDeviceOptions *device;
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
    memset(device, 0, sizeof(*device));

    if (deviceParse(device, arg) < 0)
        return -1;

    for (i = 0; i + 1 < options->ndevices; i++) {
        if (devices[i].fd == device->fd) {
            emulatorLog(_("--device: fd %1$d is given to two devices"), device->fd);
            return -1;
        }
    }
    return 0;
}


/* The rules between options, once all have been read. */
static int
optionsValidate(const EmulatorOptions *options)
{
    size_t i;

    if (options->action != EMULATOR_ACTION_RUN)
        return 0;

    if (options->ndevices == 0) {
        emulatorLog(_("no --device is given; see --help"));
        return -1;
    }
    for (i = 0; i < options->ndevices; i++) {
        if (options->devices[i].fd == options->readyFd) {
            emulatorLog(_("--ready-fd: fd %1$d is a device's"), options->readyFd);
            return -1;
        }
    }
    return 0;
}


int
emulatorOptionsParse(EmulatorOptions *options,
                     int argc,
                     char **argv)
{
    int c;

    *options = (EmulatorOptions) { .readyFd = -1, .filter = SANDBOX_FILTER_DEFAULT };

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":", longOptions, NULL)) != -1) {
        switch (c) {
        case OPTION_DEVICE:
            if (optionsAddDevice(options, optarg) < 0)
                return -1;
            break;

        case OPTION_READY_FD:
            options->readyFd = parseFd(optarg);
            if (options->readyFd < 0) {
                emulatorLog(_("--ready-fd: invalid fd '%1$s': the number of a descriptor "
                              "above 2 is allowed"), optarg);
                return -1;
            }
            break;

        case OPTION_SECCOMP:
            if (sandboxFilterFromString(optarg, &options->filter) < 0) {
                emulatorLog(_("--seccomp: invalid action '%1$s': kill, log and none are allowed"),
                            optarg);
                return -1;
            }
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
            emulatorLog(_("option '%1$s' needs a value"), argv[optind - 1]);
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
    return optionsValidate(options);
}


void
emulatorOptionsHelp(void)
{
    puts(_("Usage: pci-emulator [--ready-fd=FD] --device fd=FD,devicename=NAME,... ...\n"
           "\n"
           "Answers the configuration space accesses of emulated PCI devices, each on the\n"
           "socket whose other end QEMU's x-pci-proxy-dev has. Ends with QEMU.\n"
           "\n"
           "  --device KEY=VALUE,...  a device: fd, and the twelve fields devicename,\n"
           "                          vendorid, deviceid, command, status, revision,\n"
           "                          classcode, headertype, subvendorid, subsystemid,\n"
           "                          interruptline, interruptpin\n"
           "  --ready-fd FD           write one byte to FD and close it when serving\n"
           "  --seccomp ACTION        for a forbidden system call: kill (the default), log;\n"
           "                          or none, no filter\n"
           "  --print-capabilities    print what this program can do, as JSON\n"
           "  --help, --version       print this, or the version"));
}
