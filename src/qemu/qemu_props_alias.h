/*
 * qemu_props_alias.h: the device's properties as part of its alias
 *
 * libvirt keeps no properties for a device that is attached to a running domain, only the
 * controller that reserves its place: an address and an alias. So the alias holds them:
 *
 *   ua-NAME--pci1-58535853…0001-citrix-pv-bus_Adefinition_Eemulatedpci_5fcitrix
 *
 * is the user's alias, the marker, the fields in the order of their table as hexadecimal
 * digits (as many as each field has), the devicename, and for each other property "_A", its
 * name, "_E" and its value. In the devicename and the values every byte but [A-Za-z0-9-] is
 * "_" and two lower-case hexadecimal digits. All characters are those that libvirt allows in
 * an alias and QEMU in an id.
 *
 * The same device is always written in the same way, and nothing else is read.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"
#include "qemu_props_marker.h"
#include "qemu_props_override.h"

/* The longest alias that holds properties, in bytes: it has to fit into a command of
 * src/monitor. */
#define QEMU_PROPS_ALIAS_MAX 4096

/**
 * qemuPropsAliasFormat:
 * @name: the user's alias
 * @props: the properties
 *
 * Returns the alias that holds @props, newly allocated, or NULL with @err set if it would be
 * longer than QEMU_PROPS_ALIAS_MAX, or @name has the marker in it.
 */
char *qemuPropsAliasFormat(const char *name, const QEMUProps *props, GError **err);

/* Returns whether ALIAS has the marker in it. */
gboolean qemuPropsAliasIsMarked(const char *alias);

/* Returns the user's part of ALIAS, all of it if it has no marker. The caller frees the result. */
char *qemuPropsAliasGetName(const char *alias);

/**
 * qemuPropsAliasRead:
 * @alias: an alias
 * @props: filled in; to be cleared with qemuPropsOverrideClear() in any case
 *
 * Returns whether @alias is just what qemuPropsAliasFormat() makes of the properties.
 */
gboolean qemuPropsAliasRead(const char *alias, QEMUPropsOverride *props);

/**
 * qemuPropsAliasIsReservation:
 * @arg: what follows -device, or the arguments of device_add
 *
 * Returns whether it is the controller that libvirt knows a device by that was attached to the
 * running domain: of driver "lsi", and with a marked id.
 */
gboolean qemuPropsAliasIsReservation(const char *arg);

/**
 * qemuPropsAliasExpand:
 * @arg: a reservation
 *
 * Returns the -device argument of the emulated-pci device that it stands for, with the same
 * id, bus and addr; newly allocated. NULL with @err set if the id is damaged, or @arg is not in
 * the JSON form.
 */
char *qemuPropsAliasExpand(const char *arg, GError **err);
