/*
 * qemu_program.h: the devices that a QEMU program supports
 *
 * QEMU has two out-of-process PCI devices. vfio-user-pci was added in QEMU 10.1 and is used
 * if it is available. x-pci-proxy-dev was added in 6.0, in programs that are built with KVM.
 *
 * Since QEMU 8.2, QEMU crashes if an x-pci-proxy-dev is added to a machine that does not run
 * with KVM: the device registers its interrupt with KVM unconditionally. Until 8.1,
 * kvm_irqchip_assign_irqfd() checked that irqfds are available. QEMU commit "kvm: require
 * KVM_IRQFD for kernel irqchip" (October 2023, first in 8.2) removed this check, and the
 * call dereferences a NULL kvm_state. The crash was observed with 10.1, but not with 7.2.
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
    gboolean known;         /* whether proxy is known */
    gboolean proxy;         /* whether x-pci-proxy-dev is supported */
    gboolean vfioUser;      /* whether vfio-user-pci is supported */
} QEMUProgram;

/**
 * qemuProgramRead:
 * @qemu: filled in
 * @data: the constants of a program, or its output
 * @size: length of @data in bytes
 *
 * Returns FALSE if the program is not QEMU.
 */
gboolean qemuProgramRead(QEMUProgram *qemu, const char *data, size_t size);

/**
 * qemuProgramReadBinary:
 * @qemu: filled in
 * @data: the contents of a program's file
 * @size: length of @data in bytes
 *
 * Returns FALSE if the file is not QEMU, for example a script that starts QEMU.
 */
gboolean qemuProgramReadBinary(QEMUProgram *qemu, const char *data, size_t size);

/**
 * qemuProgramReadFile:
 * @qemu: filled in
 * @path: the path of a program
 *
 * The same for the file @path. The program is not run.
 *
 * Returns FALSE if the file cannot be read or is not QEMU.
 */
gboolean qemuProgramReadFile(QEMUProgram *qemu, const char *path);

/**
 * qemuProgramIsSince:
 * @qemu: a QEMU program
 * @major, @minor: a version
 *
 * Returns TRUE if the program has this version or a newer one.
 */
gboolean qemuProgramIsSince(const QEMUProgram *qemu, int major, int minor);

/**
 * qemuProgramMachineAborts:
 * @machine: a machine type, or NULL for QEMU's default
 *
 * Returns TRUE if QEMU aborts when such a machine has a vfio-user-pci. This was observed for
 * pseries of ppc64 with QEMU 11.1, whose PCI host bridge handles the device as a host device
 * behind an IOMMU.
 */
gboolean qemuProgramMachineAborts(const char *machine);

/**
 * qemuProgramChoose:
 * @qemu: a QEMU program
 * @program: its path, for messages
 * @machine: the machine type, or NULL for QEMU's default
 * @kvm: whether the machine can only run with KVM
 * @wanted: the requested protocol, or EMULATED_PCI_VERSION_NONE for the best one
 * @err: return location for an error
 *
 * Selects the protocol between this QEMU and an emulator.
 *
 * Returns the protocol, or EMULATED_PCI_VERSION_NONE with @err set to
 * VIR_ERR_CONFIG_UNSUPPORTED if QEMU does not support such a device.
 */
EmulatedPCIVersion qemuProgramChoose(const QEMUProgram *qemu,
                                     const char *program,
                                     const char *machine,
                                     gboolean kvm,
                                     EmulatedPCIVersion wanted,
                                     GError **err);
