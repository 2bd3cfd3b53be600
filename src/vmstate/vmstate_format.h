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

/* The maximum size of a state that QEMU accepts, in bytes */
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
 * @data: the saved bytes, which may be malicious, with any alignment
 * @len: their number
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if this is not a state, has another version, or is
 *       damaged
 *
 * Parses the output of vmstateFormat(). Checks that values are within the ranges of their fields,
 * and that aliases are valid and unique; vmstateDeviceCheck() checks whether the devices are those
 * of a domain.
 *
 * Returns an array of VMStateDevice, to be freed with g_ptr_array_unref(), or NULL with @err set.
 */
GPtrArray *vmstateParse(gconstpointer data, gsize len, GError **err);
