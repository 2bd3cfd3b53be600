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
#define QEMU_PROPS_OVERRIDE_VALUE_MAX QEMU_EMULATED_PCI_DEFINITION_MAX

/* What has been read; all zeroes before the first property. */
typedef struct {
    guint32 seen;                                           /* private */
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    guint32 value[EMULATED_PCI_FIELD_LAST];                 /* [DEVICENAME] is unused */
    char definition[QEMU_PROPS_OVERRIDE_VALUE_MAX + 1];     /* "" if there is none */
} QEMUPropsOverride;

/* Takes one property. Returns FALSE, and PROPS is of no use any more, if it
 * is none that Format writes: an unknown name, another type, a value that is
 * out of range or no plain decimal number, or a name that was there before. */
gboolean qemuPropsOverrideRead(QEMUPropsOverride *props,
                               const char *name,
                               const char *type,
                               const char *value);

/* Whether the driver is ours and all twelve fields are there. */
gboolean qemuPropsOverrideIsComplete(const QEMUPropsOverride *props);

/* Appends the elements to BUF. DEVICENAME and DEFINITION (NULL: none) must be
 * valid, so they need no escaping. PREFIX stands before each element's name
 * ("qemu:" or ""), LINEBREAK before each element (a line break and indentation,
 * or ""). */
void qemuPropsOverrideFormat(const char *devicename,
                             const guint32 *value,
                             const char *definition,
                             const char *prefix,
                             const char *lineBreak,
                             GString *buf);
