/*
 * vmstate_format.h: the registers of a domain's devices as bytes
 *
 * Stable and documented in docs/emulatedpci-vmstate.rst: a saved guest may be
 * restored years later, by another version, on a machine of another byte
 * order. Eight bytes "EPCISTAT", the version as a big-endian number of four
 * bytes, and then, in version 1, a GVariant of type a(ssauay) in its
 * little-endian serialization: alias, devicename, the numeric fields in their
 * order, and all registers: PCI_CONFIG_SIZE bytes, or as many as an emulator of
 * somebody else's has, up to EMULATOR_STATE_MAX.
 *
 * Pure: knows neither sockets nor D-Bus.
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
