/*
 * vmstate_options.h: the command line of emulatedpci-vmstate
 *
 * The launcher writes it. It is stable and documented in docs/emulatedpci-vmstate.rst.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sandbox.h"
#include "vmstate_domain.h"

typedef enum {
    VMSTATE_ACTION_RUN = 0,
    VMSTATE_ACTION_HELP,
    VMSTATE_ACTION_VERSION,
} VMStateAction;

typedef struct {
    VMStateAction action;
    int listenFd;           /* a listening UNIX socket; required */
    char *path;             /* the path of its file, which is removed when QEMU has connected; or
                             * NULL */
    int controlFd;          /* the socket for devices that are attached later; or -1 */
    int clientFd;           /* a pidfd, readable when QEMU has exited; or -1 */
    SandboxFilter filter;
    GArray *fds;            /* all descriptors of the options (int) */
    VMStateDomain *domain;
} VMStateOptions;

/**
 * vmstateOptionsParse:
 * @options: filled in; to be cleared with vmstateOptionsClear() in any case
 * @argc: the number of arguments
 * @argv: the command line; its strings may be changed
 * @err: set on failure, for example to VIR_ERR_INVALID_ARG
 *
 * Parses the command line.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateOptionsParse(VMStateOptions *options, int argc, char **argv, GError **err);

/**
 * vmstateOptionsClear:
 * @options: the options
 *
 * Frees the values of the options. The struct itself belongs to the caller.
 */
void vmstateOptionsClear(VMStateOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VMStateOptions, vmstateOptionsClear)

/**
 * vmstateOptionsHelp:
 *
 * Prints the help text on standard output.
 */
void vmstateOptionsHelp(void);
