/*
 * qemu_program.h: what a QEMU program is able to do for us
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

#define QEMU_PROGRAM_PROXY "x-pci-proxy-dev"
#define QEMU_PROGRAM_VFIO_USER "vfio-user-pci"

typedef struct {
    int major;
    int minor;
    gboolean known;         /* whether proxy is an answer */
    gboolean proxy;         /* it has x-pci-proxy-dev */
    gboolean vfioUser;      /* it has vfio-user-pci */
} QEMUProgram;

/* Reads what is in DATA, SIZE bytes of a program's constants or output. FALSE
 * if that is no QEMU. */
gboolean qemuProgramRead(QEMUProgram *qemu, const char *data, size_t size);

/* The same for a whole program; FALSE for a script around QEMU, say. */
gboolean qemuProgramReadBinary(QEMUProgram *qemu, const char *data, size_t size);

/* Reads the file PATH in the same way; no program is run. FALSE if it cannot be read
 * or does not tell. */
gboolean qemuProgramReadFile(QEMUProgram *qemu, const char *path);

/* Whether the program is of QEMU MAJOR.MINOR or a newer one. */
gboolean qemuProgramIsSince(const QEMUProgram *qemu, int major, int minor);

/* Whether QEMU aborts when a machine of type @machine (NULL: QEMU's default) gets a
 * vfio-user-pci. ppc64's pseries does, seen with QEMU 11.1: its PCI host bridge takes
 * the device for one of the host's behind an IOMMU. */
gboolean qemuProgramMachineAborts(const char *machine);

/* Which protocol an emulator for a device of this program's machine speaks. @program:
 * the path, for messages. @machine: the machine type, or NULL for QEMU's default.
 * @kvm: whether the machine runs with KVM and nothing else. @wanted: what the emulator
 * is asked to speak, or EMULATED_PCI_VERSION_NONE for the best that the program has.
 * Returns the protocol, or EMULATED_PCI_VERSION_NONE with ERR set
 * (VIR_ERR_CONFIG_UNSUPPORTED) if QEMU cannot have such a device. */
EmulatedPCIVersion qemuProgramChoose(const QEMUProgram *qemu,
                                     const char *program,
                                     const char *machine,
                                     gboolean kvm,
                                     EmulatedPCIVersion wanted,
                                     GError **err);
