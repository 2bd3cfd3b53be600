/*
 * launcher_emulator.h: starts an emulator beside QEMU
 *
 * One process serves the devices of a domain that name the same emulator. It is an orphan, not a
 * child of the launcher, which becomes QEMU: QEMU must not have children that it did not create.
 * The emulator exits when QEMU closes its sockets.
 *
 * Its command line (see pci-emulator(8), and docs/pci-emulator-contract.rst for other programs) is
 *
 *   PROGRAM [ARGUMENT…] --ready-fd=N --device fd=7,devicename=…,vendorid=0x5853,… …
 *
 * The environment of another program contains EMULATEDPCI_STATE_FD=N if it can provide the state of
 * its devices. With vfio-user, fd=N is replaced by socket=PATH, and pci-emulator gets
 * --client-fd=N, because QEMU can exit before it has connected. An isolated emulator is started by
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
    gboolean own;           /* the program is pci-emulator, which supports --client-fd and --state-fd */
    int clientFd;           /* the pidfd for --client-fd; -1: this process, which becomes QEMU */
    const char *qemu;       /* QEMU's pid; NULL: this process */
    int state;              /* the socket through which its state is requested, or -1 */
    size_t n;               /* devices */
    QEMUProps *const *props;
    LauncherSocket *const *sockets;
} LauncherEmulatorSpec;

typedef struct {
    const char *name;       /* the name in the spec */
    int pidfd;              /* the pidfd; -1: it has exited, or Linux does not support it */
    int ready;              /* the pipe to which the emulator writes when it is ready */
    int state;              /* the socket through which registers are requested, or -1; set by
                             * launcherEmulatorsStart() */
    gboolean travels;       /* whether it provides the registers of its devices; for a program other
                             * than pci-emulator, this is known when it is ready */
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
 * @spec: the emulator; its ends of the sockets are closed
 * @err: set on failure
 *
 * Starts an emulator without waiting until it is ready.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherEmulatorStart(LauncherEmulator *emulator,
                               const LauncherEmulatorSpec *spec,
                               GError **err);

/**
 * launcherEmulatorWait:
 * @emulator: an emulator that launcherEmulatorStart() has started
 * @deadline: the deadline, as g_get_monotonic_time(), in microseconds
 * @err: set on failure
 *
 * Waits until the emulator serves its devices. Further calls return at once, as for an emulator
 * that was already running.
 *
 * Returns TRUE, or FALSE with @err set if the emulator has exited, or is not ready at @deadline.
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
