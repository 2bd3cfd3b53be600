/*
 * qemu_props_override.h: the device's properties as libvirt's override
 *
 * libvirt's QEMU driver lets a domain replace the properties of a device's
 * front end (https://libvirt.org/drvqemu.html#overriding-properties-of-qemu-devices):
 *
 *   <qemu:property name='driver' type='string' value='emulated-pci'/>
 *   <qemu:property name='devicename' type='string' value='citrix-pv-bus'/>
 *   <qemu:property name='vendorid' type='unsigned' value='22611'/>
 *   ... the others, in the order of the fields' table ...
 *   <qemu:property name='definition' type='string' value='NAME'/>
 *   <qemu:property name='emulator' type='string' value='NAME'/>
 *   ... the others of <driver>, all strings but the pid, and "arg0" and so on ...
 *
 * Here are these elements only: written, and recognised one by one. What they
 * stand in is the projection's.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_fields.h"
#include "qemu_props.h"

#include <glib.h>

/* Longest value of a property that can be ours, in bytes. */
#define QEMU_PROPS_OVERRIDE_VALUE_MAX EMULATED_PCI_DRIVER_TEXT_MAX

/* What has been read; all zeroes before the first property. To be cleared. */
typedef struct {
    guint32 seen;                                           /* private */
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    guint32 value[EMULATED_PCI_FIELD_LAST];                 /* [DEVICENAME] is unused */
    char definition[QEMU_EMULATED_PCI_DEFINITION_MAX + 1];  /* "" if there is none */
    EmulatedPCIDriver *driver;                              /* or NULL */
} QEMUPropsOverride;

/* Takes one property. Returns FALSE, and PROPS is of no use any more, if it
 * is none that Format writes: an unknown name, another type, a value that is
 * out of range or no plain decimal number, or a name that was there before. */
gboolean qemuPropsOverrideRead(QEMUPropsOverride *props,
                               const char *name,
                               const char *type,
                               const char *value);

/* Whether FIELD was read. */
gboolean qemuPropsOverrideHasField(const QEMUPropsOverride *props, EmulatedPCIField field);

/* Whether the driver is ours, all twelve fields are there (of a device with a
 * socket, the devicename and none but those that QEMU can override), and what is there
 * of the emulator is as a <driver> can have it. */
gboolean qemuPropsOverrideIsComplete(const QEMUPropsOverride *props);

void qemuPropsOverrideClear(QEMUPropsOverride *props);

/* Appends the elements to BUF. All of PROPS must be valid. PREFIX stands before each element's name
 * ("qemu:" or ""), LINEBREAK before each element (a line break and indentation,
 * or ""). */
void qemuPropsOverrideFormat(const QEMUProps *props,
                             const char *prefix,
                             const char *lineBreak,
                             GString *buf);
