/*
 * machine_names.h: libvirtd's names for the machine types of a document
 *
 * "pc", or no name, is a machine type that depends on the versions of libvirt and QEMU. libvirtd is
 * asked for the names that lowering a document requires, through its domain capabilities. The names
 * are not kept for other calls.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "relay_port.h"

/* The maximum number of machine types that are requested at once */
#define MACHINE_NAMES_MAX 64

typedef struct _MachineNames MachineNames;

/**
 * machineNamesNew:
 * @port: the connection, which must outlive the names
 *
 * Returns an empty set of names, to be freed with machineNamesFree(). Never NULL.
 */
MachineNames *machineNamesNew(RelayPort *port);

/**
 * machineNamesFree:
 * @names: the names, or NULL
 *
 * Frees the names.
 */
void machineNamesFree(MachineNames *names);

/**
 * machineNamesGet:
 * @type: of the domain, or NULL
 * @arch: of the domain, or NULL
 * @machine: machine type as the document has it, or NULL
 * @emulator: path of QEMU, or NULL
 * @opaque: the MachineNames
 *
 * For ProjectionOptions.machine.
 *
 * Returns the machine type that libvirtd gives such a domain; NULL if that is not known (yet). A
 * name that has not been asked for is noted for machineNamesFetch().
 */
const char *machineNamesGet(const char *type, const char *arch, const char *machine,
                            const char *emulator, void *opaque);

/**
 * machineNamesWants:
 * @names: the names
 *
 * Returns TRUE if names have been noted for machineNamesFetch().
 */
gboolean machineNamesWants(const MachineNames *names);

/**
 * machineNamesFetch:
 * @names: the names
 * @ready: called once when libvirtd has answered
 * @opaque: passed to @ready
 *
 * Requests all noted names from libvirtd. A name that libvirtd does not tell is not requested
 * again.
 */
void machineNamesFetch(MachineNames *names, void (*ready)(void *opaque), void *opaque);

/**
 * machineNamesForget:
 * @names: the names
 *
 * Removes all names, the noted ones too.
 */
void machineNamesForget(MachineNames *names);
