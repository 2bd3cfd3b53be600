/*
 * launcher_emulators.h: all emulators of a domain
 *
 * Devices that name the same emulator share a process, other devices have separate ones, and some
 * are attached to a process that is already running.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_emulator.h"
#include "launcher_qemu.h"
#include "qemu_unmovable.h"

/* The name of an emulator without a name in messages */
#define LAUNCHER_EMULATORS_DEFAULT "default"

typedef struct {
    GPtrArray *groups;          /* of EmulatedPCIDriverGroup */
    LauncherEmulator *processes;    /* one for each group */
    size_t started;             /* the number of processes that were started or attached to */
    LauncherSocket *sockets;    /* one for each device */
    size_t n;                   /* devices */
    gboolean travels;           /* whether registers are saved with the guest: launcher_state.h */
    QEMUUnmovable unmovable;    /* why they are not; and the alias of the device, or NULL */
    char *unmovableAlias;
    char *unmovableReason;      /* for the domain's log; or NULL */
    LauncherSocket *state;      /* the socket to which QEMU connects for this; or NULL */
    gboolean live;              /* whether devices can be attached to the running domain */
    int control;                /* the control socket of the process that saves registers; or -1 */
} LauncherEmulators;

#define LAUNCHER_EMULATORS_INIT { .control = -1 }

/**
 * launcherEmulatorsGroup:
 * @props: the devices
 * @n: number of devices
 * @err: set on failure
 *
 * Returns the emulators of the devices, an array of EmulatedPCIDriverGroup, or
 * NULL if two devices describe one emulator differently. The caller frees it.
 */
GPtrArray *launcherEmulatorsGroup(QEMUProps *const *props, size_t n, GError **err);

/**
 * launcherEmulatorsPlan:
 * @emulators: filled in
 * @props: the devices, which must exist as long as @emulators
 * @n: number of devices
 * @qemu: what QEMU supports
 * @program: QEMU's path
 * @machine: the machine type, or NULL for QEMU's default
 * @kvm: whether QEMU runs with KVM or not at all
 * @err: set on failure
 *
 * Determines the emulators of the devices, and the protocol of each.
 *
 * Returns FALSE if two devices describe one emulator differently, or if this QEMU
 * does not support such devices.
 */
gboolean launcherEmulatorsPlan(LauncherEmulators *emulators,
                               QEMUProps *const *props,
                               size_t n,
                               const QEMUProgram *qemu,
                               const char *program,
                               const char *machine,
                               gboolean kvm,
                               GError **err);

/**
 * launcherEmulatorsHasVersion:
 * @emulators: what launcherEmulatorsPlan() has filled in
 * @version: a protocol
 *
 * Returns TRUE if any device uses @version.
 */
gboolean launcherEmulatorsHasVersion(const LauncherEmulators *emulators,
                                     EmulatedPCIVersion version);

/**
 * launcherEmulatorsStart:
 * @emulators: the emulators that launcherEmulatorsPlan() has planned
 * @props: the devices
 * @home: the directory that launcherPathsGetHome() returned
 * @err: set on failure
 *
 * Checks the servers of devices that other programs provide, starts the emulators, and attaches
 * devices to emulators that are already running.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean launcherEmulatorsStart(LauncherEmulators *emulators,
                                QEMUProps *const *props,
                                const char *home,
                                GError **err);

/**
 * launcherEmulatorsWait:
 * @emulators: what launcherEmulatorsStart() has started
 * @err: set on failure
 *
 * Waits until all emulators serve their devices.
 *
 * Returns FALSE on failure.
 */
gboolean launcherEmulatorsWait(LauncherEmulators *emulators, GError **err);

/**
 * launcherEmulatorsClear:
 * @emulators: the emulators
 *
 * Kills the emulators that were started, removes their sockets and frees the data. For a launcher
 * that does not become QEMU. The struct itself belongs to the caller.
 */
void launcherEmulatorsClear(LauncherEmulators *emulators);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherEmulators, launcherEmulatorsClear)
