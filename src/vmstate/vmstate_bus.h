/*
 * vmstate_bus.h: the D-Bus interface for QEMU's dbus-vmstate object
 *
 * QEMU is the client of a message bus. There is no bus: this end of its only connection answers for
 * the bus and for its only service. libsystemd's sd-bus implements the protocol;
 * docs/interop/dbus-vmstate.rst and backends/dbus-vmstate.c in QEMU describe the calls.
 *
 * When a guest is saved, QEMU asks the bus for the owner of org.qemu.VMState1, then calls Save. If
 * the first call fails, the save fails and the guest continues. If the second call fails, QEMU up
 * to 11.1 continues without a state. Therefore the registers are collected when the first call
 * arrives.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "vmstate_domain.h"

/* The Id of the state in QEMU's migration stream, which id-list of the object
 * names. */
#define VMSTATE_BUS_ID "emulatedpci"

/**
 * vmstateBusServe:
 * @fd: a connection to QEMU; the function closes it
 * @control: the launcher's socket for devices that are attached to the running domain, or -1
 * @domain: the devices whose registers are saved and loaded
 * @err: set if QEMU does not speak D-Bus
 *
 * Serves QEMU, and the launcher at @control, until QEMU closes the connection.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateBusServe(int fd, int control, VMStateDomain *domain, GError **err);
