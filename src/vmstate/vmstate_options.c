/*
 * vmstate_options.c: the command line of emulatedpci-vmstate
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_options.h"

#include "emulator_device_options.h"
#include "gettext.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define _(s) gettext(s)

enum {
    OPTION_LISTEN_FD = 256,
    OPTION_PATH,
    OPTION_CLIENT_FD,
    OPTION_CONTROL_FD,
    OPTION_EMULATOR,
    OPTION_MODEL,
    OPTION_ALIAS,
    OPTION_DEVICE,
    OPTION_SECCOMP,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option longOptions[] = {
    { "listen-fd", required_argument, NULL, OPTION_LISTEN_FD },
    { "path", required_argument, NULL, OPTION_PATH },
    { "client-fd", required_argument, NULL, OPTION_CLIENT_FD },
    { "control-fd", required_argument, NULL, OPTION_CONTROL_FD },
    { "emulator", required_argument, NULL, OPTION_EMULATOR },
    { "model", required_argument, NULL, OPTION_MODEL },
    { "alias", required_argument, NULL, OPTION_ALIAS },
    { "device", required_argument, NULL, OPTION_DEVICE },
    { "seccomp", required_argument, NULL, OPTION_SECCOMP },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

/* The state of options that belong together */
typedef struct {
    int emulator;           /* the socket of the emulator of the following devices; or -1 */
    gboolean own;           /* that emulator is not pci-emulator */
    guint number;           /* the number of the next device in that emulator */
    const char *alias;      /* the alias of the next device, or NULL */
} OptionsPosition;


static gboolean
optionsSetFd(VMStateOptions *options,
             int *fd,
             const char *name,
             const char *value,
             GError **err)
{
    *fd = emulatorDeviceOptionsParseFd(value);
    if (*fd < 0) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("%1$s: invalid fd '%2$s': the number of a descriptor above 2 is allowed"),
                               name, value);
        return FALSE;
    }
    g_array_append_val(options->fds, *fd);
    return TRUE;
}


static gboolean
optionsAddDevice(VMStateOptions *options,
                 OptionsPosition *position,
                 char *value,
                 GError **err)
{
    VMStateDevice *device;

    if (position->emulator < 0 || !position->alias) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("--device requires --emulator or --model, and --alias, before it"));
        return FALSE;
    }
    device = vmstateDeviceParse(position->alias, value, err);
    if (!device)
        return FALSE;
    device->own = position->own;
    position->alias = NULL;
    return vmstateDomainAdd(options->domain, device, position->emulator, position->number++, FALSE,
                            err);
}


static gboolean
optionsTake(VMStateOptions *options,
            OptionsPosition *position,
            int option,
            char *const *argv,
            GError **err)
{
    switch (option) {
    case OPTION_LISTEN_FD:
        return optionsSetFd(options, &options->listenFd, "--listen-fd", optarg, err);

    case OPTION_PATH:
        g_free(options->path);
        options->path = g_strdup(optarg);
        return TRUE;

    case OPTION_CLIENT_FD:
        return optionsSetFd(options, &options->clientFd, "--client-fd", optarg, err);

    case OPTION_CONTROL_FD:
        return optionsSetFd(options, &options->controlFd, "--control-fd", optarg, err);

    case OPTION_EMULATOR:
    case OPTION_MODEL:
        position->number = 0;
        position->own = option == OPTION_MODEL;
        return optionsSetFd(options, &position->emulator,
                            position->own ? "--model" : "--emulator", optarg, err);

    case OPTION_ALIAS:
        position->alias = optarg;
        return TRUE;

    case OPTION_DEVICE:
        return optionsAddDevice(options, position, optarg, err);

    case OPTION_SECCOMP:
        if (sandboxFilterFromString(optarg, &options->filter) == 0)
            return TRUE;
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("--seccomp: invalid action '%1$s': kill, log and none are allowed"),
                               optarg);
        return FALSE;

    case OPTION_HELP:
        options->action = VMSTATE_ACTION_HELP;
        return TRUE;

    case OPTION_VERSION:
        options->action = VMSTATE_ACTION_VERSION;
        return TRUE;

    case ':':
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("option '%1$s' requires a value"),
                               argv[optind - 1]);
        return FALSE;

    default:
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("unknown option '%1$s'; see --help"),
                               argv[optind - 1]);
        return FALSE;
    }
}


gboolean
vmstateOptionsParse(VMStateOptions *options,
                    int argc,
                    char **argv,
                    GError **err)
{
    OptionsPosition position = { -1, FALSE, 0, NULL };
    int option;

    *options = (VMStateOptions) {
        .listenFd = -1,
        .clientFd = -1,
        .controlFd = -1,
        .filter = SANDBOX_FILTER_DEFAULT,
        .fds = g_array_new(FALSE, FALSE, sizeof(int)),
        .domain = vmstateDomainNew(),
    };

    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":", longOptions, NULL)) != -1) {
        if (!optionsTake(options, &position, option, argv, err))
            return FALSE;
    }
    if (optind < argc) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("unexpected argument '%1$s'; see --help"),
                               argv[optind]);
        return FALSE;
    }
    if (options->action == VMSTATE_ACTION_RUN && options->listenFd < 0) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG, _("--listen-fd is missing; see --help"));
        return FALSE;
    }
    return TRUE;
}


void
vmstateOptionsClear(VMStateOptions *options)
{
    g_clear_pointer(&options->path, g_free);
    g_clear_pointer(&options->fds, g_array_unref);
    g_clear_pointer(&options->domain, vmstateDomainFree);
}


void
vmstateOptionsHelp(void)
{
    puts(_("Usage: emulatedpci-vmstate --listen-fd=FD [--path=PATH] [--client-fd=FD]\n"
           "           --emulator=FD|--model=FD --alias=NAME --device=KEY=VALUE,... ...\n"
           "\n"
           "Provides the registers of emulated PCI devices to QEMU's dbus-vmstate object when\n"
           "a guest is saved or migrated, and restores them. Exits with QEMU.\n"
           "\n"
           "  --listen-fd FD          the listening socket to which QEMU connects\n"
           "  --path PATH             the path of that socket, which is removed once QEMU has\n"
           "                          connected\n"
           "  --client-fd FD          the pidfd of the process that will connect; exit if it exits\n"
           "  --control-fd FD         receives the devices that are attached to the running domain\n"
           "  --emulator FD           the socket to the --state-fd of a pci-emulator; its devices\n"
           "                          follow in the same order\n"
           "  --model FD              the state socket of another emulator; its devices follow\n"
           "  --alias NAME            the alias of the next device\n"
           "  --device KEY=VALUE,...  a device, in the format of pci-emulator's option\n"
           "  --seccomp ACTION        the action for a forbidden system call: kill (the default;\n"
           "                          the call fails) or log; none disables the filter\n"
           "  --help, --version       print this help, or the version"));
}
