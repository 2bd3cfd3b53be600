/*
 * qemu_props_marker.h: how an alias that holds a device's fields is recognized
 *
 * qemu_props_alias.h tells what it is. This is for programs without GLib.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The text after the user's alias in an alias that contains all fields; other aliases do not
 * contain it. */
#define QEMU_PROPS_ALIAS_MARKER "--pci1-"
