/*
 * emulator_options.h: pci-emulator's command line
 *
 * The launcher writes it, with one --device for each emulated device. It is
 * stable, and documented in docs/pci-emulator.rst.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "emulator_device_options.h"
#include "sandbox.h"

/* The maximum number of devices of a process: a bus has 32 slots with 8 functions. */
#define EMULATOR_DEVICES_MAX 256

/* The time that devices wait for the first connection to one of them if the client is not known, in
 * seconds: a QEMU that has failed to start does not connect. */
#define EMULATOR_CONNECT_TIMEOUT 300
#define EMULATOR_CONNECT_TIMEOUT_MAX 86400

/* The maximum number of --allow-user options */
#define EMULATOR_ALLOWED_MAX 16

typedef enum {
    EMULATOR_ACTION_RUN = 0,
    EMULATOR_ACTION_CAPABILITIES,
    EMULATOR_ACTION_HELP,
    EMULATOR_ACTION_VERSION,
} EmulatorAction;

typedef struct {
    EmulatorAction action;
    int readyFd;                                /* or -1 */
    int clientFd;                               /* a pidfd, readable when QEMU has exited; or -1 */
    int stateFd;                                /* the socket through which registers are requested;
                                                 * or -1 */
    int requestsFd;                             /* the socket from which command lines are read; or -1 */
    SandboxFilter filter;
    bool noGuard;                               /* a worker that is killed is not replaced */
    size_t ndevices;
    EmulatorDeviceOptions *devices;             /* released by free() */
    int connectTimeout;                         /* seconds for the first connection; 0: no limit */
    bool listen;                                /* devices come later, from launchers */
    char listenPath[sizeof(((struct sockaddr_un *) 0)->sun_path)];  /* or "": the default */
    size_t nallowed;
    uid_t allowed[EMULATOR_ALLOWED_MAX];        /* the users who may attach devices, besides root
                                                 * and the emulator's user */
} EmulatorOptions;

/**
 * emulatorOptionsParse:
 * @options: filled in
 * @argc: number of arguments
 * @argv: the command line, which is written to
 *
 * Returns 0, or -1 after a message on standard error.
 */
int emulatorOptionsParse(EmulatorOptions *options,
                         int argc,
                         char **argv);

/**
 * emulatorOptionsHelp:
 *
 * Prints the help text on standard output.
 */
void emulatorOptionsHelp(void);
