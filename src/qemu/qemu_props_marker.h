/*
 * qemu_props_marker.h: texts that the launcher and emulatedpci-monitor share
 *
 * This is for programs without GLib. See qemu_props_alias.h for aliases that contain a device's
 * fields.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The text after the user's alias in an alias that contains all fields; other aliases do not
 * contain it. */
#define QEMU_PROPS_ALIAS_MARKER "--pci1-"

/* The name of the socket of an x-pci-proxy-dev that is attached to a running domain: an argument
 * of getfd, which emulatedpci-monitor sends, and "fd" of the device_add that the launcher writes. */
#define QEMU_PROPS_ATTACH_FDNAME "emulatedpci"
