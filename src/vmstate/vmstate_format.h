/*
 * vmstate_format.h: the registers of a domain's devices as bytes
 *
 * The format is stable and documented in docs/emulatedpci-vmstate.rst, because a guest may be
 * restored years later, by another version, on a machine with another byte order. It consists of
 * the eight bytes "EPCISTAT", the version as a big-endian number of four bytes, and, in version 1,
 * a GVariant of type a(ssauay) in little-endian serialization: alias, devicename, the numeric
 * fields in order, and all registers: PCI_CONFIG_SIZE bytes, or the state of another emulator with
 * up to EMULATOR_STATE_MAX bytes.
 *
 * This file does not use sockets or D-Bus.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_state.h"
#include "vmstate_device.h"

#define VMSTATE_FORMAT_MAGIC "EPCISTAT"
#define VMSTATE_FORMAT_VERSION 1
#define VMSTATE_FORMAT_HEADER 12

/* QEMU takes no more. */
#define VMSTATE_FORMAT_MAX (1024 * 1024)

/**
 * vmstateFormat:
 * @devices: VMStateDevice, in any order; VMSTATE_DEVICES_MAX at most
 *
 * Returns the bytes that are saved, newly allocated.
 */
GBytes *vmstateFormat(GPtrArray *devices);

/**
 * vmstateParse:
 * @data: what was saved, possibly hostile, of any alignment
 * @len: its length in bytes
 *
 * Reads what vmstateFormat() wrote. That a value is within its field's range,
 * that an alias is one and stands there once, is checked; whether the devices
 * are those of a domain is vmstateDeviceCheck()'s.
 *
 * Returns the devices, a newly allocated array of VMStateDevice, or NULL with
 * @err set: no state, of another version, or damaged.
 */
GPtrArray *vmstateParse(gconstpointer data, gsize len, GError **err);
