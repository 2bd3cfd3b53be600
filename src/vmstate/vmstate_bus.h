/*
 * vmstate_bus.h: D-Bus as QEMU's dbus-vmstate object speaks it
 *
 * QEMU is the client of a message bus. There is no bus: this end of its one
 * connection answers for the bus, whose only service is this end, too. GLib's
 * GDBus has the protocol; what QEMU asks for is in docs/interop/dbus-vmstate.rst
 * and backends/dbus-vmstate.c of its sources.
 *
 * At a save QEMU asks the bus who serves org.qemu.VMState1, then calls Save. If
 * the former fails, the save fails and the guest runs on; if the latter does, QEMU
 * before and including 11.1 goes on without a state. So the registers are
 * collected for the first question already.
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
 * @fd: a connection of QEMU's, which is closed in the end
 * @domain: whose devices are saved and loaded
 *
 * Serves QEMU until it closes the connection.
 *
 * Returns FALSE with @err set if that does not speak D-Bus.
 */
gboolean vmstateBusServe(int fd, VMStateDomain *domain, GError **err);
