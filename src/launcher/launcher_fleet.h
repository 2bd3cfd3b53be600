/*
 * launcher_fleet.h: all emulators of a domain
 *
 * Devices that name the same emulator get one process, others get their own,
 * and some go to a process that already runs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "launcher_emulator.h"
#include "launcher_qemu.h"

/* What messages call the emulator that has no name. */
#define LAUNCHER_FLEET_DEFAULT "default"

typedef struct {
    GPtrArray *groups;          /* of EmulatedPCIDriverGroup */
    LauncherEmulator *emulators;    /* one for each that was started */
    size_t started;
    LauncherSocket *sockets;    /* one for each device */
    size_t n;                   /* devices */
    gboolean travels;           /* the devices' registers, with the guest: launcher_state.h */
    LauncherSocket *state;      /* what QEMU connects to for that; or NULL */
} LauncherFleet;

/* The emulators of the N devices of PROPS, of EmulatedPCIDriverGroup. NULL
 * with ERR set if one is described in two ways. */
GPtrArray *launcherFleetGroup(QEMUProps *const *props, size_t n, GError **err);

/* Sorts the N devices of PROPS, which must live as long as FLEET, into
 * emulators, and decides how each will talk with QEMU, the PROGRAM of that
 * name, as a machine of type MACHINE (or NULL). FALSE with ERR set, if
 * emulators are described in two ways, or this QEMU cannot have such devices. */
gboolean launcherFleetPlan(LauncherFleet *fleet,
                           QEMUProps *const *props,
                           size_t n,
                           const QEMUProgram *qemu,
                           const char *program,
                           const char *machine,
                           gboolean kvm,
                           GError **err);

/* Whether QEMU will talk to any of the emulators as VERSION says. After
 * launcherFleetPlan(). */
gboolean launcherFleetHasVersion(const LauncherFleet *fleet, EmulatedPCIVersion version);

/* Starts all emulators (pci-emulator lies in HOME), and attaches to those
 * that run. FALSE with ERR set. */
gboolean launcherFleetStart(LauncherFleet *fleet,
                            QEMUProps *const *props,
                            const char *home,
                            GError **err);

/* Waits until all serve their devices. FALSE with ERR set. */
gboolean launcherFleetWait(LauncherFleet *fleet, GError **err);

/* Ends what was started, which QEMU does not need: it does not run. */
void launcherFleetClear(LauncherFleet *fleet);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LauncherFleet, launcherFleetClear)
