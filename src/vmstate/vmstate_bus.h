/*
 * vmstate_bus.h: the D-Bus interface for QEMU's dbus-vmstate object
 *
 * QEMU is the client of a message bus. There is no bus: this end of its only connection answers for
 * the bus and for its only service. GLib's GDBus implements the protocol;
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
 * vmstateBusInit:
 *
 * Does what a sandbox would not allow: random numbers, types. Can be called again.
 */
void vmstateBusInit(void);

/**
 * vmstateBusServe:
 * @fd: a connection to QEMU; the function closes it
 * @domain: the devices whose registers are saved and loaded
 * @err: set if QEMU does not speak D-Bus
 *
 * Serves QEMU until it closes the connection.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateBusServe(int fd, VMStateDomain *domain, GError **err);
