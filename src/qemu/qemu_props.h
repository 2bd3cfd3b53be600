/*
 * qemu_props.h: properties of QEMU's emulated-pci device
 *
 * From the twelve fields to the device's properties and back, in the two
 * forms that stand in a command line: -device JSON and the older -device
 * key=value. (The third form, the properties of libvirt's <qemu:override>,
 * is XML: qemu_props_override.h.)
 *
 * A -device argument of ours holds the driver's name, the twelve fields (of a
 * device that a server describes, those that replace the server's), at most a
 * definition, what is known of the emulator, and properties of other people: id, bus, addr and
 * whatever else QEMU's PCI devices have. Those are "foreign" here: kept as
 * they are and in their order, and never judged.
 *
 * Knows nothing of XML, of files or of processes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_driver.h"
#include "emulatedpci_error.h"
#include "emulatedpci_fields.h"

#include <glib.h>

/* The driver that libvirt is told to write and that the launcher replaces. */
#define QEMU_EMULATED_PCI_DRIVER "emulated-pci"

/* The property that carries the name of the definition a device was made
 * from; 1 to 255 characters of [A-Za-z0-9_.-]. */
#define QEMU_EMULATED_PCI_DEFINITION "definition"
#define QEMU_EMULATED_PCI_DEFINITION_MAX 255

/* The properties of the emulator have the names of <driver>'s attributes, and
 * its arguments are "arg0", "arg1" and so on. All are strings but the pid. */
#define QEMU_EMULATED_PCI_ARG "arg"

/* The longest -device argument that is read, in bytes: just less than the
 * longest that Linux gives to a program. */
#define QEMU_PROPS_LENGTH_MAX (128 * 1024 - 1)

typedef enum {
    QEMU_PROPS_FORM_JSON = 0,       /* {"driver":"emulated-pci",…} */
    QEMU_PROPS_FORM_KEYVALUE,       /* emulated-pci,… or driver=emulated-pci,… */
} QEMUPropsForm;

typedef struct _QEMUProps QEMUProps;
struct _QEMUProps {
    char *devicename;
    guint32 value[EMULATED_PCI_FIELD_LAST];     /* [DEVICENAME] is unused */
    gboolean given[EMULATED_PCI_FIELD_LAST];    /* matters where driver has a socket: the other
                                                 * fields are the server's */
    char *definition;                           /* or NULL */
    EmulatedPCIDriver *driver;                  /* or NULL */
};

void qemuPropsFree(QEMUProps *props);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QEMUProps, qemuPropsFree)

/* Whether FIELD is one of the properties of the device. */
gboolean qemuPropsHasField(const QEMUProps *props, EmulatedPCIField field);

/* The number of the emulator's argument that a property KEY is: more than any
 * can have if it has too many digits; -1 if it is none. */
int qemuPropsGetArgNumber(const char *key);

/* Whether ARG, what follows -device, is of the emulated-pci driver. Never
 * fails: what cannot be read is not ours, and QEMU says what is wrong. */
gboolean qemuPropsIsEmulatedPCI(const char *arg);

/* Reads an argument of the emulated-pci driver. All twelve fields must be
 * there, once, of the right type and in range (where there is a socket, the
 * devicename and any that QEMU can override); else NULL, and ERR
 * (VIR_ERR_CONFIG_UNSUPPORTED) names the property, its value and what is
 * allowed. Numbers are JSON integers, or decimal or 0x-hexadecimal in the
 * key=value form. The result is newly allocated. What is wrong with the
 * emulator's properties is VIR_ERR_XML_ERROR, as in XML. */
QEMUProps *qemuPropsParse(const char *arg, GError **err);

/* The property "id" of ARG, which is QEMU's name for the device and libvirt's alias.
 * Newly allocated; NULL if there is none, or ARG is not in the JSON form. */
char *qemuPropsGetId(const char *arg);

/* ARG with DRIVER in place of emulated-pci, FD as its property "fd", and
 * without our properties; the same form, newly allocated. NULL, with ERR set,
 * if ARG cannot be read or has a property "fd" already. */
char *qemuPropsReplaceDriver(const char *arg,
                             const char *driver,
                             int fd,
                             GError **err);

/* The same with a UNIX socket at PATH as its property "socket", and if the device
 * is a server's with the properties of QEMU's that override the server's fields.
 * Only in the JSON form: QEMU's key=value form has no such properties. */
char *qemuPropsReplaceDriverPath(const char *arg,
                                 const char *driver,
                                 const char *path,
                                 GError **err);

/* The -device argument for PROPS: the driver, the fields in the table's
 * order, the definition and the emulator's if there are; no foreign properties. Newly
 * allocated. */
char *qemuPropsFormat(const QEMUProps *props, QEMUPropsForm form);
