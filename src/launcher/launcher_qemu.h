/*
 * launcher_qemu.h: what a QEMU program is able to do for us
 *
 * There are two out-of-process PCI devices. vfio-user-pci came with QEMU 10.1;
 * where it is, it is used. x-pci-proxy-dev is there since 6.0, in programs for
 * machines that KVM can run.
 *
 * From QEMU 8.2 on, a machine that does not run with KVM crashes when such a
 * device is made: the device registers its interrupt with KVM whether or not
 * there is one. Until 8.1 kvm_irqchip_assign_irqfd() checked that irqfds were
 * available and gave up otherwise; QEMU commit "kvm: require KVM_IRQFD for
 * kernel irqchip" (October 2023, first in 8.2) took the check away, and the
 * call reads a NULL kvm_state. Seen with 10.1; with 7.2 it works.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"

#include <stddef.h>

#define LAUNCHER_QEMU_DRIVER "x-pci-proxy-dev"
#define LAUNCHER_QEMU_VFIO_USER "vfio-user-pci"

typedef struct {
    int major;
    int minor;
    gboolean known;         /* whether proxy is an answer */
    gboolean proxy;         /* it has x-pci-proxy-dev */
    gboolean vfioUser;      /* it has vfio-user-pci */
} LauncherQEMU;

/* Reads what is in DATA, SIZE bytes of a program's constants or output. FALSE
 * if that is no QEMU. */
gboolean launcherQEMURead(LauncherQEMU *qemu, const char *data, size_t size);

/* The same for a whole program; FALSE for a script around QEMU, say. */
gboolean launcherQEMUReadProgram(LauncherQEMU *qemu, const char *data, size_t size);

/* Finds out what the PROGRAM is: reads it or, if that does not help, runs it
 * with --version, and from 10.1 on with -device vfio-user-pci,help. FALSE
 * with ERR set. */
gboolean launcherQEMUInspect(LauncherQEMU *qemu, const char *program, GError **err);

/* How an emulator will talk with it: as WANTED, or, if that is NONE, in the
 * best way there is. NONE, with ERR set, if that cannot be. */
EmulatedPCIVersion launcherQEMUChoose(const LauncherQEMU *qemu,
                                      const char *program,
                                      gboolean kvm,
                                      EmulatedPCIVersion wanted,
                                      GError **err);
