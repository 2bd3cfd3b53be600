/*
 * qemu_props_private.h: parts of qemu_props.h that its files share
 *
 * A -device argument has JSON or key=value format. Both have the same properties with the same
 * rules, which qemu_props.c contains.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props.h"
#include "qemu_props_json.h"

#define QEMU_PROPS_DRIVER "driver"
#define QEMU_PROPS_FD "fd"
#define QEMU_PROPS_SOCKET "socket"

/* --- qemu_props.c --- */

/**
 * qemuPropsIsDrivers:
 * @key: the name of a property
 *
 * Returns TRUE if this is a property of the emulator: an attribute of <driver>, or an argument.
 */
gboolean qemuPropsIsDrivers(const char *key);

/**
 * qemuPropsIsOurs:
 * @key: the name of a property
 *
 * Returns TRUE if this is a property of the emulated-pci device. QEMU gets all other ones.
 */
gboolean qemuPropsIsOurs(const char *key);

/**
 * qemuPropsSetDriver:
 * @props: the properties so far
 * @key: the name of a property of the emulator
 * @value: its value
 * @err: set to VIR_ERR_XML_ERROR if the value is invalid or was set before
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean qemuPropsSetDriver(QEMUProps *props, const char *key, const char *value, GError **err);

/**
 * qemuPropsSetString:
 * @props: the properties so far
 * @key: the name of a string property of the device: devicename or definition
 * @value: its value
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if the value is invalid
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean qemuPropsSetString(QEMUProps *props, const char *key, const char *value, GError **err);

/**
 * qemuPropsSetSeen:
 * @seen: whether the property was given before; set to TRUE
 * @key: the name of the property
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if the property was given before
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean qemuPropsSetSeen(gboolean *seen, const char *key, GError **err);

/**
 * qemuPropsCheckComplete:
 * @props: the properties; the member given is set
 * @seen: whether each field was given
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED, or to VIR_ERR_XML_ERROR for the emulator
 *
 * Checks that all required properties were given, and only allowed ones.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean qemuPropsCheckComplete(QEMUProps *props, const gboolean *seen, GError **err);

/**
 * qemuPropsShow:
 * @value: the value of a property
 *
 * Returns the value for a message, shortened and in ASCII, to be freed with g_free().
 */
char *qemuPropsShow(const char *value);

/**
 * qemuPropsReportDriver:
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Reports that an argument of -device cannot be parsed.
 */
void qemuPropsReportDriver(GError **err);

/**
 * qemuPropsReportNumber:
 * @field: a numeric field
 * @value: its value
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Reports that the value is not a number in the range of the field.
 */
void qemuPropsReportNumber(EmulatedPCIField field, const char *value, GError **err);

/* --- qemu_props_json.c --- */

/**
 * qemuPropsGetString:
 * @object: a value
 *
 * Returns the value, which belongs to @object, or NULL if it is not a string or contains a NUL.
 */
const char *qemuPropsGetString(JSONObject *object);

/**
 * qemuPropsGetDriver:
 * @object: a -device argument
 *
 * Returns the driver, which belongs to @object, or NULL if there is none.
 */
const char *qemuPropsGetDriver(JSONObject *object);

/**
 * qemuPropsParseJSON:
 * @arg: a -device argument for the emulated-pci driver in JSON format
 * @err: set as for qemuPropsParse()
 *
 * Returns as qemuPropsParse().
 */
QEMUProps *qemuPropsParseJSON(const char *arg, GError **err);

/**
 * qemuPropsReplaceJSON:
 * @arg: a -device argument for the emulated-pci driver in JSON format
 * @driver: the driver that replaces emulated-pci
 * @link: the name of its property for the connection to the emulator
 * @linkValue: the value of that property; the caller keeps its reference
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Returns the argument for the other driver, to be freed with g_free(), or NULL with @err set.
 */
char *qemuPropsReplaceJSON(const char *arg,
                           const char *driver,
                           const char *link,
                           JSONObject *linkValue,
                           GError **err);

/**
 * qemuPropsFormatJSON:
 * @props: valid properties
 *
 * Returns the argument of -device in JSON format, to be freed with g_free().
 */
char *qemuPropsFormatJSON(const QEMUProps *props);

/* --- qemu_props_keyvalue.c --- */

/**
 * qemuPropsReadPairs:
 * @arg: a -device argument in key=value format
 *
 * Splits the argument into pairs. A first word without '=' is the value of "driver".
 *
 * Returns the pairs, to be freed with g_ptr_array_unref(), or NULL if the argument is longer than
 * QEMU_PROPS_LENGTH_MAX.
 */
GPtrArray *qemuPropsReadPairs(const char *arg);

/**
 * qemuPropsPairsAreOurs:
 * @pairs: the pairs of qemuPropsReadPairs(), or NULL
 *
 * Returns TRUE if the driver is emulated-pci. QEMU uses the last one of several drivers.
 */
gboolean qemuPropsPairsAreOurs(GPtrArray *pairs);

/**
 * qemuPropsParseKeyValue:
 * @arg: a -device argument for the emulated-pci driver in key=value format
 * @err: set as for qemuPropsParse()
 *
 * Returns as qemuPropsParse().
 */
QEMUProps *qemuPropsParseKeyValue(const char *arg, GError **err);

/**
 * qemuPropsReplaceKeyValue:
 * @arg: a -device argument for the emulated-pci driver in key=value format
 * @driver: the driver that replaces emulated-pci
 * @fd: the number of the descriptor of its connection to the emulator
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED on failure
 *
 * Returns the argument for the other driver, to be freed with g_free(), or NULL with @err set.
 */
char *qemuPropsReplaceKeyValue(const char *arg, const char *driver, const char *fd, GError **err);

/**
 * qemuPropsFormatKeyValue:
 * @props: valid properties
 *
 * Returns the argument of -device in key=value format, to be freed with g_free().
 */
char *qemuPropsFormatKeyValue(const QEMUProps *props);
