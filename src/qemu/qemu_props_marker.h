/*
 * qemu_props_marker.h: how an alias that holds a device's fields is recognized
 *
 * qemu_props_alias.h tells what it is. This is for programs without GLib.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What follows the user's alias in one that holds all fields. No other alias has it. */
#define QEMU_PROPS_ALIAS_MARKER "--pci1-"
