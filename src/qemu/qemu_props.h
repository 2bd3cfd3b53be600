/*
 * qemu_props.h: properties of QEMU's emulated-pci device
 *
 * Converts the twelve fields to the device's properties and back, in the two formats of a
 * command line: -device with JSON, and the older -device with key=value.
 * (qemu_props_override.h has the third format, the properties of libvirt's
 * <qemu:override>.)
 *
 * A -device argument contains the driver's name, the twelve fields (or, for a device
 * of a server, those that replace the server's values), optionally a definition and the
 * properties of the emulator, and other properties of QEMU's PCI devices: id, bus, addr
 * and so on. The latter are called "foreign": they are kept unchanged and in order, and
 * are not validated.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"
#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"

#include <glib.h>

/* The driver in libvirt's command line, which the launcher replaces */
#define QEMU_EMULATED_PCI_DRIVER "emulated-pci"

/* The property with the name of the definition of a device: 1 to 255 characters of
 * [A-Za-z0-9_.-] */
#define QEMU_EMULATED_PCI_DEFINITION "definition"
#define QEMU_EMULATED_PCI_DEFINITION_MAX 255

/* The properties of the emulator have the names of <driver>'s attributes, and
 * its arguments are "arg0", "arg1" and so on. All are strings except for the pid. */
#define QEMU_EMULATED_PCI_ARG "arg"

/* The longest -device argument, in bytes: Linux's MAX_ARG_STRLEN without the NUL */
#define QEMU_PROPS_LENGTH_MAX (128 * 1024 - 1)

typedef enum {
    QEMU_PROPS_FORM_JSON = 0,       /* {"driver":"emulated-pci",…} */
    QEMU_PROPS_FORM_KEYVALUE,       /* emulated-pci,… or driver=emulated-pci,… */
} QEMUPropsForm;

typedef struct _QEMUProps QEMUProps;
struct _QEMUProps {
    EmulatedPCIFields fields;
    gboolean given[EMULATED_PCI_FIELD_LAST];    /* used if driver has a socket: the other fields are
                                                 * those of the server */
    char *definition;                           /* or NULL */
    EmulatedPCIDriver *driver;                  /* or NULL */
};

/**
 * qemuPropsFree:
 * @props: properties, or NULL
 *
 * Frees the properties.
 */
void qemuPropsFree(QEMUProps *props);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QEMUProps, qemuPropsFree)

/**
 * qemuPropsHasField:
 * @props: properties
 * @field: a field
 *
 * Returns TRUE if the properties contain @field. Only properties of a server's device, with a
 * socket, omit fields.
 */
gboolean qemuPropsHasField(const QEMUProps *props, EmulatedPCIField field);

/**
 * qemuPropsGetArgNumber:
 * @key: the name of a property
 *
 * Returns N if @key is "argN", the property of an emulator's argument, or a number above the
 * maximum if it has too many digits, or -1 if @key is another property.
 */
int qemuPropsGetArgNumber(const char *key);

/**
 * QEMUPropsDriverFunc:
 * @name: the name of a property
 * @value: its value
 * @isNumber: whether the value is a decimal number
 * @opaque: what was given to qemuPropsForEachDriverProperty()
 *
 * Handles one property of an emulator.
 */
typedef void (*QEMUPropsDriverFunc)(const char *name,
                                    const char *value,
                                    gboolean isNumber,
                                    void *opaque);

/**
 * qemuPropsForEachDriverProperty:
 * @driver: an emulator
 * @func: a function
 * @opaque: given to @func
 *
 * Calls @func for each property that @driver has: its attributes in the order of
 * EmulatedPCIDriverAttr, then its arguments.
 */
void qemuPropsForEachDriverProperty(const EmulatedPCIDriver *driver,
                                    QEMUPropsDriverFunc func,
                                    void *opaque);

/**
 * qemuPropsIsEmulatedPCI:
 * @arg: an argument of -device
 *
 * Returns TRUE if the driver is emulated-pci. A malformed argument is not, and QEMU reports
 * the error.
 */
gboolean qemuPropsIsEmulatedPCI(const char *arg);

/**
 * qemuPropsParse:
 * @arg: a -device argument for the emulated-pci driver
 * @err: return location for an error
 *
 * Parses the argument. Each of the twelve fields is required exactly once and must have the
 * right type and range. With a socket, only the devicename is required, and only fields that
 * QEMU can override are allowed. Numbers are JSON integers or, in key=value format, decimal or
 * 0x-hexadecimal.
 *
 * Returns the properties, to be freed with qemuPropsFree(), or NULL with @err set to
 * VIR_ERR_CONFIG_UNSUPPORTED, or to VIR_ERR_XML_ERROR for a property of the emulator.
 */
QEMUProps *qemuPropsParse(const char *arg, GError **err);

/**
 * qemuPropsGetId:
 * @arg: a -device argument
 *
 * Gets the property "id", which is libvirt's alias of the device.
 *
 * Returns a string to be freed with g_free(), or NULL if there is no "id" or if @arg is not
 * in JSON format.
 */
char *qemuPropsGetId(const char *arg);

/**
 * qemuPropsReplaceDriver:
 * @arg: a -device argument for the emulated-pci driver
 * @driver: the driver of QEMU that replaces it
 * @fd: the value of the property "fd", a file descriptor
 * @err: return location for an error
 *
 * Replaces the driver and its properties; foreign properties are kept.
 *
 * Returns the argument in the same format, to be freed with g_free(), or NULL with @err set
 * if @arg is malformed or already has a property "fd".
 */
char *qemuPropsReplaceDriver(const char *arg,
                             const char *driver,
                             int fd,
                             GError **err);

/**
 * qemuPropsReplaceDriverPath:
 * @arg: a -device argument for the emulated-pci driver, in JSON format
 * @driver: the driver of QEMU that replaces it
 * @path: the path of a UNIX socket, the value of the property "socket"
 * @err: return location for an error
 *
 * The same for a socket. For a device of a server, the properties of QEMU that override the
 * server's values are written, too. The key=value format is not supported, because QEMU's has no
 * structured properties.
 *
 * Returns as qemuPropsReplaceDriver().
 */
char *qemuPropsReplaceDriverPath(const char *arg,
                                 const char *driver,
                                 const char *path,
                                 GError **err);

/**
 * qemuPropsFormat:
 * @props: valid properties
 * @form: the format
 *
 * Formats a -device argument: the driver, the fields in the order of their table, and
 * optionally the definition and the properties of the emulator.
 *
 * Returns a string to be freed with g_free().
 */
char *qemuPropsFormat(const QEMUProps *props, QEMUPropsForm form);
