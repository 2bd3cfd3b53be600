/*
 * qemu_props_override.h: the device's properties as libvirt's override
 *
 * libvirt's QEMU driver replaces properties of a device's front end on request
 * (https://libvirt.org/drvqemu.html#overriding-properties-of-qemu-devices):
 *
 *   <qemu:property name='driver' type='string' value='emulated-pci'/>
 *   <qemu:property name='devicename' type='string' value='citrix-pv-bus'/>
 *   <qemu:property name='vendorid' type='unsigned' value='22611'/>
 *   ... the others, in the order of the fields' table ...
 *   <qemu:property name='definition' type='string' value='NAME'/>
 *   <qemu:property name='emulator' type='string' value='NAME'/>
 *   ... the others of <driver>, all strings but the pid, and "arg0" and so on ...
 *
 * This file formats and parses only these elements; src/projection handles the elements
 * around them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_fields.h"
#include "qemu_props.h"

#include <glib.h>

/* The longest value of a property, in bytes */
#define QEMU_PROPS_OVERRIDE_VALUE_MAX EMULATED_PCI_DRIVER_TEXT_MAX

/* The parsed properties. It must be all zeros before the first property, and cleared with
 * qemuPropsOverrideClear(). */
typedef struct {
    guint32 seen;                                           /* private */
    EmulatedPCIFields fields;
    char definition[QEMU_EMULATED_PCI_DEFINITION_MAX + 1];  /* "" if there is none */
    EmulatedPCIDriver *driver;                              /* or NULL */
} QEMUPropsOverride;

/**
 * qemuPropsOverrideRead:
 * @props: the properties so far
 * @name, @type, @value: the attributes of a <qemu:property>
 *
 * Adds one property.
 *
 * Returns FALSE if qemuPropsOverrideFormat() does not write such a property: an unknown or
 * repeated name, another type, or a value that is out of range or not a plain decimal number.
 * @props must not be used any more, except to clear it.
 */
gboolean qemuPropsOverrideRead(QEMUPropsOverride *props,
                               const char *name,
                               const char *type,
                               const char *value);

/**
 * qemuPropsOverrideHasField:
 * @props: properties
 * @field: a field
 *
 * Returns TRUE if qemuPropsOverrideRead() has read @field.
 */
gboolean qemuPropsOverrideHasField(const QEMUPropsOverride *props, EmulatedPCIField field);

/**
 * qemuPropsOverrideIsComplete:
 * @props: the properties of one device
 *
 * Returns TRUE if the driver is emulated-pci, all twelve fields exist (with a socket: the
 * devicename, and only fields that QEMU can override), and the properties of the emulator are
 * valid for a <driver>.
 */
gboolean qemuPropsOverrideIsComplete(const QEMUPropsOverride *props);

/**
 * qemuPropsOverrideClear:
 * @props: properties
 *
 * Frees the driver. The struct itself belongs to the caller.
 */
void qemuPropsOverrideClear(QEMUPropsOverride *props);

/**
 * qemuPropsOverrideFormat:
 * @props: valid properties
 * @prefix: the namespace prefix of the elements, "qemu:" or ""
 * @lineBreak: the white space before each element, or ""
 * @buf: the elements are appended to it
 */
void qemuPropsOverrideFormat(const QEMUProps *props,
                             const char *prefix,
                             const char *lineBreak,
                             GString *buf);
