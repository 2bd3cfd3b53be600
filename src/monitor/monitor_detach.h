/*
 * monitor_detach.h: device_del for an emulated PCI device
 *
 * QEMU 11.1 aborts when it unplugs a vfio-user-pci with MSI-X: vfio_user_instance_finalize() in its
 * hw/vfio-user/pci.c removes the region of the pending bits from a BAR that does not exist any more.
 * Whether the device has MSI-X depends on its emulator or server, and on the machine. Therefore the
 * relay asks QEMU about the device, and forwards libvirt's device_del only if it has none. libvirt
 * does not see the replies:
 *
 *   1. The type of the device. Other types are unplugged as usual.
 *   2. Is there the memory region of the pending bits, "VFIO MSIX PBA"? vfio_user_msix_setup()
 *      creates it exactly if the device would be finalized in the way above: also if QEMU ignores
 *      the capability, because the machine has no MSI.
 *   3. Is there the memory region of the table, "msix-table", which msix_init() creates? A QEMU that
 *      has renamed the former can still abort.
 *
 * A device that has one of them, or about which QEMU replies with another error than that it does
 * not exist, is not unplugged.
 *
 * These functions make no system calls and do not allocate memory.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stddef.h>

#include "monitor_status.h"

/* The id of the questions */
#define MONITOR_DETACH_ID "emulatedpci-detach"

/* The error for libvirt, which virsh prints */
#define MONITOR_DETACH_REFUSAL \
    "QEMU may abort when it unplugs this device, because the device has MSI-X; use --config to " \
    "detach it at the next start"

/**
 * monitorDetachAsk:
 * @attach: the command that is being checked
 *
 * Stores QEMU's command for the current question as the text to be sent. Can be repeated.
 */
void monitorDetachAsk(MonitorAttach *attach);

/**
 * monitorDetachJudge:
 * @question: a question
 * @reply: QEMU's reply to it, a complete line
 * @len: its length, in bytes
 *
 * Returns the next question, MONITOR_QUESTION_PASS if the device can be unplugged, or
 * MONITOR_QUESTION_REFUSE.
 */
MonitorQuestion monitorDetachJudge(MonitorQuestion question, const char *reply, size_t len);
