/*
 * qemu_props_alias.h: the device's properties as part of its alias
 *
 * For a device that is attached to a running domain, libvirt stores only the controller that
 * reserves the address: an address and an alias. Therefore the alias contains the properties:
 *
 *   ua-NAME--pci1-58535853…0001-citrix-pv-bus_Adefinition_Eemulatedpci_5fcitrix
 *
 * is the user's alias, the marker, the fields in the order of their table as hexadecimal digits (as
 * many as each field has), the devicename, and for each other property "_A", its name, "_E" and its
 * value. In the devicename and the values, every byte except for [A-Za-z0-9-] is written as "_" and
 * two lower-case hexadecimal digits. libvirt allows all of these characters in an alias, and QEMU
 * in an id.
 *
 * A device has only one such text, and the parser accepts no other.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"
#include "qemu_props_marker.h"
#include "qemu_props_override.h"

/* The maximum length of an alias with properties, in bytes: it must fit into a command of
 * src/monitor. */
#define QEMU_PROPS_ALIAS_MAX 4096

/**
 * qemuPropsAliasFormat:
 * @name: the alias that the user knows
 * @props: the properties
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if the alias would be longer than QEMU_PROPS_ALIAS_MAX,
 *       or to VIR_ERR_XML_ERROR if @name contains the marker
 *
 * Returns the alias that contains the properties, to be freed with g_free(), or NULL with @err
 * set.
 */
char *qemuPropsAliasFormat(const char *name, const QEMUProps *props, GError **err);

/**
 * qemuPropsAliasIsMarked:
 * @alias: an alias
 *
 * Returns TRUE if the alias contains QEMU_PROPS_ALIAS_MARKER.
 */
gboolean qemuPropsAliasIsMarked(const char *alias);

/**
 * qemuPropsAliasGetName:
 * @alias: an alias
 *
 * Returns the part of the alias that the user knows, to be freed with g_free(): the part before
 * the marker, or the whole alias.
 */
char *qemuPropsAliasGetName(const char *alias);

/**
 * qemuPropsAliasRead:
 * @alias: an alias
 * @props: filled in; to be cleared with qemuPropsOverrideClear() in any case
 *
 * Returns TRUE if @alias is the text that qemuPropsAliasFormat() writes for the properties.
 */
gboolean qemuPropsAliasRead(const char *alias, QEMUPropsOverride *props);

/**
 * qemuPropsAliasIsReservation:
 * @arg: an argument of -device, or the arguments of device_add
 *
 * Returns TRUE if this is the controller that represents a device that was attached to the running
 * domain: its driver is "lsi", and its id contains the marker.
 */
gboolean qemuPropsAliasIsReservation(const char *arg);

/**
 * qemuPropsAliasExpand:
 * @arg: an argument of -device for which qemuPropsAliasIsReservation() returns TRUE
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if the id is damaged, or if @arg is not in JSON format
 *
 * Converts the controller to the emulated device that it represents.
 *
 * Returns the argument of -device for the device, with the same id, bus and addr, to be freed with
 * g_free(), or NULL with @err set.
 */
char *qemuPropsAliasExpand(const char *arg, GError **err);
