/*
 * device_edit.h: one emulated PCI device in a domain's XML
 *
 * Pure functions on a lifted domain document, as libvirt formats it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

typedef enum {
    DEVICE_ATTACH,
    DEVICE_DETACH,
    DEVICE_UPDATE,
} DeviceOperation;

/**
 * deviceEdit:
 * @xml: the XML of a domain, as users see it
 * @op: the operation
 * @def: the device. An update sets the alias, the index and the address that it does not contain
 * @err: set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED if @xml cannot be parsed, or to
 *       libvirt's error for a device that does not exist or is ambiguous
 *
 * Attaches, detaches or updates a device in the XML. A device is found by its alias if @def has
 * one, otherwise by its address if @def has one, otherwise by all given fields (to detach it) or
 * by its devicename (to update it).
 *
 * Returns the changed XML, to be freed with g_free(), or NULL with @err set.
 */
char *deviceEdit(const char *xml, DeviceOperation op, EmulatedPCIDef *def, GError **err);

/**
 * deviceFindAlias:
 * @xml: the XML of a domain, as users see it
 * @def: a device
 * @err: set on failure, see deviceEdit()
 *
 * Finds the device that would be detached for @def.
 *
 * Returns its alias, to be freed with g_free(), or NULL with @err set.
 */
char *deviceFindAlias(const char *xml, const EmulatedPCIDef *def, GError **err);

/**
 * deviceRemoveAlias:
 * @xml: the XML of a domain, as users see it
 * @alias: an alias
 * @err: set on failure, see deviceEdit()
 *
 * Removes the emulated device with this alias.
 *
 * Returns the changed XML, to be freed with g_free(); NULL without @err set if there is no such
 * device, or with @err set.
 */
char *deviceRemoveAlias(const char *xml, const char *alias, GError **err);

/**
 * deviceHasServer:
 * @xml: the XML of a domain, as users see it
 * @alias: the alias of a device, which need not be an emulated one
 * @server: set to whether it is the emulated device of a server (<driver socket='…'/>)
 * @err: set on failure, see deviceEdit()
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean deviceHasServer(const char *xml, const char *alias, gboolean *server, GError **err);

/**
 * deviceCheckAbsent:
 * @xml: the XML of a domain, as users see it
 * @def: a device
 * @err: set to VIR_ERR_OPERATION_INVALID if the domain already has such a device, or see
 *       deviceEdit()
 *
 * Checks that the domain has no device of the same definition or, if @def refers to none, no
 * device with the same fields.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean deviceCheckAbsent(const char *xml, const EmulatedPCIDef *def, GError **err);
