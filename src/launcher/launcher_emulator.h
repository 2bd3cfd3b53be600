/*
 * launcher_emulator.h: starts an emulator beside QEMU
 *
 * One process serves those devices of a domain that name it. It is an orphan, not
 * a child of the launcher, which becomes QEMU: QEMU must not find a child that it
 * did not create. It ends when QEMU closes its sockets.
 *
 * Its command line (see pci-emulator(8), and docs/pci-emulator-contract.rst
 * for programs of other people):
 *
 *   PROGRAM [ARGUMENT…] --ready-fd=N --device fd=7,devicename=…,vendorid=0x5853,… …
 *
 * and EMULATEDPCI_STATE_FD=N in the environment of another program if it may hand over
 * its devices' state;
 *
 * with socket=PATH instead of fd=N for vfio-user, and then, if it is pci-emulator,
 * --client-fd=N, since QEMU may end before it has connected; and in front of it,
 * if it is to be isolated,
 *
 *   emulatedpci-stubdomain --ready-fd=N
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_socket.h"
#include "qemu_props.h"

/* The longest time that an emulator may take to get ready, in milliseconds;
 * pci-emulator needs about three. */
#define LAUNCHER_EMULATOR_TIMEOUT 10000

/* The environment variable with the number of the state socket for a program other than
 * pci-emulator, and the byte that the program writes to --ready-fd if it uses this socket */
#define LAUNCHER_EMULATOR_STATE_ENV "EMULATEDPCI_STATE_FD"
#define LAUNCHER_EMULATOR_STATE_BYTE 'S'

/* The environment variable with QEMU's pid: emulator_status.h */
#define LAUNCHER_EMULATOR_QEMU_ENV "EMULATEDPCI_QEMU_PID"

typedef struct {
    const char *name;       /* for messages */
    const char *stubdomain; /* the program that isolates it, or NULL */
    const char *program;
    char *const *args;      /* its own arguments, or NULL */
    gboolean own;           /* it is pci-emulator: it knows --client-fd and --state-fd */
    int clientFd;           /* for that; -1: this process, which will be QEMU */
    const char *qemu;       /* QEMU's pid; NULL: this process */
    int state;              /* the socket on which it is asked for state, or -1 */
    size_t n;               /* devices */
    QEMUProps *const *props;
    LauncherSocket *const *sockets;
} LauncherEmulatorSpec;

typedef struct {
    const char *name;       /* the spec's */
    int pidfd;              /* or -1: has ended, or this Linux has none */
    int ready;              /* what the emulator announces itself on */
    int state;              /* what it is asked for registers on, or -1; set by launcherEmulatorsStart() */
    gboolean travels;       /* it hands over its devices' registers; of a program that is not
                             * pci-emulator, known when it is ready */
} LauncherEmulator;

/**
 * launcherEmulatorFormatDevice:
 * @props: a device
 *
 * Returns the value of pci-emulator's --device option without the socket. The
 * caller frees it.
 */
char *launcherEmulatorFormatDevice(const QEMUProps *props);

/**
 * launcherEmulatorTellQEMU:
 *
 * Passes the ID of this process, which becomes QEMU, to the emulators that it starts
 * (LAUNCHER_EMULATOR_QEMU_ENV).
 */
void launcherEmulatorTellQEMU(void);

/**
 * launcherEmulatorStart:
 * @emulator: filled in
 * @spec: what to start; the emulator's ends of the sockets are closed here
 * @err: set on failure
 *
 * Starts an emulator without waiting until it is ready.
 *
 * Returns FALSE on failure.
 */
gboolean launcherEmulatorStart(LauncherEmulator *emulator,
                               const LauncherEmulatorSpec *spec,
                               GError **err);

/**
 * launcherEmulatorWait:
 * @emulator: what launcherEmulatorStart() has filled in
 * @deadline: as g_get_monotonic_time() counts
 * @err: set on failure
 *
 * Waits until the emulator serves its devices, once; there is nothing to wait for
 * after that, and with an emulator that ran before.
 *
 * Returns FALSE if it ended before that, or is not ready at @deadline.
 */
gboolean launcherEmulatorWait(LauncherEmulator *emulator, gint64 deadline, GError **err);

/**
 * launcherEmulatorKill:
 * @emulator: an emulator
 *
 * Kills the emulator, unless it has exited.
 */
void launcherEmulatorKill(LauncherEmulator *emulator);

/**
 * launcherEmulatorClear:
 * @emulator: an emulator
 *
 * Closes the descriptors of the emulator, which continues to run.
 */
void launcherEmulatorClear(LauncherEmulator *emulator);
